"""Only the key itself is accepted, no matter how much a header resembles it."""

import pytest

from tests.support.attacks.doors import Tally, total, try_credentials


def test_only_the_right_key_is_admitted_and_everything_else_gets_401() -> None:
    tallies = try_credentials(3_000)
    found = total(tallies)
    assert (found.n, found.wrong, found.broken) == (3_000, 0, 0)
    assert found.admitted > 100, "forms that HTTP allows are let in"


@pytest.mark.parametrize("family", ["look-alikes", "folded lines", "joined keys", "other schemes"])
def test_a_disguised_key_is_never_admitted(family: str) -> None:
    tally = try_credentials(1_500, seed=1)[family]
    assert tally == Tally(n=100)
