"""Answers of the API about requests, made up: see `console_answers`. Only what the router can have
recorded is listed: cost, saving and times follow from the calls, and the calls from the reason."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

from pydantic import JsonValue

from route_switch.api.results_answer import result_body, row_as_json
from route_switch.domain.baseline import estimate_baseline
from route_switch.domain.decision import Reason
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.operations.result_query import RatedRow
from route_switch.domain.output_ratio import MeasuredRatio, OutputRatios
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.request_record import Attempt, RequestRecord, RequestStatus, record_as_json
from route_switch.domain.result_row import ResultRow
from route_switch.domain.sessions import Move
from route_switch.domain.strategies.prompt_strategy import NAMED
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from tests.support.console_answers import KEYS, MODELS, NOW, ROUTER, Answer

Listed = tuple[RequestRecord, GivenFeedback | None]
"""A request, and what people said of its answer."""

PRICES = {
    model: Price(
        input_usd_per_million=usd,
        output_usd_per_million=4 * usd,
        cached_input_usd_per_million=usd / 4,
    )
    for model, usd in zip(MODELS, (0.1, 0.4, 2.0), strict=True)
}
CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=MODELS[tier - 1]) for tier in Tier}, router=ROUTER, prices=PRICES
)
RATIOS = OutputRatios(
    tuple(
        MeasuredRatio(ratio=1.1, low=0.9, high=1.3, model=each, tier_3_model=MODELS[2], rows=400)
        for each in MODELS[:2]
    )
)
"""Tokens that Tier 3 writes for each token of another tier."""
TIERS = ((Tier.SMALL, Tier.MEDIUM, Tier.LARGE), (46, 31, 23))
"""Where requests go, and how many of a hundred."""
STATUSES: tuple[tuple[RequestStatus, ...], tuple[int, ...]] = (
    ("answered", "partial", "failed", "dry_run"),
    (95, 1, 2, 2),
)
USUAL = 5 * (Reason.ROUTER, Reason.ROUTER, Reason.ROUTER, Reason.OVERRIDE, Reason.SESSION)
REASONS = {
    Tier.SMALL: (*USUAL, *6 * (Reason.BYPASS,)),
    Tier.MEDIUM: (*USUAL, Reason.FALLBACK, Reason.CAPPED),
    Tier.LARGE: (*USUAL, Reason.DEGRADED),
}
"""A short query goes to Tier 1, the safe tier is Tier 2, and only Tier 3 is capped."""
UNROUTED = (Reason.BYPASS, Reason.OVERRIDE)
SLOW_ROUTER = f"{ROUTER} did not answer in time"


@cache
def requests(number: int) -> tuple[Listed, ...]:
    """This many requests, newest first."""
    noise = random.Random(7)  # noqa: S311 (no secret)
    return tuple(request(n, noise) for n in range(number))


def request(number: int, noise: random.Random) -> Listed:
    status = noise.choices(*STATUSES)[0]
    tier = noise.choices(*TIERS)[0]
    reason = Reason.ROUTER if status == "dry_run" else noise.choice(REASONS[tier])
    asked = tuple(router_calls(reason, noise))
    answering = tuple(answer_calls(tier, status, reason, noise))
    routing_ms = 4 + sum(call.latency_ms for call in asked)
    *_, last = (None, *answering)
    known = last.usage if last is not None and status == "answered" else None
    model = None if last is None else last.model
    on_tier_3 = estimate_baseline(known, tier, model if known else None, CATALOG, RATIOS)
    provider_model = f"{MODELS[tier - 1].removeprefix('openai/')}-2025-04-14" if known else None
    capped = reason is Reason.CAPPED
    record = RequestRecord(
        request_id=f"req-{number:06d}-{noise.randrange(16**8):08x}",
        key_id=KEYS[0 if capped else noise.randrange(3)][0],
        created_at=NOW - timedelta(seconds=41 * number + noise.randrange(30)),
        status=status,
        tier=tier,
        decided_tier=Tier.MEDIUM if reason is Reason.DEGRADED else tier,
        routed_tier=routed_tier(tier, reason),
        reason=reason,
        model=model,
        provider_model=provider_model,
        prompt_version="live@3",
        why=why(reason),
        attempts=(*asked, *answering),
        query_tokens=12 if reason is Reason.BYPASS else noise.randrange(40, 400),
        latency_ms=routing_ms + sum(call.latency_ms for call in answering),
        routing_ms=routing_ms,
        baseline_cost_usd=on_tier_3.cost_usd,
        baseline_low_usd=on_tier_3.low_usd,
        baseline_high_usd=on_tier_3.high_usd,
        baseline_basis=on_tier_3.basis,
        user=None if noise.random() < 0.5 else f"customer-{noise.randrange(90)}",
        session=Move.KEPT if reason is Reason.SESSION else None,
        query_text="Compare the two offers, and say which is cheaper over three years.",
        answer_text=None if known is None else "Over three years the second offer is cheaper.",
    )
    return record, feedback(noise) if status == "answered" else None


def routed_tier(tier: Tier, reason: Reason) -> Tier | None:
    """What routing alone chose."""
    if reason in (Reason.OVERRIDE, Reason.FALLBACK):
        return None
    return {Reason.CAPPED: Tier.LARGE, Reason.DEGRADED: Tier.MEDIUM}.get(reason, tier)


def why(reason: Reason) -> str:
    return {
        Reason.BYPASS: "short query",
        Reason.OVERRIDE: "",
        Reason.FALLBACK: "the router LLM did not answer",
        Reason.SESSION: f"{NAMED}; kept: a new cache costs more than moving down saves",
    }.get(reason, NAMED)


def router_calls(reason: Reason, noise: random.Random) -> Iterator[Attempt]:
    if reason in UNROUTED:
        return
    if reason is Reason.FALLBACK:
        yield Attempt(ROUTER, None, "timed_out", 2_000.0, None, 0.0, error=SLOW_ROUTER)
        return
    usage = Usage(1_900 + noise.randrange(300), 1, cached_input_tokens=1_792)
    usd = cost_usd(usage, PRICES[ROUTER])
    yield Attempt(ROUTER, None, "answered", round(noise.uniform(150, 320), 1), usage, usd)


def answer_calls(
    tier: Tier, status: RequestStatus, reason: Reason, noise: random.Random
) -> Iterator[Attempt]:
    """The calls of tier models. A request that is only decided makes none."""
    if status == "dry_run":
        return
    if reason is Reason.DEGRADED:
        yield failed(Tier.MEDIUM)
    if status == "failed":
        yield failed(tier)
        return
    model = MODELS[tier - 1]
    usage = Usage(noise.randrange(300, 1_400), noise.randrange(120, 640))
    first_ms = round(noise.lognormvariate(5.9, 0.4), 1)
    whole_ms = round(first_ms + noise.lognormvariate(6.1, 0.7), 1)
    called = Attempt(model, tier, "answered", whole_ms, usage, cost_usd(usage, PRICES[model]))
    if status == "partial":
        broken = f"{model} closed the connection before the end of its answer"
        yield replace(
            called, status="partial", estimated=True, error=broken, first_token_ms=first_ms
        )
    else:
        yield replace(called, first_token_ms=first_ms) if noise.random() < 0.7 else called


def failed(tier: Tier) -> Attempt:
    model = MODELS[tier - 1]
    return Attempt(model, tier, "failed", 240.0, None, 0.0, error=f"{model} failed with status 503")


def feedback(noise: random.Random) -> GivenFeedback | None:
    thumb = noise.choices((None, True, False), (80, 16, 4))[0]
    if thumb is None:
        return None
    return GivenFeedback(adequate=thumb, comment="Right." if thumb else None)


def row(listed: Listed) -> Answer:
    record, given = listed
    return row_as_json(RatedRow(ResultRow.of(record), given))


def rows(number: int) -> list[Answer]:
    """Rows of `GET /v1/results`, newest first."""
    return [row(each) for each in requests(number)]


def results(listed: Sequence[Listed], limit: int, cursor: str | None) -> Answer:
    """A page of the listing; the cursor is the number of the next row."""
    first = int(cursor or 0)
    page = [row(each) for each in listed[first : first + limit]]
    more = first + limit < len(listed)
    return {
        "object": "list",
        "data": [*page],
        "has_more": more,
        "cursor": str(first + limit) if more else None,
        "examined": len(page),
    }


def record(request_id: str, listed: Sequence[Listed]) -> Answer:
    """The record of a listed request, on a stage that stores texts. Any other id has the record of
    a request with a comment."""
    ids = {each.request_id: (each, given) for each, given in listed}
    told, given = ids.get(request_id) or next(
        (each, given) for each, given in listed if given is not None and given.comment
    )
    return {**result_body(record_as_json(told), given), "request_id": request_id}


def models() -> Answer:
    names = ("auto", "tier-1", "tier-2", "tier-3", *MODELS)
    data: list[JsonValue] = [
        {"id": name, "object": "model", "created": 0, "owned_by": "route-switch"} for name in names
    ]
    return {"object": "list", "data": data}
