"""What the criteria of a prompt name, and whether two of them name the same.

A criterion names one thing or a list of things: "a question about a card or a payment" names a
question about a card, and a question about a payment. What follows "such as" only illustrates.
"""

import re

FUNCTION_WORDS = frozenset(
    """
    a an the and or of to in on at for with without about from by as that which who whose what when
    where how why if is are be it its than not no one such other some any into out
    """.split()  # noqa: SIM905 (as a list it would be a page long)
)
DEGREE_WORDS = frozenset(
    """
    short brief long longer small smaller large larger big simple simpler basic easy plain everyday
    routine quick single few several many multiple hard harder difficult complex advanced demanding
    specialized careful subtle deep detailed thorough open-ended elementary introductory expert
    """.split()  # noqa: SIM905 (as above)
)
"""Two criteria that differ by one of these contrast with each other: a simple and a hard proof."""

ABOUT = " about "
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ITEM = re.compile(r", or |, and |, | or | and ")
_ILLUSTRATION = re.compile(r",? such as |,? where |: |\(")
_QUALIFIER = re.compile(r" that | which | with | where |:")

Words = frozenset[str]


def content_words(text: str) -> Words:
    return frozenset(word.casefold() for word in WORD.findall(text)) - FUNCTION_WORDS


def name_the_same(one: str, other: str) -> bool:
    """Whether a thing that one criterion names is named by the other, with the same or more words,
    none of which says how large or hard it is."""
    return any(
        _is_same(mine, theirs, _qualifiers(one) ^ _qualifiers(other))
        for mine in things_of(one)
        for theirs in things_of(other)
    )


def things_of(criterion: str) -> tuple[Words, ...]:
    """Return the content words of each thing that a criterion names, two words or more."""
    frame, items = _split(criterion)
    first = content_words(frame or " ".join(WORD.findall(items[0])[:1]))
    things = (first | own for item in items if (own := content_words(item)))
    return tuple(thing for thing in things if len(thing) > 1)


def without_what(criterion: str, other: str) -> str | None:
    """Return a criterion "… about a, b or c" without the items that the other names, None if it is
    not such a list, or if none would be left."""
    frame, items = _split(criterion)
    if not frame or len(items) == 1 or _ILLUSTRATION.search(criterion):
        return None
    left = [item for item in items if not name_the_same(f"{frame}{item}", other)]
    return f"{frame}{listed(left)}" if left and left != items else None


def listed(items: list[str]) -> str:
    """Return "a, b or c"."""
    return " or ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _split(criterion: str) -> tuple[str, list[str]]:
    """Return what stands before the list with its "about", empty without one, and the items."""
    head = _ILLUSTRATION.split(criterion, maxsplit=1)[0].strip()
    before, about, after = head.partition(ABOUT)
    return f"{before}{about}" if about else "", _ITEM.split(after if about else head)


def _is_same(one: Words, other: Words, qualifiers: Words) -> bool:
    return (one <= other or other <= one) and not ((one ^ other) | qualifiers) & DEGREE_WORDS


def _qualifiers(criterion: str) -> Words:
    return content_words(" ".join(_QUALIFIER.split(criterion)[1:]))
