"""The optimizers that a run may use."""

import subprocess
import sys
from importlib.metadata import version
from typing import Any, get_args

import pytest

from route_switch.cli.route import router_config
from route_switch.domain.learning.learning_config import LearningConfig, OptimizerName
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.wiring.learning import LearningSettings, LearningWiring
from route_switch.wiring.optimizer import OptimizerParts


def test_every_optimizer_of_the_configuration_has_a_row() -> None:
    assert tuple(OPTIMIZERS) == get_args(OptimizerName)
    assert LearningConfig().optimizer == "mipro"


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_a_stage_chooses_the_optimizer_of_its_runs(name: OptimizerName) -> None:
    names = ("results_table", "texts_bucket", "live_parameter", "seed_parameter", "stage")
    more = ("switches_parameter", "learning_bucket", "runs_topic")
    unused: dict[str, Any] = dict.fromkeys((*names, *more), "unused")
    settings = LearningSettings.model_construct(
        **unused,
        router=router_config("fake/router"),
        learning=LearningConfig(optimizer=name, proposer="offline/proposer"),
    )
    parts = OptimizerParts(LearningWiring(settings), lambda: 1.0, print)
    assert parts.plan.optimizer == name


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ValueError, match="'mipro' or 'gepa'"):
        LearningConfig.model_validate({"optimizer": "copro"})


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_an_optimizer_names_the_versions_that_decide_what_it_finds(name: OptimizerName) -> None:
    packages = {"mipro": "optuna", "gepa": "gepa"}
    assert OPTIMIZERS[name].versions == {
        "dspy": version("dspy"),
        packages[name]: version(packages[name]),
    }


def test_a_run_imports_only_the_optimizer_that_it_asks_for() -> None:
    code = (
        "import sys, route_switch.optimizer.learning_steps;"
        "print(*(m for m in sys.modules if m.endswith(('mipro_search', 'gepa_search'))))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
