"""The events for `make invoke`: each folder names a function, which accepts its events."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from functions.learning import handler as learning
from functions.promote import handler as promoter
from local.aws.__main__ import function_word
from route_switch.workflow.events import WorkEvent
from tests.infra.conftest import Synthesized

EVENTS = Path("events")
PARSERS: dict[str, Callable[[Any], BaseModel]] = {
    "learning": learning._EVENT.validate_python,
    "optimizer": WorkEvent.model_validate,
    "promote": promoter._EVENT.validate_python,
}
FILES = [file for folder in PARSERS for file in sorted((EVENTS / folder).glob("*.json"))]
FOLDERS = {
    "dashboard": "CostsWidget",
    "drift": "LearningDrift",
    "learning": "LearningSteps",
    "management": "Management",
    "monitor": "LearningMonitor",
    "optimizer": "LearningOptimizer",
    "owner": "Owner",
    "promote": "LearningPromoter",
    "router": "Router",
}


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_function_accepts_its_events(file: Path) -> None:
    PARSERS[file.parent.name](read(file))


def test_every_step_of_the_workflow_has_an_event() -> None:
    steps = {read(file)["step"] for file in FILES}
    small = {"claim", "collect", "ask", "report", "fail"}
    promoters = {"promote", "rollback", "start"}
    assert steps == small | promoters | {"outcomes", "optimize", "evaluate"}


def test_every_event_folder_names_one_function(local: Synthesized) -> None:
    names = local.resources("AWS::Lambda::Function")
    for folder in EVENTS.iterdir():
        word = function_word(folder / "event.json", {}).lower()
        [found] = [name for name in names if word in name.lower()]
        assert found.startswith(FOLDERS[folder.name])
