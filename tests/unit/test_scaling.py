"""Every reader of users' texts takes time that grows with the text, not with its square."""

from tests.support.attacks.scaling import PIECES, grown


def test_no_reader_takes_four_times_as_long_for_a_text_twice_as_long() -> None:
    assert [each for each in grown(2_000, PIECES[::6]) if not each.is_linear] == []
