"""Handlers emit exactly the metrics that dashboard and alarms may name.

tests/integration/test_request_metrics.py checks the router's against its output.
"""

import re
from pathlib import Path

import pytest

from infra.metric_names import BY_SERVICE

OF_HANDLERS = {
    "management": {*BY_SERVICE["management"]} - {"unexpected_errors"},
    "monitor": {*BY_SERVICE["monitor"]},
    "drift": {*BY_SERVICE["drift"]},
    "learning": {*BY_SERVICE["learning"], "learning_runs"},
}


@pytest.mark.parametrize("service", OF_HANDLERS)
def test_a_handler_emits_exactly_its_declared_metrics(service: str) -> None:
    source = Path(f"functions/{service}/handler.py").read_text("utf-8")
    named = re.findall(r'add_metric\(\s*f?"([^"]+)"', source)
    patterns = [re.sub(r"\\{\w+\\}", r"\\w+", re.escape(name)) for name in named]
    for name in OF_HANDLERS[service]:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
    for pattern in patterns:
        assert any(re.fullmatch(pattern, name) for name in OF_HANDLERS[service]), pattern
