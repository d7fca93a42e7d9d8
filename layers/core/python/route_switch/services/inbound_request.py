"""A request on its way: as it came in, once it is let in, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.completion import Completion
from route_switch.domain.decision import RoutingDecision
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.needs import Needs
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.services.admit_request import Admission
from route_switch.services.call_models import Deadline
from route_switch.services.eligible_models import ANY_TIER, Eligible, TierRange


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """`params` are the fields of the request that go to the tier's model as they are; `deadline`
    runs since the request came in. `idempotency_id` names the item that answers a repeat."""

    request_id: str
    deadline: Deadline
    key: ApiKey
    model: str
    messages: tuple[JsonObject, ...]
    params: Mapping[str, JsonValue]
    user: str | None = None
    tiers: TierRange = ANY_TIER
    idempotency_id: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be served, and by what; `named` is the tier that it asks for by name."""

    request: InboundRequest
    query: Query
    needs: Needs
    eligible: Eligible
    named: Tier | None
    admission: Admission


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """What came of a request: a completion or a failure; neither for a dry run.

    `overhead_ms` is what routing and recording added to the answering models' own time.
    `models` are those of the tiers, `estimated_usd` what each tier that may answer would cost.
    """

    record: RequestRecord
    decision: RoutingDecision
    completion: Completion | None
    failure: RouteSwitchError | None
    recorded: bool
    prompt_healthy: bool
    overhead_ms: float
    models: Mapping[Tier, str]
    estimated_usd: Mapping[Tier, float | None]
    router_reply: str | None = None
    budget_spent: bool = False
