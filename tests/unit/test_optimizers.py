"""The optimizers that a run may use."""

import subprocess
import sys
from importlib.metadata import version
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.cli.route import router_config
from route_switch.domain.learning.learning_config import LearningConfig, OptimizerName
from route_switch.optimizer.gepa_search import CallBudget
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.prompt_search import SearchSize
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


def test_gepa_needs_the_calls_of_two_trials() -> None:
    with pytest.raises(ValueError, match="trials is 1, but gepa needs the calls of at least 2"):
        LearningConfig.model_validate({"optimizer": "gepa", "trials": 1})
    assert LearningConfig.model_validate({"optimizer": "gepa", "trials": 2}).trials == 2
    assert LearningConfig.model_validate({"optimizer": "mipro", "trials": 1}).trials == 1


@given(
    trials=st.integers(2, 100),
    candidates=st.integers(4, 60),
    train=st.integers(1, 2000),
    validation=st.integers(5, 2000),
)
def test_gepas_budget_allows_a_proposal_and_never_more_calls_than_mipro(
    trials: int, candidates: int, train: int, validation: int
) -> None:
    size = SearchSize(candidates=candidates, trials=trials)
    budget = CallBudget.of(size, train, validation)
    assert 1 <= budget.minibatch <= train
    routed, proposed = validation, 0
    while budget.allows(routed, proposed):
        routed += 2 * budget.minibatch + validation
        proposed += 1
    assert 1 <= proposed <= size.proposer_calls(train)
    assert routed <= size.router_calls(validation)


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
