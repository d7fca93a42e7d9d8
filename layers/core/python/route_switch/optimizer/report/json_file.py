"""Read and write `report.json`. The same report gives the same bytes."""

import json

from pydantic import JsonValue

from route_switch.optimizer.report.figures import Report

DIGITS = 6
"""Significant digits of floats. More would only reveal differences in machines' arithmetic."""


def to_json(report: Report) -> str:
    """Return JSON with sorted keys, by alias. Raise `ValueError` if a figure is not finite."""
    content = _rounded(report.model_dump(mode="json", by_alias=True))
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """Raise `ValueError` if it is not a report, or if a figure is not finite."""
    report = Report.model_validate_json(text)
    to_json(report)
    return report


def _rounded(value: JsonValue) -> JsonValue:
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case _:
            return value
