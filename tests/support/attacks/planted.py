"""Plant canaries in traffic, let the product run, and look for them in what it writes."""

import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.learning.text_policy import LearnFromText, text_for_learning
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.json_file import to_json as report_to_json
from route_switch.optimizer.report.markdown_page import to_markdown as report_to_markdown
from tests.integration.conftest import api_maker, by_model, mocked_aws
from tests.support.attacks.canary_forms import Canary
from tests.support.learning import CONTEXT, PLAN, example, learn
from tests.support.searching import Models
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from tests.integration.conftest import Api


def shown(canary: Canary, policy: LearnFromText) -> bool:
    """Whether a prompt or a proposal may show the value."""
    example = Example(query=canary.text, from_traffic=True)
    return canary.value in (text_for_learning(example, policy) or "")


def long_enough(canaries: Iterable[Canary]) -> list[Canary]:
    """Leave out values that ids and figures may hold by chance."""
    return [canary for canary in canaries if len(canary.value) >= 8]


def found_in(text: str, canaries: Iterable[Canary]) -> list[Canary]:
    """Return the canaries whose value stands in the text, as it is or inside a JSON string."""
    forms = (lambda value: value, lambda value: json.dumps(value)[1:-1])
    return [c for c in canaries if any(form(c.value) in text for form in forms)]


# A week.


def learned_from(
    canaries: Sequence[Canary], policy: LearnFromText, optimizer: OptimizerName = "mipro"
) -> dict[str, str]:
    """Learn from traffic of which two thirds hold a canary. Return what a run writes, by place."""
    models, plan = Models(), replace(PLAN, rounds=1, optimizer=optimizer, learn_from_text=policy)
    found, calls = learn(models, plan, _traffic(canaries))
    candidate = candidate_prompt(found, plan, "digest")
    report = assemble_report(found, candidate, plan, calls, CONTEXT)
    tried = [to_markdown(trial.prompt) for trial in found.trials]
    return {
        "proposer's prompts": "\n".join(_sent(models)),
        "prompts tried": "\n".join(tried),
        "candidate": to_markdown(candidate) + to_json(candidate),
        "report.md": report_to_markdown(report),
        "report.html": to_html(report),
        "report.json": report_to_json(report),
    }


def _traffic(canaries: Sequence[Canary]) -> tuple[Example, ...]:
    """Every third row is one of the owner's examples; each other one is a request with a canary."""
    left = iter(canaries)
    rows = []
    for number in range(3 * len(canaries) // 2 + 2):
        row = example(number)
        planted = next(left, None) if number % 3 else None
        if planted is not None:
            query = f"{row.query.split()[0]}: {planted.text}"
            row = row.model_copy(update={"query": query, "from_traffic": True})
        rows.append(row.model_copy(update={"id": f"r{number}"}))
    return tuple(rows)


def _sent(models: Models) -> list[str]:
    return [str(message["content"]) for call in models.proposed for message in call.messages]


# A request.

FIELDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "query": lambda text: {"messages": [{"role": "user", "content": text}]},
    "system message": lambda text: {"messages": [_system(text), _user()]},
    "earlier answer": lambda text: {"messages": [_user(), _assistant(text), _user()]},
    "tool result": lambda text: {"messages": [_user(), *_tool(text)]},
    "tool's name and description": lambda text: {
        "messages": [_user()],
        "tools": [{"type": "function", "function": {"name": "f", "description": text}}],
    },
    "metadata": lambda text: {"messages": [_user()], "metadata": {"note": text}},
    "unknown field": lambda text: {"messages": [_user()], "note": {text[:200]: text}},
    "model": lambda text: {"messages": [_user()], "model": text},
    "wrong type": lambda text: {"messages": [_user()], "temperature": text},
    "role": lambda text: {"messages": [{"role": text, "content": "Why?"}]},
}
"""Where a client may put a text."""


def _user() -> dict[str, Any]:
    return {"role": "user", "content": "Why do the tides on Earth depend on the Moon and the Sun?"}


def _system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def _assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _tool(text: str) -> tuple[dict[str, Any], ...]:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return (
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    )


def written_by_requests(canaries: Sequence[Canary], text_storage: str) -> dict[str, str]:
    """Send each canary in each field in turn, as an answer, and in errors of providers. Return what
    was written, by place."""
    out, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            mocked_aws(patch),
            api_maker(patch) as make,
            redirect_stdout(out),
            redirect_stderr(out),
        ):
            api = make(text_storage=text_storage)
            for number, canary in enumerate(canaries):
                _send(api, canary, number)
            places = _stored()
    finally:
        logging.getLogger().removeHandler(handler)
    places["logs and metrics"] = out.getvalue() + log.getvalue()
    return places


def _send(api: "Api", canary: Canary, number: int) -> None:
    answers = by_model(
        router=completion(canary.text if number % 3 == 0 else "2"),
        small=completion(canary.text),
        medium=completion(canary.text),
        large=completion(canary.text),
    )
    api.upstream.script = _failing(canary.text) if number % 5 == 4 else answers
    field = list(FIELDS.values())[number % len(FIELDS)](canary.text)
    answer = api("POST", "/v1/chat/completions", {"model": "auto", **field})
    if answer.status == 200:
        said = {"request_id": answer.body["id"], "thumb": "up", "comment": canary.text[:500]}
        api("POST", "/v1/feedback", said)
    api("GET", "/v1/results/" + "".join(c for c in canary.text[:40] if c.isalnum()))


def _failing(text: str) -> Callable[[Any], Any]:
    return lambda _: failure(500, text)


def _stored() -> dict[str, str]:
    """Return what is in the table, the queue and the parameters."""
    dynamodb, sqs, ssm = (boto3.client(name) for name in ("dynamodb", "sqs", "ssm"))
    tables = dynamodb.list_tables()["TableNames"]
    items = [dynamodb.scan(TableName=name)["Items"] for name in tables]
    queues = sqs.list_queues().get("QueueUrls", [])
    messages = [sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10) for url in queues]
    names = [each["Name"] for each in ssm.describe_parameters()["Parameters"]]
    values = [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in names]
    return {
        "table": json.dumps(items, default=str, ensure_ascii=False),
        "queue": json.dumps(messages, default=str, ensure_ascii=False),
        "parameters": "\n".join(values),
    }
