"""Golds that are a number, with or without a unit.

Numbers are read as people and models write them: `$1,000.00`, `1.000,00 €`, `-3/4`, `50%`, `2e5`,
`5 million`, `\\frac{1}{2}`. A number stands for the set of values that its writer may mean: `50%`
is 50 or 0.5, and `1.234` in an answer is also 1234, as a German writes it. The gold's own
separators are read the English way where both readings are possible.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from route_switch.domain.learning.final_answer import marked_answers

_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s{0,9}\{(-?[\d.,]{1,40})\}\s{0,9}\{([\d.,]{1,40})\}")
_TIMES_POWER_OF_TEN = re.compile(
    r"(?<=\d)\s{0,9}(?:×|\\times|\*|x)\s{0,9}10\s{0,9}\^\s{0,9}\{?([+-]?\d{1,4})\}?"
)
_POWER_OF_TEN = re.compile(r"\b10\s{0,9}\^\s{0,9}\{?([+-]?\d{1,4})\}?")
_LATEX = re.compile(r"\\[,;! ]|\\text\{[^{}]{0,99}\}|[{}]|\*\*")
_CURRENCY = re.compile(r"\\?[$€£¥₹]|\\(?=%)")
_HUNDREDTHS = re.compile(r"百分之\s?(\d{1,20}(?:\.\d{1,20})?)")
_NUMBER = r"[+-]?(?:\d+(?:[.,' ]\d+)*\.?|\.\d+)(?:[eE][+-]?\d{1,4}\b)?"
_WRITTEN = re.compile(
    rf"(?<![\w.])(?P<number>{_NUMBER})(?:\s{{0,3}}/\s{{0,3}}(?P<below>{_NUMBER}))?\s{{0,3}}"
    r"(?P<percent>%|percent\b|per cent\b|prozent\b|por ciento\b|por cento\b|pour cent\b|"
    r"per cento\b|процент\w{0,3}|procent\b|パーセント|퍼센트)?"
    r"(?P<scale>thousand\b|million\w{0,3}\b|millón|millones|milhões|milhão|milion[ie]|miljoen|milyon|миллион\w{0,3}|billion\b|"
    r"milliard\w{0,3}\b|миллиард\w{0,3}|万|萬|만|亿|億|억)?",
    re.IGNORECASE,
)
_SCALES = (
    (re.compile("thousand", re.IGNORECASE), 1e3),
    (re.compile("billion|milliard|миллиард", re.IGNORECASE), 1e9),
    (re.compile("mil[lhijy]|миллион", re.IGNORECASE), 1e6),
    (re.compile("[万萬만]"), 1e4),
    (re.compile("[亿億억]"), 1e8),
)
_TOLERANCE = 1e-9
_MAX_DIGITS = 300
TAIL_CHARS = 400
_BEGINS = re.compile(r"(?<![\w.,' +-])[+-]?\d")
_UNIT = re.compile(r"\s?([^\W\d_]{1,20}|[°µ][^\W\d_]{0,2}|°)(?:\^\d)?")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_UNITS = {
    name: unit
    for unit, names in {
        "m": "m meter meters metre metres mètre mètres metro metros метр метров 米 メートル 미터",
        "km": "km kilometer kilometers kilometre kilometres kilómetros quilômetros км 公里 千米",
        "cm": "cm centimeter centimeters centimetre centimetres zentimeter см 厘米",
        "mm": "mm millimeter millimeters millimetre millimetres мм 毫米",
        "mi": "mi mile miles meile meilen milla millas",
        "ft": "ft foot feet",
        "in": "inch inches",
        "kg": "kg kilogram kilograms kilogramm kilogramme kilo kilos кг 公斤 千克",
        "g": "g gram grams gramm gramme grammes г 克",
        "lb": "lb lbs pound pounds",
        "s": "s sec secs second seconds sekunde sekunden seconde secondes segundos сек 秒",
        "min": "min mins minute minutes minuten minutos мин 分钟 分",
        "h": "h hr hrs hour hours stunde stunden heure heures hora horas час часов 小时",
        "d": "day days tag tage jour jours día días день дней 天",
        "y": "year years yr yrs jahr jahre an ans año años год лет 年",
        "l": "l liter liters litre litres litro litros",
        "usd": "dollar dollars usd",
        "eur": "euro euros eur",
        "c": "°c celsius",
        "f": "°f fahrenheit",
    }.items()
    for name in names.split()
}


class Number(NamedTuple):
    """A number in a text: the values that it may mean, and the word after it."""

    values: frozenset[float]
    unit: str


def is_number(text: str) -> bool:
    """Whether the whole text is one number, with at most a unit."""
    return _gold_of(text) is not None


def same_number(answer: str, gold: str) -> bool | None:
    """Compare the last number in the marked answer, or in the whole text if none is marked. Return
    None if there is no number, or one of another unit."""
    expected = _gold_of(gold)
    parts = marked_answers(answer) or (answer,)
    found = next((n for part in reversed(parts) if (n := last_number(part))), None)
    if found is None or expected is None:
        return None
    units = (_UNITS.get(found.unit), _UNITS.get(expected.unit))
    if None not in units and units[0] != units[1]:
        return None
    return any(
        math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        for a in found.values
        for b in expected.values
    )


def last_number(text: str) -> Number | None:
    plain = _plain(text)
    found = None
    for match in _WRITTEN.finditer(plain, _start_of_tail(plain)):
        values = _values(match, _any_reading)
        if values:
            found = match, values
    if found is None:
        return None
    match, values = found
    unit = _UNIT.match(plain, match.end())
    return Number(values, unit[1].casefold() if unit else "")


def _start_of_tail(text: str) -> int:
    """Return where to begin the search for the last number: near the end if one begins there."""
    number = _BEGINS.search(text, max(len(text) - TAIL_CHARS, 0))
    return 0 if number is None else number.start()


def _gold_of(text: str) -> Number | None:
    plain = _plain(text)
    match = _WRITTEN.match(plain)
    if match is None:
        return None
    rest = plain[match.end() :]
    unit = _UNIT.fullmatch(rest.rstrip("."))
    if rest.strip(" .") and (unit is None or unit[1].casefold() in _ORDINALS):
        return None
    values = _values(match, _english_reading)
    return Number(values, unit[1].casefold() if unit else "") if values else None


def _plain(text: str) -> str:
    text = _HUNDREDTHS.sub(r" \1%", text.replace("{,}", ","))
    text = _LATEX_FRACTION.sub(r" \1/\2", text)
    text = _POWER_OF_TEN.sub(r"1e\1", _TIMES_POWER_OF_TEN.sub(r"e\1", text))
    return _CURRENCY.sub("", _LATEX.sub(" ", text)).strip()


def _values(match: re.Match[str], read: Callable[[str], frozenset[float]]) -> frozenset[float]:
    values = read(match["number"])
    if match["below"] is not None:
        below = [value for value in read(match["below"]) if value != 0]
        values = frozenset(value / other for value in values for other in below)
    if match["percent"]:
        values |= {value / 100 for value in values}
    if match["scale"]:
        factor = next(factor for name, factor in _SCALES if name.match(match["scale"]))
        values |= {value * factor for value in values}
    return values


def _any_reading(written: str) -> frozenset[float]:
    return _readings(written, english=False)


def _english_reading(written: str) -> frozenset[float]:
    return _readings(written, english=True)


def _readings(written: str, *, english: bool) -> frozenset[float]:
    """Read a number with its separators: `1 234,5`, `1'234.5`, `-1e3`."""
    parts = _PARTS.fullmatch(written)
    if parts is None or len(written) > _MAX_DIGITS:
        return frozenset()
    sign, body, exponent = -1.0 if parts[1] == "-" else 1.0, parts[2], float(f"1{parts[3] or 'e0'}")
    groups = body.rstrip(".").split(" ")
    found = set()
    if len(groups) > 1 and _are_groups([*groups[:-1], re.split(r"[.,]", groups[-1])[0]]):
        found = {sign * value * exponent for value in _separated("".join(groups), english)}
    elif len(groups) == 1:
        return frozenset(sign * value * exponent for value in _separated(groups[0], english))
    return frozenset({*found, *(value * exponent for value in _separated(groups[-1], english))})


_PARTS = re.compile(r"([+-]?)([^eE]*)([eE][+-]?\d+)?")


def _separated(body: str, english: bool) -> set[float]:
    body = body.replace("'", "") if _are_groups(re.split(r"[.,]", body)[0].split("'")) else body
    separators = sorted({*body} & {".", ","}, key=body.rfind)
    if "'" in body:
        return set()
    if not separators:
        return {float(body)}
    groups = body.split(separators[0])
    if len(separators) == 2:
        whole, _, fraction = body.rpartition(separators[1])
        if separators[1] not in whole and _are_groups(whole.split(separators[0])):
            return {float(f"{''.join(whole.split(separators[0]))}.{fraction}")}
        return _separated(body.rpartition(",")[2], english) if separators[0] == "," else set()
    if len(groups) > 2:
        if _are_groups(groups) or _are_groups(groups, middle=2):
            return {float("".join(groups))}
        return {float(groups[-1])} if separators == [","] else set()
    decimal, joined = {float(".".join((groups[0] or "0", groups[1])))}, set()
    if _are_groups(groups) and groups[0].lstrip("0"):
        joined = {float("".join(groups))}
    if english:
        return joined if joined and separators == [","] else decimal
    return decimal | joined


def _are_groups(groups: list[str], middle: int = 3) -> bool:
    """Whether these are the groups of a number in thousands (or, in India, in hundreds)."""
    first, *others = groups
    sizes = [len(group) for group in others]
    grouped = all(size == middle for size in sizes[:-1]) and sizes[-1:] in ([], [3])
    return 1 <= len(first) <= 3 and grouped and all(map(str.isdigit, groups))
