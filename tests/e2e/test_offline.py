"""The deployed template with recorded answers and the encoder, as `make up` serves it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import pytest

from local.aws.client import StackInfo, aws_client
from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.outcome import NO_RECORDING
from route_switch.domain.prompt_document import to_markdown
from route_switch_offline import SampleRow, load_sample
from tests.e2e.conftest import client_of
from tests.support.sample import chat_rows

SUPPORT = next(r for r in load_sample() if r.workload == "customer_support" and len(r.query) > 40)
CHAT = chat_rows()[0]


def ask(stack: StackInfo, text: str, **fields: str) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
    headers = {"authorization": f"Bearer {stack.api_key}"}
    return httpx.post(
        f"{stack.endpoint}/v1/chat/completions", json=body, headers=headers, timeout=40
    )


@pytest.mark.parametrize("row", [SUPPORT, CHAT], ids=["support", "chat"])
def test_a_real_query_is_routed_answered_and_recorded(offline: StackInfo, row: SampleRow) -> None:
    answer = ask(offline, row.query)
    model = answer.headers["x-route-model"]
    [recorded] = [given for name, given in row.models.items() if name == model]
    assert answer.headers["x-route-reason"] == "router"
    assert answer.json()["model"] == model
    assert answer.json()["choices"][0]["message"]["content"] == recorded.answer
    headers = {"authorization": f"Bearer {offline.api_key}"}
    url = f"{offline.endpoint}/v1/results/{answer.json()['id']}"
    record = httpx.get(url, headers=headers).json()
    assert record["query_text"] == row.query
    assert record["provider_model"] == recorded.recorded_model
    assert record["cost_usd"] == pytest.approx(recorded.cost_usd)
    assert record["saved_usd"] == pytest.approx(record["baseline_cost_usd"] - record["cost_usd"])
    admin = {"authorization": f"Bearer {offline.admin_key}"}
    assert httpx.get(url, headers=admin).json() == record, "an admin sees the requests of every key"


def test_a_query_without_a_recording_gets_no_invented_answer(offline: StackInfo) -> None:
    answer = ask(offline, "Which of my three cats should I name after a French cheese, and why?")
    text = answer.json()["choices"][0]["message"]["content"]
    assert text == NO_RECORDING


def test_an_answer_without_a_recording_counts_in_no_sum_of_money(offline: StackInfo) -> None:
    admin = {"authorization": f"Bearer {offline.admin_key}"}

    def total() -> dict[str, float]:
        costs = httpx.get(f"{offline.endpoint}/v1/costs", headers=admin).json()
        return {name: value for name, value in costs["total"].items() if name.endswith("_usd")}

    ask(offline, SUPPORT.query)
    before = total()
    answer = ask(offline, "Which of my two dogs should I name after an Italian cheese, and why?")
    assert not {"x-route-cost-usd", "x-route-saved-usd"} & answer.headers.keys()
    url = f"{offline.endpoint}/v1/results/{answer.json()['id']}"
    record = httpx.get(url, headers=admin).json()
    assert [record[f"{name}_usd"] for name in ("cost", "baseline_cost", "saved")] == [None] * 3
    assert total() == before


def test_the_official_client_lists_models_and_understands_errors(offline: StackInfo) -> None:
    sdk = client_of(offline)
    assert {"auto", "tier-1", "offline/large"} <= {model.id for model in sdk.models.list()}
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.chat.completions.create(model="llama-99", messages=[{"role": "user", "content": "x"}])
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="rs-wrong").models.list()
    with pytest.raises(openai.BadRequestError):
        sdk.chat.completions.create(model="auto", messages=[])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{not json", 400, "invalid_json"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}', 400, "invalid_encoding"),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 4_600_000, 413, None),
        (b"[" * 11_000_000, 413, None),
    ],
    ids=["not-json", "not-utf-8", "five-megabytes", "eleven-megabytes"],
)
def test_invalid_bodies_are_rejected_through_the_whole_stack(
    offline: StackInfo, content: bytes, status: int, code: str | None
) -> None:
    headers = {"authorization": f"Bearer {offline.api_key}", "content-type": "application/json"}
    answer = httpx.post(
        f"{offline.endpoint}/v1/chat/completions", content=content, headers=headers, timeout=40
    )
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert code is None or error["code"] == code


def test_unknown_urls_get_errors_in_openais_format(offline: StackInfo) -> None:
    answer = httpx.get(f"{offline.endpoint}/v1/embeddings")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_a_prompt_is_pulled_and_pushed_byte_for_byte(offline: StackInfo, tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(json.dumps(vars(offline)))
    route_switch = Path(sys.executable).with_name("route-switch")

    def prompt(verb: str, file: str) -> str:
        done = subprocess.run(
            [route_switch, "prompt", verb, file],
            cwd=tmp_path,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    prompt("pull", "before.md")
    before = (tmp_path / "before.md").read_bytes()
    assert before == Path("layers/core/python/route_switch/data/hand_written.md").read_bytes()
    edited = before.replace(b"a greeting", "eine Begrüßung 👋".encode()) + b"\n\n\n"
    (tmp_path / "edited.md").write_bytes(edited)
    assert "version 2" in prompt("push", "edited.md")
    prompt("pull", "after.md")
    assert (tmp_path / "after.md").read_bytes() == edited
    (tmp_path / "broken.md").write_text("Route everything to tier 1.")
    assert "front matter" in prompt("push", "broken.md")
    ssm = aws_client("ssm", offline.aws_endpoint, offline.region)
    assert ssm.get_parameter(Name=offline.prompt_parameter)["Parameter"]["Version"] == 2


def test_requests_are_exported_as_examples(offline: StackInfo, tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(json.dumps(vars(offline)))
    answer = ask(offline, SUPPORT.query)
    ask(offline, SUPPORT.query, model="tier-3")
    route_switch = Path(sys.executable).with_name("route-switch")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [route_switch, "examples", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("--days", "2", "--out", "examples.jsonl")
    assert done.returncode == 0, done.stderr
    examples = read_examples(tmp_path / "examples.jsonl")
    [example] = [e for e in examples if e.query == SUPPORT.query]
    [(model, result)] = example.models.items()
    assert model == answer.headers["x-route-model"]
    assert result.answer == answer.json()["choices"][0]["message"]["content"]
    assert example.from_traffic
    assert f"{len(examples)} examples -> examples.jsonl" in done.stdout
    assert "nowhere/x.jsonl cannot be written" in run("--out", "nowhere/x.jsonl").stderr
    assert "keeps records for 90 days" in run("--out", "x.jsonl", "--days", "91").stderr


def test_the_seed_is_in_parameter_store_and_the_first_keys_are_gone(offline: StackInfo) -> None:
    ssm = aws_client("ssm", offline.aws_endpoint, offline.region)
    seed = ssm.get_parameter(Name=offline.prompt_parameter.replace("live", "seed"))
    assert seed["Parameter"]["Value"].strip() == to_markdown(packaged_prompt()).strip()
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/route-switch/local/first-keys")


def test_keys_are_stored_hashed(offline: StackInfo) -> None:
    dynamodb = aws_client("dynamodb", offline.aws_endpoint, offline.region)
    tables = [t for t in dynamodb.list_tables()["TableNames"] if "Keys" in t]
    items = json.dumps(dynamodb.scan(TableName=tables[0])["Items"])
    assert '"first-client"' in items
    assert offline.api_key not in items
    assert offline.admin_key not in items
