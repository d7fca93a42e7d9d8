"""How long the tests may look: `make soak` sets TEST_PROFILE=long."""

import os

PROFILE = os.environ.get("TEST_PROFILE", "ci")


def draws(usual: int, long: int) -> int:
    """The size of a simulation: enough to notice a mistake every time, and as proof."""
    return {"ci": usual, "long": long}[PROFILE]
