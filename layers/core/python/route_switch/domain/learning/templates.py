"""Find the template of a query: what is left without its numbers, ids and addresses.

"Where is order 4711?" and "Where is order 815?" are two queries, but they are evidence about one
question: a model that answers one of them answers the other. So rows of one template are on the
same side of the split, and every interval counts them as one draw.
"""

import re

_ASCII_RUN = re.compile(r"[!-~]+")
_WORD = re.compile(r"(?:[A-Za-z]|\d)+")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_DIGIT = re.compile(r"\d")
_JOINED = re.compile(r"#(?:[-_./:,]*+#)++")
MASK = "#"


def template_of(normalized: str) -> str:
    """Return a normalized text with each number, id, UUID and e-mail address replaced by `#`.

    A word counts as a number or id if it contains a digit. The time is linear in the text's length.
    """
    text = _UUID.sub(MASK, normalized)
    text = _ASCII_RUN.sub(_without_address, text)
    text = _WORD.sub(lambda word: MASK if _DIGIT.search(word[0]) else word[0], text)
    return _JOINED.sub(MASK, text)


def _without_address(run: re.Match[str]) -> str:
    return MASK if "@" in run[0][1:-1] else run[0]
