"""Remove personal data and secrets from text. Each kind is one row of a table.

It finds data with a recognizable form. Names, postal addresses and anything paraphrased have none
and stay; if that is unacceptable, set `learn_from_text` to `off`.

No library fits: presidio and scrubadub require spaCy or scikit-learn, detect-secrets has had no
release since 2024, and datafog misses secrets and treats every date and short number as personal.
"""

import unicodedata
from collections.abc import Sequence

from route_switch.domain.learning.personal_kinds import (
    CARD,
    IBAN,
    ID,
    IP,
    PERSONAL_KINDS,
    PHONE,
    SSN,
    URL,
)
from route_switch.domain.learning.personal_kinds import EMAIL as EMAIL
from route_switch.domain.learning.private_kind import Kind
from route_switch.domain.learning.secret_kinds import GENERATED_KINDS, SECRET_KINDS
from route_switch.domain.learning.secret_kinds import SECRET as SECRET

_KINDS = (*SECRET_KINDS, *PERSONAL_KINDS, *GENERATED_KINDS)
_NUMBERS = tuple(kind for kind in _KINDS if kind.placeholder in {IBAN, CARD, SSN, ID, PHONE})
_PRIVATE = tuple(kind for kind in _KINDS if kind.placeholder not in {PHONE, URL, IP})


def redact(text: str) -> str:
    """Replace each finding with a placeholder such as `[email]`. Redacting twice changes nothing
    more."""
    return _redact(text, _KINDS)


def redact_personal(text: str) -> str:
    """Replace numbers of people and accounts only. No policy shows them."""
    return _redact(text, _NUMBERS)


def forms(text: str) -> tuple[str, ...]:
    """Return the text in each form in which learning may show it."""
    return tuple(dict.fromkeys((text, redact(text), redact_personal(text))))


def contains(placeholder: str, text: str) -> bool:
    """Whether `redact` would put this placeholder into the text."""
    folded = _folded(text)
    return any(kind.finds(folded) for kind in _KINDS if kind.placeholder == placeholder)


def private_kind(text: str) -> str | None:
    """Return the placeholder of something in the text that no prompt may hold, or None. Telephone
    numbers are not among it: the owner's own examples may have some."""
    folded = _folded(text)
    return next((kind.placeholder for kind in _PRIVATE if kind.finds(folded)), None)


def _redact(text: str, kinds: Sequence[Kind]) -> str:
    redacted = _redact_once(text, kinds)
    while redacted != text:
        text, redacted = redacted, _redact_once(redacted, kinds)
    return redacted


def _redact_once(text: str, kinds: Sequence[Kind]) -> str:
    for kind in kinds:
        parts, end = [], 0
        for start, stop in kind.spans(_folded(text)):
            parts += [text[end:start], kind.placeholder]
            end = stop
        text = "".join((*parts, text[end:]))
    return text


def _folded(text: str) -> str:
    """Return a text of the same length with plain digits, letters, dashes and blanks, where others
    of their kind stand."""
    if text.isascii():
        return text
    return text.translate({ord(c): _plain(c) for c in set(text) if not c.isascii()})


def _plain(character: str) -> str:
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Pd":
            return "-"
        case "Zs":
            return " "
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character
