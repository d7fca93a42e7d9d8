"""Examples in a file: what is read, and how invalid lines are reported."""

import gzip
import json
import math
from pathlib import Path

import pytest

from route_switch.adapters.learning.example_file import (
    file_digest,
    read_example_file,
    read_examples,
)
from route_switch.adapters.learning.outcome_file import read_outcomes, serialize_outcomes
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.tiers import Tier


def written(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), "utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "examples.jsonl"


def test_a_line_may_contain_only_a_query_whose_key_becomes_its_id(file: Path) -> None:
    (example,) = read_examples(written(file, "", {"query": "Who?"}, "  "))
    assert example.id == query_key("who?")


def test_id_and_gold_may_be_numbers_and_extra_fields_are_ignored(file: Path) -> None:
    row = {"id": 7, "query": "2 + 2?", "gold": 4, "meta": {"x": 1}, "models": {"m": {"score": 1}}}
    (example,) = read_examples(written(file, row))
    assert (example.id, example.gold, example.models["m"].score) == ("7", "4", 1.0)


def test_windows_line_ends_and_a_byte_order_mark_are_accepted(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{"id": "a", "query": "x"}\r\n{"id": "b", "query": "y"}\r\n')
    assert [example.id for example in read_examples(file)] == ["a", "b"]


def test_compression_changes_neither_examples_nor_digest(file: Path) -> None:
    written(file, {"id": "a", "query": "x"})
    packed = file.with_suffix(".anything")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read_examples(packed) == read_examples(file)
    assert file_digest(packed) == file_digest(file)
    assert len(file_digest(file)) == 16
    assert file_digest(written(file, {"id": "a", "query": "z"})) != file_digest(packed)


@pytest.mark.parametrize("cost", [1e300, 1.1e6, math.nan, math.inf, -1])
def test_a_few_absurd_costs_are_left_out_and_named_like_a_wrong_score(
    file: Path, cost: float
) -> None:
    rows = [{"id": f"{n}", "query": f"query {n}"} for n in range(98)]
    wrong = [
        {"id": f"x{n}", "query": f"x{n}", "models": {"m": {"score": 1, "cost_usd": cost}}}
        for n in range(2)
    ]
    found = read_example_file(written(file, *rows, *wrong))
    assert len(found.examples) == 98
    assert found.note is not None
    assert found.note.startswith(f"2 of 100 lines of {file} are left out: line 99 (id x0): ")
    assert "models.m.cost_usd must be " in found.note


def test_a_cost_far_below_that_of_a_token_is_free(file: Path) -> None:
    row = {"query": "x", "models": {"m": {"cost_usd": 5e-324}, "n": {"cost_usd": 1e-9}}}
    (example,) = read_examples(written(file, row))
    assert [result.cost_usd for result in example.models.values()] == [0.0, 1e-9]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2: invalid JSON (EOF while parsing"),
        ({"id": "b"}, "line 2: query is missing"),
        ({"id": "b", "query": ""}, "line 2: query"),
        ({"id": "b", "query": " \n"}, "line 2: query must contain text"),
        ({"id": "b", "query": 5}, "line 2: query"),
        ({"query": "y", "models": {"m": {"score": 2}}}, "line 2: models.m.score"),
        (
            {"query": "y", "models": {"m": {"cost_usd": 1e300}}},
            "line 2: models.m.cost_usd must be ",
        ),
        (
            {"query": "y", "models": {"m": {"cost_usd": 1.1e6}}},
            "line 2: models.m.cost_usd must be ",
        ),
        ('{"query": "y", "models": {"m": {"cost_usd": 1e999}}}', "line 2: models.m.cost_usd"),
        ({"query": "y", "models": {"m": {"input_tokens": 10**10}}}, "line 2: models.m.input_"),
        ({"query": "y", "models": {"m": {"output_tokens": 10**400}}}, "line 2: models.m.output"),
        ({"query": "y", "models": {"m": {"latency_ms": 1e12}}}, "line 2: models.m.latency_ms"),
        ({"query": "y", "weight": 1e300}, "line 2: weight must be less than"),
        ({"query": "y", "weight": 1e-300}, "line 2: weight must be greater than"),
        ({"query": "y", "asked_by": {"a": 1e300}}, "line 2: asked_by.a must be less than"),
        ({"query": "y", "params": {"temperature": math.nan}}, "line 2: params is invalid"),
        ({"query": "y", "params": {"max_tokens": 1e300}}, "line 2: params is invalid: max_tokens"),
        ('{"query": "y", "conversation": [{"role": "user", "x": 1e999}]}', "line 2: conversation"),
        ({"query": "y", "feedback": {"4": True}}, "line 2: feedback.4"),
        (
            {"id": "a", "query": "y"},
            "line 2: id: 'a' is already the id of a different query, in line 1",
        ),
    ],
)
def test_an_invalid_line_is_named_with_its_field_and_the_expected_format(
    file: Path, line: object, reason: str
) -> None:
    written(file, {"id": "a", "query": "x"}, line)
    with pytest.raises(RouteSwitchError) as error:
        read_examples(file)
    assert str(error.value).startswith(f"{file}, {reason}")
    assert "needs" in str(error.value)


def test_a_few_odd_lines_are_left_out_and_named(file: Path) -> None:
    good = [{"id": str(n), "query": f"query {n}"} for n in range(60)]
    odd = [{"id": "odd", "query": ""}, "[1]", {"id": "3", "query": "another"}]
    found = read_example_file(written(file, *good[:9], *odd, *good[9:]))
    assert [example.id for example in found.examples] == [row["id"] for row in good]
    note = found.note or ""
    assert note.startswith(f"3 of 63 lines of {file} are left out: line 10 (id odd): query")
    assert "line 11: must be an object" in note
    assert "line 12 (id 3): id: '3' is already the id of a different query, in line 4" in note


def test_a_note_names_five_lines_at_most(file: Path) -> None:
    rows = [{"query": f"query {n}"} for n in range(200)] + [{"id": n} for n in range(7)]
    assert "and 2 more." in (read_example_file(written(file, *rows)).note or "")


def test_a_file_with_more_odd_lines_is_refused(file: Path) -> None:
    rows = [{"query": f"query {n}"} for n in range(36)] + [{"id": n} for n in range(2)]
    with pytest.raises(
        RouteSwitchError, match=r"line 37: query is .* 1 other line of 38 is unusable"
    ):
        read_examples(written(file, *rows))


def test_half_a_surrogate_pair_is_read_as_a_replacement_character(file: Path) -> None:
    (example,) = read_examples(
        written(file, '{"query": "a \\ud83d b \\ud83d\\ude00", "gold": "x"}')
    )
    assert (example.query, example.gold) == ("a \ufffd b \U0001f600", "x")


def test_null_means_the_same_as_an_absent_field(file: Path) -> None:
    row = dict.fromkeys(Example.model_fields)
    assert read_examples(written(file, {**row, "query": "x"})) == (Example(query="x"),)
    models = {"m": None, "k": {"score": 1, "answer": None}}
    (example,) = read_examples(written(file, {"query": "x", "models": models}))
    assert set(example.models) == {"k"}


@pytest.mark.parametrize(
    ("gold", "golds"), [(None, None), ("a", "a"), (["a", 4], ("a", "4")), ([], None)]
)
def test_a_gold_may_be_several_right_answers(
    file: Path, gold: object, golds: str | tuple[str, ...] | None
) -> None:
    (example,) = read_examples(written(file, {"query": "x", "gold": gold, "workload": 7}))
    assert (example.gold, example.workload) == (golds, "7")


def test_the_same_words_after_another_conversation_need_another_id(file: Path) -> None:
    talks = [[{"role": "user", "content": text}] for text in ("Cats?", "Dogs?")]
    rows = [{"query": "Go on.", "conversation": talk} for talk in talks]
    one, other = read_examples(written(file, *rows))
    assert one.id != other.id == other.key
    with pytest.raises(RouteSwitchError, match="is already the id of a different query"):
        read_examples(written(file, *({**row, "id": "a"} for row in rows)))


def test_a_line_that_is_not_utf_8_is_named_too(file: Path) -> None:
    file.write_bytes(b'{"query": "x"}\n{"query": "\xff"}\n')
    with pytest.raises(RouteSwitchError, match="line 2"):
        read_examples(file)


def test_an_id_may_repeat_with_the_same_query(file: Path) -> None:
    assert len(read_examples(written(file, *[{"id": "a", "query": q} for q in ("x", " X ")]))) == 2


@pytest.mark.parametrize("content", [b"", b"\n \n", gzip.compress(b"", mtime=0)])
def test_the_error_for_an_empty_file_describes_the_format(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(RouteSwitchError, match=r"has no examples.*needs"):
        read_examples(file)


@pytest.mark.parametrize(
    "content", [None, gzip.compress(b"{}" * 99, mtime=0)[:-12], b"\x1f\x8b" + b"\xff" * 99]
)
def test_a_missing_or_damaged_file_is_an_error(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RouteSwitchError, match="cannot be read"):
        read_examples(file)


def table() -> OutcomeTable:
    small = Outcome(score=0.0, equivalent=False, graded_by=GradedBy.GOLD, output_tokens=0)
    large = Outcome(score=0.1 + 0.2, equivalent=True, graded_by=GradedBy.RECORDED, latency_ms=1.5)
    examples = (Example(id="a", query="secret one"), Example(id="b", query="secret two"))
    row = {Tier.SMALL: small, Tier.LARGE: large}
    return OutcomeTable({Tier.SMALL: "s", Tier.LARGE: "l"}, {}, examples, (row, row))


def test_an_outcome_table_survives_the_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl.gz"
    path.write_bytes(serialize_outcomes(table()))
    assert read_outcomes(path, table().examples, {}) == table()
    assert b"secret" not in gzip.decompress(path.read_bytes())
    assert list(tmp_path.iterdir()) == [path]


def test_equal_outcome_tables_give_equal_bytes_without_time_or_name(tmp_path: Path) -> None:
    paths = [tmp_path / "one.gz", tmp_path / "two.gz"]
    for path in paths:
        path.write_bytes(serialize_outcomes(table()))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[4:8] == bytes(4)


def test_outcomes_of_other_examples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outcomes.gz").write_bytes(serialize_outcomes(table()))
    others = (table().examples[0], Example(id="b", query="another question"))
    with pytest.raises(RouteSwitchError, match="unknown id 'b'"):
        read_outcomes(tmp_path / "outcomes.gz", others, {})
