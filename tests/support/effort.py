"""How much work tests do: `make soak` sets TEST_PROFILE=long."""

import os

PROFILE = os.environ.get("TEST_PROFILE", "ci")


def draws(usual: int, long: int) -> int:
    """Return the size of a simulation: `usual` reliably detects a mistake, `long` gives precise
    figures."""
    return {"ci": usual, "long": long}[PROFILE]
