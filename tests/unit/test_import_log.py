"""Logs of other tools become examples. The rows are invented; their forms are the tools' own."""

import csv
import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.logs.numbers import number_in
from route_switch.adapters.learning.logs.ratings import scale_of
from route_switch.adapters.learning.logs.read_call import (
    found,
    read_call,
    source_of,
)
from route_switch.adapters.learning.logs.rows import read_log
from route_switch.adapters.learning.logs.sources import SOURCES
from route_switch.adapters.learning.logs.wide_table import models_in
from route_switch.cli.main import app
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.logged_call import UnusableRowError
from route_switch.domain.tiers import Tier
from route_switch.services.learning.import_log import import_log

ASKED = [
    {"role": "system", "content": "You help customers of a bakery."},
    {"role": "user", "content": "When do you open on Sundays?"},
]
SAID = "At eight."
REQUEST = {"model": "gpt-4.1-nano", "messages": ASKED, "temperature": 0.2, "stream": True}
RESPONSE = {
    "id": "chatcmpl-1",
    "model": "gpt-4.1-nano-2025-04-14",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": SAID}}],
    "usage": {"prompt_tokens": 24, "completion_tokens": 4},
}

ROWS: dict[str, dict[str, Any]] = {
    "openai, request and response": {"request": REQUEST, "response": RESPONSE},
    "openai, as text": {"request": json.dumps(REQUEST), "response": json.dumps(RESPONSE)},
    "openai, batch": {
        "custom_id": "1",
        "body": REQUEST,
        "response": {"status_code": 200, "body": RESPONSE},
    },
    "azure, diagnostic log": {
        "time": "2026-11-01T10:00:00Z",
        "properties": {
            "modelDeploymentName": "nano",
            "requestBody": json.dumps(REQUEST),
            "responseBody": json.dumps(RESPONSE),
        },
        "durationMs": 312,
    },
    "azure, gateway log": {
        "BackendRequestBody": json.dumps(REQUEST),
        "BackendResponseBody": json.dumps(RESPONSE),
    },
    "litellm": {
        "id": "1",
        "call_type": "acompletion",
        "model": "gpt-4.1-nano",
        "messages": ASKED,
        "response": RESPONSE,
        "response_cost": 0.000004,
        "prompt_tokens": 24,
        "completion_tokens": 4,
        "startTime": 1_790_000_000.0,
        "endTime": 1_790_000_000.5,
        "status": "success",
        "model_parameters": {"temperature": 0.2},
    },
    "litellm, spend log": {
        "request_id": "1",
        "call_type": "acompletion",
        "spend": 0.000004,
        "model": "gpt-4.1-nano",
        "prompt_tokens": 24,
        "completion_tokens": 4,
        "messages": json.dumps(ASKED),
        "response": json.dumps(RESPONSE),
        "startTime": "2026-11-01T10:00:00+00:00",
        "endTime": "2026-11-01T10:00:00.500000+00:00",
    },
    "langfuse": {
        "id": "g1",
        "traceId": "t1",
        "type": "GENERATION",
        "model": "gpt-4.1-nano",
        "input": {"messages": ASKED},
        "output": {"role": "assistant", "content": SAID},
        "usageDetails": {"input": 24, "output": 4},
        "costDetails": {"total": 0.000004},
        "startTime": "2026-11-01T10:00:00.000Z",
        "endTime": "2026-11-01T10:00:00.500Z",
        "modelParameters": {"temperature": 0.2},
        "scores": [{"name": "user-feedback", "value": 1}],
    },
    "langfuse, stored in a bucket": {
        "id": "g1",
        "trace_id": "t1",
        "project_id": "p",
        "type": "GENERATION",
        "provided_model_name": "gpt-4.1-nano",
        "input": json.dumps(ASKED),
        "output": SAID,
        "usage_details": {"input": 24, "output": 4},
        "total_cost": "0.000004",
        "latency": 0.5,
    },
    "helicone": {
        "response_id": "r",
        "request_model": "gpt-4.1-nano",
        "request_body": REQUEST,
        "response_body": RESPONSE,
        "prompt_tokens": 24,
        "completion_tokens": 4,
        "cost": 0.000004,
        "delay_ms": 500,
        "response_status": 200,
        "feedback_rating": True,
    },
    "chat": {"model": "gpt-4.1-nano", "messages": [*ASKED, {"role": "assistant", "content": SAID}]},
    "chat of people": {
        "conversations": [
            {"from": "system", "value": ASKED[0]["content"]},
            {"from": "human", "value": ASKED[1]["content"]},
            {"from": "gpt", "value": SAID},
        ]
    },
    "anthropic": {
        "request": {
            "model": "claude-haiku",
            "system": ASKED[0]["content"],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": ASKED[1]["content"]}]}
            ],
            "max_tokens": 100,
        },
        "response": {
            "role": "assistant",
            "model": "claude-haiku",
            "content": [{"type": "text", "text": SAID}],
            "usage": {"input_tokens": 24, "output_tokens": 4},
        },
    },
}


def imported(tmp_path: Path, *arguments: str, file: str = "log.jsonl") -> tuple[list[Example], str]:
    out = tmp_path / "examples.jsonl"
    done = CliRunner().invoke(app, ["import", str(tmp_path / file), "-o", str(out), *arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return [*read_examples(out)], done.output


def write_lines(tmp_path: Path, *rows: object) -> None:
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


@pytest.mark.parametrize("name", ROWS)
def test_a_logged_call_becomes_an_example(tmp_path: Path, name: str) -> None:
    write_lines(tmp_path, ROWS[name])
    [example], _ = imported(tmp_path)
    assert example.query == ASKED[1]["content"]
    assert [m["role"] for m in example.messages] == ["system", "user"]
    results = [*example.models.values()]
    if name != "chat of people":  # it names no model
        assert results[0].answer == SAID
        assert results[0].input_tokens is not None
        assert results[0].output_tokens is not None
    assert "stream" not in example.params


@pytest.mark.parametrize("name", ["litellm", "litellm, spend log", "langfuse", "helicone"])
def test_what_the_log_knows_of_a_call_is_kept(tmp_path: Path, name: str) -> None:
    write_lines(tmp_path, ROWS[name])
    [example], said = imported(tmp_path)
    [result] = example.models.values()
    assert result.cost_usd == pytest.approx(0.000004)
    assert result.latency_ms == pytest.approx(500)
    assert (result.input_tokens, result.output_tokens) == (24, 4)
    assert "estimated" not in said


def test_every_source_is_recognized_by_its_own_marks() -> None:
    names = {name.partition(",")[0] for name in ROWS} & {source.name for source in SOURCES}
    for name, row in ROWS.items():
        source = source_of(row)
        assert source is not None
        if name.partition(",")[0] in names:
            assert source.name == name.partition(",")[0]


def test_the_same_request_to_several_models_is_one_example(tmp_path: Path) -> None:
    rows = [
        {"query": "Why is the sky blue?", "model": name, "answer": name, "score": score}
        for name, score in (("small", 0), ("large", 1))
    ]
    write_lines(tmp_path, *rows, rows[0])
    [example], said = imported(tmp_path)
    assert {name: result.score for name, result in example.models.items()} == {
        "small": 0,
        "large": 1,
    }
    assert example.weight == 2
    assert "1 calls repeat a request" in said


def test_a_wide_table_has_a_result_per_model(tmp_path: Path) -> None:
    """As RouterBench's: a score, an answer and a cost per model."""
    columns = {
        "sample_id": "1",
        "prompt": "['What is 2 + 2?']",
        "eval_name": "grade-school-math",
        "gpt-4": "1.0",
        "gpt-4|model_response": "4",
        "gpt-4|total_cost": "0.01",
        "mixtral": "0.0",
        "mixtral|model_response": "5",
        "mixtral|total_cost": "0.001",
    }
    with (tmp_path / "wide.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerow(columns)
    [example], said = imported(tmp_path, file="wide.csv")
    assert example.models["gpt-4"].score == 1
    assert example.models["mixtral"].answer == "5"
    assert example.models["mixtral"].cost_usd == 0.001
    assert example.workload == "grade-school-math"
    assert "wide table 2" in said
    ordinary = {"query": "a", "total_cost": "1", "output_tokens": "2", "model_response": "b"}
    assert models_in({**ordinary}) == ()


def test_a_csv_with_columns_of_its_own_is_mapped(tmp_path: Path) -> None:
    table = 'frage;antwort;sterne;modell\n"Zeile 1\nZeile 2";Ja;5;klein\nWas?;Nein;1;klein\n'
    (tmp_path / "log.csv").write_text(table, "utf-8-sig")
    columns = {"query": "frage", "answer": "antwort", "rating": "sterne", "model": "modell"}
    options = [o for n, c in columns.items() for o in ("--column", f"{n}={c}")]
    tiers = ["--tiers", "local/small,local/large", "--model", "klein=local/small"]
    examples, said = imported(tmp_path, *options, *tiers, file="log.csv")
    assert examples[0].query == "Zeile 1\nZeile 2"
    assert [example.feedback for example in examples] == [{Tier.SMALL: True}, {Tier.SMALL: False}]
    assert examples[0].models["local/small"].answer == "Ja"
    assert "2 on a scale of 1 to 5, used as feedback on the tier" in said


def test_tool_calls_and_their_results_are_kept(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "hours", "arguments": "{}"}}
    asked = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "8:00"},
    ]
    answer = {
        "choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]
    }
    write_lines(
        tmp_path,
        {"request": {"messages": asked}, "response": RESPONSE},
        {"request": {"messages": ASKED, "model": "m"}, "response": answer},
    )
    (continued, called), _ = imported(tmp_path)
    assert [m["role"] for m in continued.messages] == ["system", "user", "assistant", "tool"]
    assert called.models["m"].tool_calls == (call,)


def test_tokens_that_a_log_lacks_are_estimated_and_marked(tmp_path: Path) -> None:
    write_lines(tmp_path, {"query": "What is a yak?", "answer": "An animal.", "model": "m"})
    [example], said = imported(tmp_path)
    assert example.models["m"].output_tokens == 3
    assert "estimated for 1 calls" in said
    written = json.loads((tmp_path / "examples.jsonl").read_text("utf-8"))
    assert written["models"]["m"]["tokens_estimated"] is True


def test_what_cannot_be_used_is_left_out_by_line_and_reason(tmp_path: Path) -> None:
    lines = [
        json.dumps(ROWS["chat"]),
        "not json",
        json.dumps({"traceId": "t", "type": "SPAN", "input": "x", "output": "y"}),
        json.dumps({"custom_id": "2", "body": REQUEST, "response": {"status_code": 429}}),
        json.dumps({"messages": [{"role": "system", "content": "x"}]}),
        json.dumps({"event": "login"}),
        "[1]",
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines), "utf-8")
    examples, said = imported(tmp_path, "--lines")
    assert len(examples) == 1
    assert "7 rows -> 1 examples" in said
    for number, why in (
        (2, "is not valid JSON"),
        (3, "it is not a model call (its type is SPAN)"),
        (4, "the call failed"),
        (5, "there is no message of a user"),
        (6, "no prompt was found (looked for messages, request, query, prompt, input and others)"),
        (7, "is not a JSON object"),
    ):
        assert f"line {number}: {why}" in said
        assert f"{why} (line {number})" in said


def test_a_log_without_a_call_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    write_lines(tmp_path, {"event": "login"})
    out = tmp_path / "examples.jsonl"
    done = CliRunner().invoke(app, ["import", str(tmp_path / "log.jsonl"), "-o", str(out)])
    assert done.exit_code == 1
    assert "Line 1: no prompt was found" in str(done.exception)
    assert "Its fields are event. Name what wrote it" in str(done.exception)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--format", "langsmith"], "must be one of langfuse"),
        (["--column", "query"], "Write FIELD=NAME"),
        (["--column", "frage=query"], "Write FIELD=NAME"),
        (["--model", "=x"], "Write NAME=MODEL"),
    ],
)
def test_a_wrong_option_says_what_it_must_be(
    tmp_path: Path, arguments: list[str], why: str
) -> None:
    write_lines(tmp_path, ROWS["chat"])
    done = CliRunner().invoke(app, ["import", str(tmp_path / "log.jsonl"), "-o", "x", *arguments])
    assert why in str(done.exception)


def test_examples_are_kept_as_they_are(tmp_path: Path) -> None:
    row = {"query": "Why?", "models": {"small": {"score": 1, "cost_usd": 0.1}}, "gold": "so"}
    write_lines(tmp_path, row, {"query": "Why?", "models": {"small": {"score": 7}}})
    [example], said = imported(tmp_path)
    assert example == Example.model_validate(row)
    assert "it is an example with a wrong 'models.small.score' (line 2)" in said


def test_a_log_is_never_overwritten(tmp_path: Path) -> None:
    write_lines(tmp_path, ROWS["chat"])
    path = str(tmp_path / "log.jsonl")
    before = (tmp_path / "log.jsonl").read_bytes()
    done = CliRunner().invoke(app, ["import", path, "-o", str(tmp_path / "." / "log.jsonl")])
    assert "--out is the log itself" in str(done.exception)
    assert (tmp_path / "log.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.02", 0.02),
        ("0,001", 0.001),
        ("$1,234.56", 1234.56),
        ("1.234,56 €", 1234.56),
        ("1,024", 1024),
        ("1 024", 1024),
        ("-", None),
        ("n/a", None),
    ],
)
def test_numbers_are_read_as_spreadsheets_write_them(text: str, number: float | None) -> None:
    assert number_in(text) == number


def test_a_cost_that_cannot_be_read_is_not_dropped_silently(tmp_path: Path) -> None:
    rows = [{"query": "a", "answer": "b", "model": "m", "cost": each} for each in ("0,02", "free")]
    write_lines(tmp_path, *rows)
    [example], said = imported(tmp_path)
    assert example.models["m"].cost_usd == 0.02
    assert "its cost_usd is not a number of at least 0 (line 2)" in said


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("cost", 1e300, "its cost_usd is above 1,000,000"),
        ("cost", "1,000,001 $", "its cost_usd is above 1,000,000"),
        ("prompt_tokens", 10**10, "its input_tokens is above 1,000,000,000"),
        ("completion_tokens", "9.999.999.999", "its output_tokens is above 1,000,000,000"),
        ("completion_tokens", ".".join(["999"] * 2000), "its output_tokens is above"),
        ("latency_ms", 1e12, "its milliseconds is above 1,000,000,000"),
        ("max_tokens", "1e12", "max_tokens must be at most 1,000,000,000"),
        ("temperature", "nan", "a number that is too large, or none"),
        ("temperature", "1e999", "a number that is too large, or none"),
    ],
)
def test_a_call_with_an_absurd_number_is_left_out_by_its_reason(
    tmp_path: Path, field: str, value: object, reason: str
) -> None:
    call: dict[str, Any] = {"query": "a", "answer": "b", "model": "m"}
    if field in ("max_tokens", "temperature"):  # a parameter stands beside messages
        call = {"messages": [{"role": "user", "content": "a"}], "response": "b", "model": "m"}
    write_lines(tmp_path, {**call, field: value}, {"query": "c", "answer": "b", "model": "m"})
    [example], said = imported(tmp_path)
    assert example.query == "c"
    assert reason in said
    assert "(line 1)" in said


def test_a_ratings_answer_and_score_belong_to_one_call(tmp_path: Path) -> None:
    """The tier's feedback is the mean of what people said; a tie says nothing."""
    tiers = ["--tiers", "small,large"]
    rows = [
        {"query": "a", "model": "small", "answer": "no", "rating": 1},
        {"query": "a", "model": "small", "answer": "yes", "rating": 5, "score": 1},
        {"query": "a", "model": "small", "answer": "hm", "rating": 1},
        {"query": "b", "model": "small", "answer": "x", "rating": 1},
        {"query": "b", "model": "small", "answer": "y", "rating": 5},
        {"query": "c", "model": "small", "answer": "z", "rating": 0},
    ]
    write_lines(tmp_path, *rows)
    (first, tied, unrated), said = imported(tmp_path, *tiers)
    assert first.models["small"].answer == "yes"
    assert first.models["small"].score == 1
    assert first.feedback == {Tier.SMALL: False}
    assert (tied.feedback, unrated.feedback) == ({}, {})
    assert "1 cannot be read" in said


@pytest.mark.parametrize(
    "row",
    [
        {"request": {"model": "text-embedding-3-small", "input": "x"}, "response": {"data": []}},
        {"call_type": "aembedding", "messages": "x", "model": "e", "response": {}},
        {"request": {"input": "x"}, "response": {"data": [{"embedding": [0.1]}]}},
        {"request": {"messages": ASKED}, "response": {"error": {"message": "overloaded"}}},
        {"properties": {"requestBody": '{"messages":[{"role":"user","content":"cut'}},
    ],
    ids=["embedding", "litellm", "vectors", "failed", "cut off"],
)
def test_rows_that_are_not_answered_chat_calls_are_left_out(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    write_lines(tmp_path, row, ROWS["chat"])
    examples, said = imported(tmp_path)
    assert len(examples) == 1
    assert "(line 1)" in said


def test_pages_of_an_api_are_read(tmp_path: Path) -> None:
    write_lines(tmp_path, {"data": [ROWS["langfuse"], ROWS["helicone"]], "meta": {"page": 1}})
    [example], said = imported(tmp_path)
    assert "helicone 1, langfuse 1" in said
    assert example.weight == 2


def test_metadata_is_not_a_parameter_and_numbers_in_texts_are_numbers(tmp_path: Path) -> None:
    row = {**ROWS["langfuse"], "metadata": {"trace": "1"}}
    row["modelParameters"] = {"temperature": "0.2", "max_tokens": "100"}
    write_lines(tmp_path, row, {**row, "metadata": {"trace": "2"}})
    [example], _ = imported(tmp_path)
    assert example.params == {"temperature": 0.2, "max_tokens": 100}
    assert example.weight == 2


def test_an_answer_that_was_logged_as_a_stream_is_put_together(tmp_path: Path) -> None:
    events = "".join(
        f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n"
        for text in ("At ", "eight.")
    )
    body = {
        "BackendRequestBody": json.dumps(REQUEST),
        "BackendResponseBody": f"{events}data: [DONE]",
    }
    write_lines(tmp_path, {**body, "model": "m"})
    [example], _ = imported(tmp_path, "--format", "azure")
    assert [result.answer for result in example.models.values()] in (["At eight."], [])


def test_a_column_that_is_not_there_is_an_error_that_lists_the_columns(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("frage,antwort\nWas?,Das.\n", "utf-8")
    arguments = ["import", str(tmp_path / "log.csv"), "-o", "x", "--column", "query=nope"]
    done = CliRunner().invoke(app, arguments)
    assert "has no column 'nope'. It has frage, antwort." in str(done.exception)


def test_a_json_document_and_gzip_are_read(tmp_path: Path) -> None:
    rows = [ROWS["langfuse"], ROWS["chat"]]
    (tmp_path / "a.json").write_text(json.dumps({"meta": {}, "data": rows}, indent=2), "utf-8")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    for name in ("a.json", "b.json.gz"):
        assert len([*read_log(tmp_path / name)]) == 2


@pytest.mark.parametrize(
    ("ratings", "name", "scores"),
    [
        (["1", "0"], "thumbs", [1, 0]),
        (["1", "-1"], "thumbs", [1, 0]),
        (["👍", "👎", "Thumbs Up"], "thumbs", [1, 0, 1]),
        (["1", "3", "5", "0"], "1 to 5", [0, 0.5, 1, None]),
        (["true", "false", "7", "10"], "1 to 10", [1, 0, 2 / 3, 1]),
        (["0.2", "1"], "0 to 1", [0.2, 1]),
        (["10", "1"], "1 to 10", [1, 0]),
        (["good", "meh"], "thumbs", [1, None]),
    ],
)
def test_the_scale_of_ratings_is_that_of_the_whole_file(
    ratings: list[str], name: str, scores: list[float | None]
) -> None:
    scale = scale_of(ratings)
    assert scale.name == name
    assert [scale.score(each) for each in ratings] == scores


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "request", "response", "role", "content", "choices", "input", "usage"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["request", "messages", "input"]), json_values)))
def test_no_row_makes_an_import_fail(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        found(row, ("usage.input", "scores.*.value", "a.0.b"))
        source = source_of(row)
        if source is not None:
            with suppress(UnusableRowError):
                call = read_call(row, source, {})
                [example] = import_log([call], lambda _: None, {}, {}).rows
                json.dumps(example)
