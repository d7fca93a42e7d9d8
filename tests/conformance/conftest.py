"""Runs a dialect through the router's handler in this process, against the scripted upstream."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from pydantic import JsonValue

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.circuits import Circuits
from route_switch.wiring import router
from tests.conformance import reading
from tests.conformance.as_events import FORMS, Events, can_stream
from tests.conformance.dialect import Dialect, Seen, Upstream, load, names
from tests.integration.conftest import Answer, Api, api_maker, forget, mocked_aws
from tests.support.upstream import Body, Reply

Json = Any  # records, which are read at many places
QUERY = "Explain step by step how the tides on Earth depend on the Moon and the Sun."
PRICE = Price(
    input_usd_per_million=1.0,
    output_usd_per_million=2.0,
    cached_input_usd_per_million=0.1,
    cache_write_usd_per_million=1.25,
)
"""Of each tier: figures that are easy to calculate with. The router is free."""
FREE = Price(input_usd_per_million=0, output_usd_per_million=0)


def catalog_of(provider: str) -> ModelCatalog:
    tiers = {tier: f"{provider}/{tier.name.lower()}" for tier in Tier}
    return ModelCatalog(
        tiers={tier: TierModels(model=name) for tier, name in tiers.items()},
        router=f"{provider}/router",
        prices={f"{provider}/router": FREE, **dict.fromkeys(tiers.values(), PRICE)},
    )


@dataclass(frozen=True)
class Client:
    """A client by its provider's name. `routed` is a router model's answer, in the provider's own
    form; `address` is the variable of the environment that holds the upstream's address."""

    provider: str
    form: str
    routed: JsonValue
    address: str | None = None


@dataclass
class Conformance:
    """One API for all tests of a module. `learned`: the process may remember what a model refused,
    and has to forget it before the next dialect."""

    api: Api
    environment: pytest.MonkeyPatch
    client: Client | None = None
    tier_calls: int = 0
    learned: bool = False

    def serve_with(self, client: Client) -> None:
        if client == self.client:
            return
        self.client = client
        config = RouterConfig(
            models=catalog_of(client.provider),
            openai_base_url=self.api.upstream.url,
            bedrock_region="eu-west-1",
            router_timeout_s=30,
            request_deadline_s=90,
        )
        self.environment.setenv("ROUTE_SWITCH_CONFIG", config.model_dump_json())
        if client.address is not None:
            self.environment.setenv(client.address, self.api.upstream.url.removesuffix("/v1"))
        forget()

    def check(
        self, client: Client, dialect: Dialect, *, stream: bool, events: bool = False
    ) -> None:
        """Ask as a client of the router does, with or without `stream`.

        With `events`, the provider streams its answer; otherwise it returns the whole answer, even
        if asked to stream.
        """
        seen = dialect.streamed if stream and dialect.streamed else dialect.seen
        self.prepare(client, dialect, events=events)
        answer = self._ask(dialect, stream=stream)
        assert answer.status == seen.status, answer.text
        assert self.tier_calls == seen.calls
        problems = [
            *reading.differences({**seen.headers}, answer.headers, "headers"),
            *reading.differences(seen.sent, self.api.upstream.calls[-1], "sent"),
        ]
        kept = self.api("GET", f"/v1/results/{answer.headers['x-request-id']}")
        assert kept.status == 200
        record = reading.strict_json(kept.text)
        if seen.error is None:
            problems += _problems_of_answer(answer, record, seen, stream=stream)
        else:
            problems += _problems_of_error(seen, _broken(answer) if seen.status == 200 else answer)
        problems += _problems_of_record(answer, record, seen, stream=stream and seen.status == 200)
        assert not problems, "\n".join(problems)

    def check_record(self, answer: Answer, seen: Seen, *, stream: bool) -> None:
        """Compare the record of an answer in any protocol with what the dialect says."""
        kept = self.api("GET", f"/v1/results/{answer.headers['x-request-id']}")
        assert kept.status == 200
        problems = _problems_of_record(answer, reading.strict_json(kept.text), seen, stream=stream)
        assert not problems, "\n".join(problems)

    def prepare(self, client: Client, dialect: Dialect, *, events: bool) -> None:
        """Make the provider answer as the dialect says."""
        self.serve_with(client)
        _forget_records()
        if self.learned:
            router.router.cache_clear()
        self.learned = any(each.status in (400, 422) for each in dialect.upstream + dialect.router)
        upstream = self.api.upstream
        routed = self.client.routed if self.client else None
        upstream.calls.clear()
        upstream.paths.clear()
        self.tier_calls, router_calls = 0, 0

        def script(body: Body) -> Reply:
            nonlocal router_calls
            if "router" in f"{body.get('model')}{upstream.paths[-1]}":
                router_calls += 1
                return _reply(dialect.router or [Upstream(body=routed)], router_calls)
            self.tier_calls += 1
            form = self.client.form if events and self.client else ""
            return _reply(dialect.upstream, self.tier_calls, form)

        upstream.script = script

    def _ask(self, dialect: Dialect, *, stream: bool) -> Answer:
        options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return self.api.chat(
            QUERY, headers={"x-route-debug": "1"}, **{**options, **dialect.request}
        )


def _problems_of_answer(answer: Answer, record: Json, seen: Seen, *, stream: bool) -> list[str]:
    body = reading.read_stream(answer.text) if stream else reading.read_whole(answer.text)
    assert body["id"] == answer.headers["x-request-id"]
    attempts = record["attempts"]
    expected = {"choices": seen.choices, "usage": seen.usage, **seen.more}
    return [
        *reading.differences(expected, body, "answer"),
        *reading.differences(seen.adjusted, attempts[-1]["adjusted"], "adjusted"),
    ]


def _problems_of_record(answer: Answer, record: Json, seen: Seen, *, stream: bool) -> list[str]:
    cost_usd = None if record["cost_usd"] is None else round(record["cost_usd"], 12)
    costs = [attempt["cost_usd"] for attempt in record["attempts"]]
    assert all(cost is None or cost >= 0 for cost in costs)
    text = seen.choices[0]["message"].get("content") if seen.choices else None
    header = None if seen.cost_usd is None else f"{seen.cost_usd:.9f}"
    return [
        *reading.differences(
            {
                "status": _status(seen),
                "cost_usd": seen.cost_usd,
                "reason": seen.reason,
                **({"tier": seen.tier} if seen.error is None else {}),
                **({"answer_text": text} if text else {}),
            },
            {**record, "cost_usd": cost_usd},
            "record",
        ),
        # The costs of a stream are not known when its headers are sent.
        *reading.differences(
            {"x-route-cost-usd": None if stream else header}, answer.headers, "headers"
        ),
    ]


def _status(seen: Seen) -> str:
    if seen.error is None:
        return "answered"
    return "partial" if seen.status == 200 else "failed"


def _forget_records() -> None:
    """moto copies the whole table for each transaction: 2 ms for an empty one, 40 ms after 100
    requests."""
    dynamodb_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].tables["results"].items.clear()


def _broken(answer: Answer) -> Answer:
    """Return the last event of a stream that broke off."""
    *_, last, rest = answer.text.split("\n\n")
    assert rest == ""
    return replace(answer, text=last.removeprefix("data: "))


def _problems_of_error(seen: Seen, answer: Answer) -> list[str]:
    assert seen.error is not None
    error = reading.strict_json(answer.text)["error"]
    expected = seen.error.model_dump(exclude={"message"})
    problems = reading.differences(expected, error, "error")
    if seen.error.message not in error["message"]:
        problems.append(f"error.message: {error['message']!r} lacks {seen.error.message!r}")
    return problems


def _reply(responses: list[Upstream], number: int, form: str = "") -> Reply:
    """Return a response; with a provider's `form`, in the events in which it streams."""
    response = responses[min(number, len(responses)) - 1]
    parts = _as_events(response, form)
    if parts is not None:
        types = {"bedrock": {"content-type": "application/vnd.amazon.eventstream"}}
        headers = {**types.get(form, {}), **response.headers}
        return Reply(status=response.status, headers=headers, parts=parts)
    body = response.body if response.raw is None else response.raw
    return Reply(body, response.status, None, response.headers, response.hangs_up)


def _as_events(response: Upstream, form: str) -> Events | None:
    if response.raw is not None or response.hangs_up or form not in FORMS:
        return None
    return FORMS[form](response.body)


@pytest.fixture(scope="module")
def conformance() -> Iterator[Conformance]:
    with (
        pytest.MonkeyPatch.context() as environment,
        mocked_aws(environment),
        api_maker(environment) as make,
    ):
        # Every dialect meets a process in which no model has failed before.
        environment.setattr(router, "Circuits", lambda **_: Circuits(failures=math.inf))
        yield Conformance(make(), environment)


@pytest.fixture
def without_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save no records, which takes half of a request's time: for tests that only look at what
    clients see. `Conformance.check` reads the records of the same dialects, and
    `Conformance.check_record` those of one dialect in each protocol."""
    monkeypatch.setattr(DynamoDbResultStore, "save", lambda *_: None)


WAYS = {"whole": (False, False), "streamed": (True, False), "in-events": (True, True)}
"""Whether the client asks for a stream, and whether the provider answers in events."""


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def every_dialect(form: str) -> pytest.MarkDecorator:
    """Parametrize `dialect` with all of this form."""
    return pytest.mark.parametrize(
        "dialect", [pytest.param(load(form, name), id=name) for name in names(form)]
    )


def every_dialect_in_every_way(form: str) -> pytest.MarkDecorator:
    """Parametrize `dialect`, `stream` and `events` with all of this form in each of `WAYS`. If the
    provider has no events for any of its answers, `in-events` would be `streamed` once more."""
    loaded = {name: load(form, name) for name in names(form)}
    return pytest.mark.parametrize(
        ("dialect", "stream", "events"),
        [
            pytest.param(dialect, stream, events, id=f"{name}-{way}")
            for name, dialect in loaded.items()
            for way, (stream, events) in WAYS.items()
            if not events or any(_as_events(each, form) for each in dialect.upstream)
        ],
    )


def every_streamed_dialect(form: str) -> pytest.MarkDecorator:
    """The same for those that fail before their answer begins, or stream it."""
    loaded = {name: load(form, name) for name in names(form)}
    return pytest.mark.parametrize(
        "dialect",
        [pytest.param(each, id=name) for name, each in loaded.items() if _streams(form, each)],
    )


def _streams(form: str, dialect: Dialect) -> bool:
    answers = [each.body for each in dialect.upstream if each.status < 300 and each.raw is None]
    return not answers or can_stream(form, answers)
