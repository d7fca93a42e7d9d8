"""A request's way: choose a tier, let it answer, record what happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from route_switch.domain.completion import Completion
from route_switch.domain.config import RouterConfig
from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.errors import RequestRefusedError, RouteSwitchError
from route_switch.domain.keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Usage, cost_usd
from route_switch.domain.query import Query, query_of, text_of
from route_switch.domain.record import (
    RequestRecord,
    RequestStatus,
    estimate_baseline_usd,
)
from route_switch.domain.replay import replay_of
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch.services.answer import Answer, AnswerQuery, failure_of
from route_switch.services.call_models import Deadline, ModelCaller
from route_switch.services.choose_tier import Choice, ChooseTier
from route_switch.services.live_prompt import LivePrompt, ServedPrompt
from route_switch.services.record import RecordRequest

ASSUMED_OUTPUT_TOKENS = 300
"""Length of an answer that is taken for an estimate where the request sets no limit."""


RECORD_MARGIN_S = 1.5
"""What is left for the record when the deadline has passed: the function ends 2 s after it."""

MAX_RECORD_S = 4.0


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """`params` are the fields of the request that go to the tier's model as they are; `deadline`
    runs since the request came in."""

    request_id: str
    deadline: Deadline
    key: ApiKey
    model: str
    messages: tuple[JsonObject, ...]
    params: Mapping[str, JsonValue]
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """What came of a request: a completion or a failure; neither for a dry run.

    `overhead_ms` is what routing and recording added to the answering models' own time.
    """

    record: RequestRecord
    decision: RoutingDecision
    completion: Completion | None
    failure: RouteSwitchError | None
    recorded: bool
    prompt_healthy: bool
    overhead_ms: float


class RouteRequest:
    def __init__(
        self,
        config: RouterConfig,
        live_prompt: LivePrompt,
        caller: ModelCaller,
        record: RecordRequest,
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._live_prompt = live_prompt
        self._caller = caller
        self._choose_tier = ChooseTier(config, caller)
        self._answer = AnswerQuery(config.models, caller)
        self._record = record
        self._now = now

    def chat(self, request: InboundRequest) -> Routed:
        """Routes, lets answer, and records, also where no model answered."""
        query = query_of(request.messages, request.params)
        served, choice = self._choose(request, query)
        answer = self._answer(
            choice.decision.tier,
            request.key.allowed_tiers,
            request.messages,
            request.params,
            request.deadline,
        )
        return self._finish(request, query, served, choice, answer)

    def dry_run(self, request: InboundRequest) -> Routed:
        """Decides and records the router call, which costs money; no tier is called."""
        query = query_of(request.messages, request.params)
        served, choice = self._choose(request, query)
        return self._finish(request, query, served, choice, None)

    def estimate_costs_usd(self, request: InboundRequest) -> dict[Tier, float | None]:
        """What each allowed tier's answer would cost, from estimated tokens."""
        usage = Usage(
            sum(estimate_tokens(text_of(m)) for m in request.messages),
            assumed_output_tokens(request.params),
        )
        models = self._config.models
        return {
            tier: cost_usd(usage, models.price(models.tiers[tier].model))
            for tier in sorted(request.key.allowed_tiers)
        }

    def _choose(self, request: InboundRequest, query: Query) -> tuple[ServedPrompt, Choice]:
        override = resolve_override(request.model, request.key, self._config.models)
        served = self._live_prompt.current()
        if override is not None:
            decision = RoutingDecision(override, Reason.OVERRIDE, served.version, 0, 0.0)
            return served, Choice(decision)
        return served, self._choose_tier(
            query, served.prompt, served.version, request.key.allowed_tiers, request.deadline
        )

    def _finish(
        self,
        request: InboundRequest,
        query: Query,
        served: ServedPrompt,
        choice: Choice,
        answer: Answer | None,
    ) -> Routed:
        record = self._record_of(request, query, choice, answer)
        recorded = self._record(record, self._time_to_record_s(request.deadline))
        self._live_prompt.settle()
        answering_ms = sum(a.latency_ms for a in record.attempts if a.tier is not None)
        return Routed(
            record,
            choice.decision,
            answer.completion if answer else None,
            failure_of(answer) if answer else None,
            recorded,
            served.healthy,
            request.deadline.elapsed_ms - answering_ms,
        )

    @staticmethod
    def _time_to_record_s(deadline: Deadline) -> float:
        return min(deadline.remaining_s + RECORD_MARGIN_S, MAX_RECORD_S)

    def _record_of(
        self,
        request: InboundRequest,
        query: Query,
        choice: Choice,
        answer: Answer | None,
    ) -> RequestRecord:
        decision = choice.decision
        completion = answer.completion if answer else None
        tier = answer.tier if answer else decision.tier
        calls = (*filter(None, [choice.router_call]), *(answer.calls if answer else ()))
        attempts = tuple(self._caller.settle(call).attempt for call in calls)
        elapsed_ms = request.deadline.elapsed_ms
        usage = completion.usage if completion else None
        to_learn_from = completion is not None and decision.reason is not Reason.OVERRIDE
        return RequestRecord(
            request_id=request.request_id,
            key_id=request.key.key_id,
            created_at=self._now(),
            status=_status(answer),
            tier=tier,
            decided_tier=decision.tier,
            routed_tier=decision.routed_tier,
            reason=decision.reason if tier is decision.tier else Reason.DEGRADED,
            model=answer.model if answer else None,
            prompt_version=decision.prompt_version,
            attempts=attempts,
            query_tokens=query.tokens,
            latency_ms=elapsed_ms,
            routing_ms=elapsed_ms - sum(a.latency_ms for a in attempts if a.tier is not None),
            baseline_cost_usd=estimate_baseline_usd(usage, tier, self._config.models),
            provider_model=completion.provider_model if completion else None,
            user=request.user,
            query_text=query.text,
            answer_text=completion.text if completion else None,
            replay=replay_of(request.messages, request.params, query) if to_learn_from else None,
        )


def resolve_override(model: str, key: ApiKey, catalog: ModelCatalog) -> Tier | None:
    """The tier that `model` asks for: an alias or a tier model's name; None for `auto`.

    Raises `RequestRefusedError`: 404 for a name that is none of these, 403 where the key may not
    use the tier.
    """
    if model == "auto":
        return None
    aliases = {tier.alias: tier for tier in Tier}
    tier = aliases.get(model) or catalog.tier_of(model)
    if tier is None:
        raise RequestRefusedError(
            f"The model '{model}' does not exist here. Use 'auto', 'tier-1', 'tier-2', 'tier-3' "
            "or a tier model's name; GET /v1/models lists them.",
            status=404,
            code="model_not_found",
            param="model",
        )
    if tier not in key.allowed_tiers:
        raise RequestRefusedError(
            f"This key may not use {tier.alias}. Use 'auto', or ask the owner for the tier.",
            status=403,
            kind="permission_error",
            code="tier_not_allowed",
            param="model",
        )
    return tier


def assumed_output_tokens(params: Mapping[str, JsonValue]) -> int:
    """The limit that the request sets, or `ASSUMED_OUTPUT_TOKENS` if that is less or there is
    none: most answers end before their limit."""
    limits = (params.get("max_completion_tokens"), params.get("max_tokens"))
    return min([ASSUMED_OUTPUT_TOKENS, *(x for x in limits if isinstance(x, int) and x > 0)])


def _status(answer: Answer | None) -> RequestStatus:
    if answer is None:
        return "dry_run"
    return "answered" if answer.completion else "failed"
