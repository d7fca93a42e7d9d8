"""How amounts are written for people: in widgets, reports and notifications."""

import math

UNKNOWN = "unknown"
NONE = "–"


def usd(amount: float | None) -> str:
    """Format USD with cents from one dollar up, else with three significant digits.

    Amounts below a billionth are rounding errors of sums and show as $0.00.
    """
    if amount is None:
        return UNKNOWN
    amount = round(amount, 9)
    size = abs(amount) if abs(amount) >= 1 else float(f"{abs(amount):.3g}")
    places = 2 if size >= 1 or size == 0 else min(9, 2 - math.floor(math.log10(size)))
    return f"{'−' if amount < 0 else ''}${size:,.{places}f}"


def share(part: float | None, whole: float | None) -> str:
    """Format a share in percent; `NONE` if the whole is 0."""
    if part is None or whole is None:
        return UNKNOWN
    return f"{100 * part / whole:z,.1f}%".replace("-", "−") if whole else NONE


def count(number: float | None) -> str:
    return UNKNOWN if number is None else f"{number:,.0f}"
