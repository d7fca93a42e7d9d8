"""Patterns of personal data: addresses, accounts, identity numbers, telephone numbers."""

from ipaddress import ip_address

from route_switch.domain.learning.check_digits import (
    brazilian,
    canadian,
    card,
    chinese,
    digits_at_least,
    french,
    iban,
    spanish,
)
from route_switch.domain.learning.private_kind import kind

EMAIL, URL, IP = "[email]", "[url]", "[ip]"
IBAN, CARD, SSN, ID, PHONE = "[iban]", "[card]", "[ssn]", "[id]", "[phone]"
SHORTEST_PHONE = 8
"""Digits of the shortest number in use, including its country code."""

_SCHEME = r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_LOCAL = r"[\w.+%-]"
_HEX = r"[0-9A-Fa-f]{0,4}"
_OPEN, _CLOSE = r" ?[\[({<] ?", r" ?[\])}>] ?"
_AT = r"(?:at|ät|@|arroba|chez|chiocciola|klammeraffe|собака)"
_DOT = r"(?:dot|punkt|point|punto|ponto|точка|\.)"
_IN_WORDS = (
    ("(?:at(?: sign)?|ät|@)", "(?:dot|punkt)"),
    ("(?:arroba|chiocciola)", "(?:punto|ponto)"),
    ("(?:chez|arobase)", "point"),
    ("klammeraffe", "punkt"),
    ("собака", "точка"),
)
_TLD = (
    r"(?:com|org|net|edu|gov|info|io|ai|app|dev|me|biz|co|de|fr|uk|eu|es|it|nl|be|ch|at|pl|pt|br"
    r"|mx|ar|se|no|dk|fi|cz|ru|ua|tr|in|cn|jp|kr|au|ca|us|example)"
)
_SEPARATOR = r"[\s._/-]{1,3}"


def _is_ipv6(text: str) -> int:
    """Require at least three nonempty groups: `a[1::2]` is Python."""
    if sum(group != "" for group in text.split(":")) < 3:
        return 0
    try:
        return len(text) if ip_address(text).version == 6 else 0
    except ValueError:
        return 0


PERSONAL_KINDS = (
    # URLs with credentials or a query string. They come before e-mail addresses, which the first
    # kind resembles.
    kind(URL, rf"{_SCHEME}[^\s/@<>\"']{{1,200}}@[^\s<>\"']*+"),
    kind(URL, rf"{_SCHEME}[^\s?<>\"']{{1,500}}\?[^\s<>\"']++"),
    kind(
        EMAIL, rf"(?<!{_LOCAL})(?<!{_LOCAL}'){_LOCAL}++(?:'{_LOCAL}++)*+@\w[\w-]*+(?:\.\w[\w-]*+)++"
    ),
    # An @ that is encoded, in brackets, in words, or with blanks around it.
    kind(
        EMAIL,
        r"(?i:(?<![\w.+-])[\w.+-]{1,64}(?:%40|&#0?64;|&#x40;|&commat;)[\w-]{1,63}(?:\.[\w-]{1,63})"
        r"{1,5})",
    ),
    kind(
        EMAIL,
        rf"(?i:(?<![\w.+-])[\w.+-]{{1,64}}(?:{_OPEN}(?:{_AT}|\w{{1,3}}){_CLOSE}| ?@ ?)[\w-]{{1,63}}"
        rf"(?:(?:{_OPEN}{_DOT}{_CLOSE}| {_DOT} |\.)[\w-]{{1,63}}){{0,3}}"
        rf"(?:{_OPEN}{_DOT}{_CLOSE}| {_DOT} |\.){_TLD}\b)",
    ),
    *(
        kind(
            EMAIL,
            rf"(?i:(?<![\w.+-])[\w.+-]{{1,64}} {at} [\w-]{{1,63}}(?: {dot} [\w-]{{1,63}}){{0,3}}"
            rf" {dot} {_TLD}\b)",
        )
        for at, dot in _IN_WORDS
    ),
    kind(
        IBAN,
        r"\b[A-Za-z]{2}\d{2}(?:[A-Za-z0-9]{11,30}"
        r"|(?:[ ._/-][A-Za-z0-9]{4}){2,7}(?:[ ._/-][A-Za-z0-9]{1,3}(?![A-Za-z0-9]))?)",
        iban,
    ),
    kind(
        CARD,
        rf"(?<![A-Za-z0-9_.])[2-6](?:\d{{12,18}}|\d{{3}}(?:{_SEPARATOR}\d{{4}}){{2}}{_SEPARATOR}\d{{1,7}}"
        rf"|\d{{3}}{_SEPARATOR}\d{{6}}{_SEPARATOR}\d{{5}}|\d{{7}}{_SEPARATOR}\d{{8}})(?![A-Za-z0-9_])",
        card,
    ),
    kind(CARD, r"(?<![A-Za-z0-9_.])[3-6]\d{1,7}(?:[^\w\n]{1,2}\d{2,8}){1,7}(?![A-Za-z0-9_])", card),
    kind(CARD, r"(?<![\w.])[3-6](?P<by>[ ._/-])\d(?:(?P=by)\d){12,17}(?![\w.])", card),
    # Identity numbers: with a form or check digits of their own, and any that is labeled as one.
    kind(SSN, r"(?<![\w-])\d{3}([ .-])\d{2}\1\d{4}(?![\w-])"),
    kind(ID, r"\b[A-CEGHJ-PR-TW-Z]{2}(?: ?\d{2}){3} ?[A-D]\b"),
    kind(ID, r"\b(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]\b", spanish),
    kind(ID, r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b"),
    kind(ID, r"\b[12](?: ?\d{2}){3} ?\d{3} ?\d{3} ?\d{2}\b", french),
    kind(ID, r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)", brazilian),
    kind(ID, r"(?<![A-Za-z0-9])[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![A-Za-z0-9])", chinese),
    kind(ID, r"(?<!\w)\d{6}-[1-8]\d{6}(?!\w)"),
    kind(ID, r"\b[STFGM]\d{7}[A-Z]\b"),
    kind(ID, r"\b[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d\b"),
    kind(
        ID,
        r"(?P<keep>(?:\b(?i:ssn|social (?:security|insurance)|passport|national (?:id|insurance)"
        r"|nric|tfn|ein|nino|hkid|vat (?:id|no|number)"
        r"|c[eé]dula|rut|cuit|rfc"
        r"|tax ?(?:payer)? ?(?:id|number|no)|identity (?:card|number)|id (?:card|number)"
        r"|driver'?s licen[cs]e|personalausweis|steuer-?(?:id|nummer)|sozialversicherung\w{0,10}"
        r"|sécurité sociale|dni|nie|nif|curp|cpf|cnpj|aadhaar|bsn|burgerservicenummer|pesel"
        r"|personnummer|codice fiscale|паспорт|снилс|инн)|\bPAN\b|身份证|マイナンバー|個人番号"
        r"|주민등록번호)[^\d\n\[\]]{0,20}?)"
        r"(?<![A-Z0-9])(?=[A-Z]{0,6}\d)[A-Z0-9](?:[ ./-]?[A-Z0-9]){5,19}",
        digits_at_least(4),
    ),
    kind(
        ID,
        r"(?P<keep>\b(?i:sin|insurance)\b[^\d\n\[\]]{0,20})\d{3}[ -]\d{3}[ -]\d{3}\b",
        canadian,
    ),
    kind(IP, rf"(?<![\w.]){_BYTE}(?:\.{_BYTE}){{3}}(?!\.?\w)"),
    kind(IP, rf"(?<![\w:.]){_HEX}(?::{_HEX}){{2,7}}(?![\w:])", _is_ipv6),
    # Phone numbers: international, North American, with a leading zero, Chinese, and any that is
    # labeled as one.
    kind(
        PHONE,
        r"(?<![\w.,])\+[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,5}(?!\w)",
        digits_at_least(SHORTEST_PHONE),
    ),
    kind(
        PHONE,
        r"(?<![\w.,])00[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,5}(?!\w)",
        digits_at_least(SHORTEST_PHONE + 3),  # and "order 00123842" is none
    ),
    kind(PHONE, r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"),
    kind(PHONE, r"(?<![\w.,-])0[1-9]\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,6})?(?![\w-])"),
    kind(PHONE, r"(?<![\w.,-])0[1-9](?P<by>[ .-])\d{2}(?:(?P=by)\d{2}){3}(?![\w-])"),
    kind(PHONE, r"(?<![\w.,-])(?:8[ -]?)?\(0?\d{1,4}\)[ -]?\d{3,5}[ -]?\d{2,4}"
        r"(?:[ -]?\d{2,4})?(?!\w)"),
    kind(PHONE, r"(?<![a-zA-Z0-9.,-])1[3-9]\d{9}(?![\w.-])"),
    kind(
        PHONE,
        r"(?P<keep>(?:\b(?i:phone|mobile|cell|tel|whatsapp|call me|telefon|handy|téléphone|portable"
        r"|teléfono|móvil|celular|telefone|cellulare|telefoon)\b|тел\w{0,5}|电话|手机|電話|携帯|전화)"
        r"[^\d\n\[\]]{0,20})\d[\d -]{6,16}\d(?!\w)",
    ),
)  # fmt: skip
