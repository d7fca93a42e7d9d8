"""A command that cannot reach a model says so at once, and stops soon."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.cli import evaluate
from route_switch.cli.main import app
from route_switch.cli.model_options import why_no_key
from route_switch.cli.route import router_config
from route_switch.domain.errors import ModelError, ProviderDownError
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.metered_calls import MAX_PAUSE_S, MeteredCalls
from route_switch.services.learning.pace import PATIENCE_S, Pace
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.spending_caps import LocalCap
from route_switch_offline import OFFLINE_MODELS, load_sample
from tests.support.paid import PRICE, FakeModel, FakeTime

HAND_WRITTEN = "layers/core/python/route_switch/data/hand_written.md"
NOWHERE = "http://127.0.0.1:9/v1"
WITHOUT_KEY = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}


def seconds_until_it_stops(model: FakeModel) -> float:
    time = FakeTime()
    pace = Pace(None, time.remaining_s, time.clock, time.sleep, first_answer_s=60)
    calls = MeteredCalls(lambda _: model, lambda _: PRICE, MemoryMemo(), LocalCap(1.0), pace)
    with pytest.raises(ProviderDownError):
        for number in range(2):
            message: JsonObject = {"role": "user", "content": str(number)}
            calls("fake/model", (message,), {"max_tokens": 9}, Purpose.ROUTER)
    return time.now


def test_a_model_that_was_never_reached_ends_the_wait_early() -> None:
    model = FakeModel(lambda _: ModelError("fake/model cannot be reached"))
    assert 60 <= seconds_until_it_stops(model) <= 60 + MAX_PAUSE_S


def test_requests_share_the_wait_for_a_model_that_was_never_reached() -> None:
    time, model = FakeTime(), FakeModel(lambda _: ModelError("fake/model cannot be reached"))
    pace = Pace(None, time.remaining_s, time.clock, time.sleep, first_answer_s=60)
    calls = MeteredCalls(lambda _: model, lambda _: PRICE, MemoryMemo(), LocalCap(1.0), pace)
    for number in range(8):
        message: JsonObject = {"role": "user", "content": str(number)}
        with pytest.raises(ProviderDownError):
            calls("fake/model", (message,), {"max_tokens": 9}, Purpose.ROUTER)
    assert time.now <= 60 + MAX_PAUSE_S


def test_a_model_that_has_answered_or_says_that_it_is_busy_is_waited_for_longer() -> None:
    busy = FakeModel(lambda _: ModelError("busy", status=503))
    assert seconds_until_it_stops(busy) >= PATIENCE_S
    answered = FakeModel()
    answered.script = lambda _: "Hi." if len(answered.asked) == 1 else ModelError("unreachable")
    assert seconds_until_it_stops(answered) >= PATIENCE_S


def test_evaluate_prints_the_retries_and_stops_with_the_error_and_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "FIRST_ANSWER_S", 0.0)
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(row.model_dump_json() for row in load_sample()[:24]), "utf-8")
    options = ["--examples", str(path), "--tiers", ",".join(OFFLINE_MODELS)]
    options += ["--prompt", HAND_WRITTEN, "--router-model", "openai/own", "--no-bypass"]
    result = CliRunner().invoke(app, ["evaluate", *options], env={"OPENAI_BASE_URL": NOWHERE})
    assert result.exit_code == 1
    assert "openai/own failed (" in result.stderr
    assert "retrying in 0.5 s" in result.stderr
    assert "Connection refused" in str(result.exception)
    assert f"The address is {NOWHERE} (OPENAI_BASE_URL)." in str(result.exception)


def test_a_missing_key_is_noted_where_openai_itself_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in WITHOUT_KEY.items():
        monkeypatch.setenv(name, value)
    note = why_no_key(["local/encoder", "openai/a"], router_config("openai/a"))
    assert note is not None
    assert note.startswith("OPENAI_API_KEY is not set, but openai/a is called at https://api.open")
    assert why_no_key(["local/encoder"], router_config("local/encoder")) is None
    monkeypatch.setenv("OPENAI_BASE_URL", NOWHERE)
    assert why_no_key(["openai/a"], router_config("openai/a")) is None
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert why_no_key(["openai/a"], router_config("openai/a")) is None
