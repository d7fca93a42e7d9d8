"""A request at each stage: as received, admitted, and routed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.completion import Completion
from route_switch.domain.decision import RoutingDecision
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.needs import Needs
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.query import Query
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.services.admit_request import Admission
from route_switch.services.deadline import Deadline
from route_switch.services.eligible_models import ANY_TIER, Eligible, TierRange

if TYPE_CHECKING:
    from route_switch.domain.explanation import Explanation


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """`params` holds the request fields for the tier's model. `deadline` started when the request
    arrived. `idempotency_id` names the item that stores the answer for a retry. With `stream`, the
    answer is wanted as it is written. With `explain`, a dry run may call the router LLM again to
    explain its decision. `session_id` names the session's state; None without one. `profile` is the
    routing profile that the request itself names, or None."""

    request_id: str
    deadline: Deadline
    key: ApiKey
    model: str
    messages: tuple[JsonObject, ...]
    params: Mapping[str, JsonValue]
    user: str | None = None
    tiers: TierRange = ANY_TIER
    idempotency_id: str | None = None
    stream: bool = False
    explain: bool = False
    session_id: str | None = None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """A request that may be served, and by which models. `named` is the tier that it requests by
    name. `lowered` has a note for each output limit that was lowered to the stage's. `profile` is
    the routing profile: the request's own, else its key's, else the stage's."""

    request: InboundRequest
    query: Query
    needs: Needs
    eligible: Eligible
    named: Tier | None
    admission: Admission
    lowered: tuple[str, ...] = ()
    profile: Profile = BALANCED


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """The outcome of a request: a completion or a failure; neither for a dry run.

    `overhead_ms` is the time that routing added to the answering models' own.
    `models` maps tiers to models, `estimated_usd` each eligible tier to its estimated cost.
    `explanation` is part of a dry run.
    """

    record: RequestRecord
    decision: RoutingDecision
    completion: Completion | None
    failure: RouteSwitchError | None
    prompt_healthy: bool
    overhead_ms: float
    models: Mapping[Tier, str]
    estimated_usd: Mapping[Tier, float | None]
    router_reply: str | None = None
    budget_spent: bool = False
    explanation: "Explanation | None" = None
