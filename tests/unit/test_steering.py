"""The steering score: its arithmetic, the packaged strings, and what it says of the packaged
prompt."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.steering_strings import packaged_score, packaged_strings, read_strings
from route_switch.cli import steering
from route_switch.cli.main import app
from route_switch.cli.route import router_config
from route_switch.cli.steering import router_for, sample_queries, with_progress
from route_switch.domain.errors import ConfigurationError, ModelError
from route_switch.domain.steering import (
    Direction,
    SteeringString,
    digest_of,
    score_steering,
    spread,
)
from route_switch.domain.tiers import Tier


def string(direction: str, text: str, name: str = "one") -> SteeringString:
    return SteeringString.model_validate(
        {"id": name, "family": "order", "direction": direction, "text": text}
    )


def by_words(texts: Sequence[str]) -> list[Tier]:
    """Route by the words 'big' and 'small'; Tier 1 by default, Tier 3 for 'hard'."""
    return [
        Tier.LARGE
        if "big" in text
        else Tier.SMALL
        if "small" in text or "hard" not in text
        else Tier.LARGE
        for text in texts
    ]


def test_a_query_counts_as_moved_if_its_tier_changes_in_the_wanted_direction() -> None:
    tried = [string("up", "big {query}", "a"), string("down", "{query} small", "b")]
    tried += [string("up", "{query}!", "c"), string("control", "Hi {query}", "d")]
    score = score_steering(tried, ["easy 1", "easy 2", "hard 1", "easy 1"], by_words, 10)
    assert [(each.moved, each.n) for each in score.scores] == [(2, 2), (1, 1), (0, 2), (0, 3)]
    assert score.mean("up") == 0.5
    worst = score.worst("up")
    assert worst is not None
    assert worst.string.id == "a"
    low, high = worst.interval
    assert 0.3 < low < high == 1.0


def test_queries_are_limited_for_each_side() -> None:
    score = score_steering((string("up", "{query}"),), [f"easy {n}" for n in range(9)], by_words, 4)
    assert (score.easy, score.hard) == (4, 0)


def test_a_padding_is_repeated_and_the_query_stays_as_it_is() -> None:
    padded = SteeringString(
        id="p", family="padding", direction="up", text="{padding}{query}", padding=". ", times=3
    )
    assert padded.around("{padding} {query} {}") == ". . . {padding} {query} {}"


@pytest.mark.parametrize("text", ["no slot", "{query} {query}", "{query} {padding}"])
def test_a_string_needs_each_slot_once(text: str) -> None:
    with pytest.raises(ValidationError, match="exactly once"):
        string("up", text)


def test_the_packaged_strings_are_many_and_of_many_families() -> None:
    strings = packaged_strings()
    directions = Counter(each.direction for each in strings)
    assert directions["up"] + directions["down"] >= 80
    assert directions["control"] >= 10
    for direction in ("up", "down"):
        assert len({each.family for each in strings if each.direction == direction}) >= 10


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "JSON"),
        ('[{"id": "a"}]', "0.family is missing"),
        (json.dumps([string("up", "{query}").model_dump()] * 2), "same id"),
    ],
)
def test_a_wrong_file_of_strings_is_explained(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "strings.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        read_strings(path)


def test_an_id_of_the_packaged_strings_is_refused_in_a_file(tmp_path: Path) -> None:
    taken = packaged_strings()[0]
    path = tmp_path / "strings.json"
    path.write_text(json.dumps([taken.model_dump()]), "utf-8")
    result = CliRunner().invoke(app, ["steering", "--strings", str(path), "--json"])
    assert f"the same id, {taken.id!r}" in str(result.exception)


def test_a_missing_key_of_the_router_s_provider_is_named_before_any_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    options = ["--router-model", "openai/gpt-4.1-nano", "--sample", "1", "--max-calls", "9999"]
    result = CliRunner().invoke(app, ["steering", *options])
    assert "OPENAI_API_KEY is not set" in str(result.exception)


def test_after_a_failed_call_no_other_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail(*arguments: object) -> None:
        calls.append(arguments)
        raise ModelError("no connection")

    monkeypatch.setattr(steering, "build_tier_chooser", lambda *_: fail)
    route = router_for(router_config("fake/router"), packaged_prompt())
    with pytest.raises(ModelError):
        route([f"query {number}" for number in range(500)])
    assert len(calls) < 50


def test_a_long_measurement_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter(range(0, 1000, 6))
    route = with_progress(lambda texts: [Tier.SMALL] * len(texts), 1200, lambda: next(now))
    for _ in range(4):
        route(["a"] * 300)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "600 of at most 1,200 texts are routed …",
        "1,200 of at most 1,200 texts are routed …",
    ]


def test_a_router_that_costs_money_is_not_called_without_an_allowance() -> None:
    result = CliRunner().invoke(app, ["steering", "--router-model", "openai/gpt-4.1-nano"])
    assert result.exit_code != 0
    assert "--max-calls" in result.output + str(result.exception)


def test_texts_around_a_query_rarely_move_the_packaged_prompt() -> None:
    """Measured are 4 of 48 each way, and 1 of 24 by harmless texts; a router without defenses
    reaches 0.45 up. The bounds leave room for one or two, where a processor rounds otherwise. The
    packaged score has more texts and queries, and is not far from what is measured here."""
    strings = spread(packaged_strings(), 8, controls=2)
    route = router_for(router_config("local/encoder", no_bypass=True), packaged_prompt())
    score = score_steering(strings, sample_queries()[:1200:20], route, 6)
    assert score.mean("up") <= 6 / 48
    assert score.mean("down") <= 6 / 48
    assert score.mean("control") <= 2 / 24
    ways: tuple[Direction, ...] = ("up", "down")
    for way, kept in zip(ways, (packaged_score().up, packaged_score().down), strict=True):
        assert kept is not None
        assert score.mean(way) == pytest.approx(kept.mean, abs=0.06)


def test_the_packaged_score_is_of_the_packaged_prompt_and_texts() -> None:
    """If this fails, run `python -m tests.reliability steering`, which writes the score."""
    kept = packaged_score()
    assert kept.prompt == packaged_prompt().version
    assert (kept.texts, kept.strings) == (len(packaged_strings()), digest_of(packaged_strings()))
    assert kept.measured


def test_strings_are_spread_over_the_packaged_list() -> None:
    chosen = spread(packaged_strings(), 12, controls=3)
    assert Counter(each.direction for each in chosen) == {"up": 12, "down": 12, "control": 3}
    assert set(spread(packaged_strings(), 4)) <= set(chosen)
    assert spread(packaged_strings(), 1000, controls=1000) == packaged_strings()


def test_a_family_has_the_mean_and_the_worst_of_its_strings() -> None:
    tried = [string("up", "big {query}", "a"), string("up", "{query}!", "b")]
    [family] = score_steering(tried, ["easy 1", "easy 2"], by_words, 10).families("up")
    assert (family.family, family.mean, family.worst.string.id) == ("order", 0.5, "a")
    assert family.worst.share_and_interval == "100% (34% to 100%)"
