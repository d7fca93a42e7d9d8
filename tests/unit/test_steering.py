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
from route_switch.adapters.steering_strings import packaged_strings, read_strings
from route_switch.cli.main import app
from route_switch.cli.route import router_config
from route_switch.cli.steering import router_for, sample_queries
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.steering import SteeringString, score_steering
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
        ('[{"id": "a"}]', "0.family: Field required"),
        (json.dumps([string("up", "{query}").model_dump()] * 2), "same id"),
    ],
)
def test_a_wrong_file_of_strings_is_explained(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "strings.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        read_strings(path)


def test_a_router_that_costs_money_is_not_called_without_an_allowance() -> None:
    result = CliRunner().invoke(app, ["steering", "--router-model", "openai/gpt-4.1-nano"])
    assert result.exit_code != 0
    assert "--max-calls" in result.output + str(result.exception)


def test_texts_around_a_query_rarely_move_the_packaged_prompt() -> None:
    """The bounds are well below what a router without defenses reaches: 0.45 up."""
    strings = packaged_strings()[::8]
    route = router_for(router_config("local/encoder", no_bypass=True), packaged_prompt())
    score = score_steering(strings, sample_queries()[:60], route, 6)
    assert score.mean("up") < 0.25
    assert score.mean("down") < 0.25
    assert score.mean("control") < 0.15
