"""Remove personal data and secrets from text. Each kind is one row of a table.

It finds data with a recognizable form. Names, postal addresses and anything paraphrased have none
and stay; if that is unacceptable, set `learn_from_text` to `off`.

No library fits: presidio and scrubadub require spaCy or scikit-learn, detect-secrets has had no
release since 2024, and datafog misses secrets and treats every date and short number as personal.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class _Kind:
    """A placeholder, the pattern it replaces, and a further check on each match.

    Text matched by a pattern's group `keep` stays before the placeholder. Patterns run in linear
    time: each starts at a boundary, and repetitions are bounded or possessive.
    """

    placeholder: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool]

    def redact(self, text: str) -> str:
        return self.pattern.sub(self._replacement, text)

    def finds(self, text: str) -> bool:
        return any(self.check(match[0]) for match in self.pattern.finditer(text))

    def _replacement(self, match: re.Match[str]) -> str:
        if not self.check(match[0]):
            return match[0]
        return (match.groupdict().get("keep") or "") + self.placeholder


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _is_card(text: str) -> bool:
    """Check Luhn's checksum (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in _alphanumeric(text)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _starts_with_iban(text: str) -> bool:
    """Whether the text starts with an account number that is 1 modulo 97 (ISO 13616)."""
    account = _alphanumeric(text)
    ends = range(15, min(len(account), 34) + 1)
    return any(int(_iban_digits(account[4:end] + account[:4])) % 97 == 1 for end in ends)


def _iban_digits(account: str) -> str:
    return "".join(str(int(character, 36)) for character in account)


def _is_ipv6(text: str) -> bool:
    """Require at least three nonempty groups: `a[1::2]` is Python."""
    if sum(group != "" for group in text.split(":")) < 3:
        return False
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def _is_long_enough(text: str) -> bool:
    """Require eight digits, the length of the shortest number in use including its country code."""
    return sum(map(str.isdigit, text)) >= 8


def _kind(placeholder: str, pattern: str, check: Callable[[str], bool] = lambda _: True) -> _Kind:
    return _Kind(placeholder, re.compile(pattern), check)


SECRET = "[secret]"  # noqa: S105 (a placeholder)
EMAIL = "[email]"

_SCHEME = r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://"
_IS = r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
_WITH_A_DIGIT = r"(?=[a-zA-Z+/_.~=-]{0,200}\d)"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_LOCAL = r"[\w.+%-]"
_HEX = r"[0-9A-Fa-f]{0,4}"

_KINDS = (
    # Private keys, JSON web tokens, and the keys of well-known services and of this project.
    _kind(
        SECRET, r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)"
    ),
    _kind(SECRET, r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+"),
    _kind(SECRET, r"\b(?:sk|pk|rk|rs)[-_][\w-]{20,}+"),
    _kind(SECRET, r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _kind(SECRET, r"\b(?:gh[oprsu]_|github_pat_|glpat-|hf_|npm_|pypi-|xox[abeoprs]-)[\w-]{16,}+"),
    _kind(SECRET, r"\bAIza[\w-]{35}"),
    # Labeled secrets: `Authorization: Bearer …`, `password=…`, `"api_key": "…"`.
    _kind(SECRET, rf"(?P<keep>\b(?i:bearer|basic) ){_WITH_A_DIGIT}[\w.~+/=-]{{16,}}+"),
    _kind(
        SECRET,
        rf"(?P<keep>(?i:password|passwd|passphrase|pwd){_IS})(?!\[secret\])[^\s\"',;]{{4,}}+",
    ),
    _kind(
        SECRET,
        rf"(?P<keep>(?i:secret|token|(?:api|access)[ _-]?key){_IS})"
        rf"{_WITH_A_DIGIT}[\w.~+/=-]{{8,}}+",
    ),
    # Labeled in words: `aws_secret_access_key wJalr…`, "the password is …", "PIN 1234".
    _kind(
        SECRET,
        r"(?P<keep>(?i:secret[ _-]?(?:access[ _-]?)?key)[\"']?\W{1,3})(?<![\w/+])"
        r"[A-Za-z0-9/+]{40}(?![\w/+])",
    ),
    _kind(
        SECRET,
        r"(?P<keep>(?i:password|passwd|passphrase|passcode|pwd|passwort|kennwort|mot de passe"
        r"|contrase[nñ]a) (?i:is|was|lautet|ist|est|es) [\"']?)(?=[^\s\d]{0,40}\d)[^\s\"',;]{4,}+",
    ),
    _kind(
        SECRET,
        r"(?P<keep>(?:密[码碼]|パスワード|비밀번호|(?i:пароль))\s?(?:是|为|為|は|:|：|-)?\s?)"
        r"(?=[^\s\d]{0,40}\d)[!-~]{4,}+",
    ),
    _kind(
        SECRET,
        r"(?P<keep>\b(?:PIN|(?i:pin (?:code|number)))(?:\s?[:=]|,? is)?\s)\d{4,8}(?![\w.-])",
    ),
    # URLs with credentials or a query string. They come before e-mail addresses, which the first
    # kind resembles.
    _kind("[url]", rf"{_SCHEME}[^\s/@<>\"']{{1,200}}@[^\s<>\"']*+"),
    _kind("[url]", rf"{_SCHEME}[^\s?<>\"']{{1,500}}\?[^\s<>\"']++"),
    _kind(
        EMAIL, rf"(?<!{_LOCAL})(?<!{_LOCAL}'){_LOCAL}++(?:'{_LOCAL}++)*+@\w[\w-]*+(?:\.\w[\w-]*+)++"
    ),
    _kind(
        EMAIL,
        r"(?i:\b[\w.+-]{1,64}(?: at | ?[\[(]at[\])] ?)[\w-]{1,63}(?: dot | ?[\[(]dot[\])] ?)"
        r"(?:com|org|net|edu|gov|info|io|co|de|fr|uk|eu)\b)",
    ),
    _kind(
        "[iban]",
        r"\b[A-Za-z]{2}\d{2}(?:[A-Za-z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)\b",
        _starts_with_iban,
    ),
    _kind(
        "[card]",
        r"(?<![\w.])[2-6](?:\d{12,18}|\d{3}(?:[ -]\d{4}){2}[ -]\d{1,7}|\d{3}[ -]\d{6}[ -]\d{5})"
        r"(?!\w)",
        _is_card,
    ),
    _kind("[ssn]", r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    _kind("[ip]", rf"(?<![\w.]){_BYTE}(?:\.{_BYTE}){{3}}(?!\.?\w)"),
    _kind("[ip]", rf"(?<![\w:.]){_HEX}(?::{_HEX}){{2,7}}(?![\w:])", _is_ipv6),
    # Phone numbers: international, North American, with a leading zero, and any that is labeled as
    # one.
    _kind(
        "[phone]",
        r"(?<![\w.,])(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,5}(?!\w)",
        _is_long_enough,
    ),
    _kind("[phone]", r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"),
    _kind("[phone]", r"(?<![\w.,-])0[1-9]\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,6})?(?![\w-])"),
    _kind(
        "[phone]",
        r"(?P<keep>\b(?i:phone|mobile|cell|tel|whatsapp|call me)\b[^\d\n\[\]]{0,20})"
        r"\d[\d -]{6,16}\d(?!\w)",
    ),
)


def redact(text: str) -> str:
    """Replace each finding with a placeholder such as `[email]`. Redacting twice changes nothing
    more."""
    redacted = _redact_once(text)
    while redacted != text:
        text, redacted = redacted, _redact_once(redacted)
    return redacted


def _redact_once(text: str) -> str:
    for kind in _KINDS:
        text = kind.redact(text)
    return text


def contains(placeholder: str, text: str) -> bool:
    """Whether `redact` would put this placeholder into the text."""
    return any(kind.finds(text) for kind in _KINDS if kind.placeholder == placeholder)
