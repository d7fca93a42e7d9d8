"""`POST /v1/prompt/preview`: request and response."""

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from route_switch.api.owner.strict_body import STRICT
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.services.prompts.compare_routing import ComparedRequest
from route_switch.services.prompts.preview_prompt import PromptPreview

MAX_BUDGET_USD = 1.0
SHOWN = 500
"""Characters of a query."""


class PreviewRequest(BaseModel):
    """Compare `document` with the live prompt on about `sample` of the requests of the last `days`
    days. The calls of the router LLM cost at most `budget_usd`."""

    model_config = STRICT

    document: Annotated[str, Field(min_length=1)]
    sample: Annotated[int, Field(ge=1, le=100)] = 25
    days: Annotated[int, Field(ge=1, le=30)] = 7
    budget_usd: Annotated[float, Field(gt=0, le=MAX_BUDGET_USD)] = 0.25


def preview_body(preview: PromptPreview, router_cost_usd: float) -> JsonObject:
    comparison = preview.comparison
    before, after = comparison.costs or (None, None)
    moves: list[JsonValue] = [
        {"from": one.value, "to": other.value, "requests": n} for one, other, n in comparison.moves
    ]
    return {
        "object": "prompt.preview",
        "compared": comparison.requests,
        "queries": len(comparison.queries),
        "moves": moves,
        "moved": [_moved(each) for each in comparison.moved],
        "cost_usd_before": before,
        "cost_usd_after": after,
        "unknown_cost": comparison.unknown_cost,
        "router_cost_usd": router_cost_usd,
        "notes": [*preview.notes],
    }


def _moved(moved: ComparedRequest) -> JsonObject:
    return {
        "request_id": moved.example.id,
        "requests": moved.requests,
        "from": moved.before.value,
        "to": moved.after.value,
        "query_text": moved.example.query[:SHOWN],
        "cost_usd_before": moved.usd_before,
        "cost_usd_after": moved.usd_after,
    }


def no_live_prompt() -> RequestRefusedError:
    return RequestRefusedError(
        "There is no live prompt to compare with, or it is broken. Publish one first.",
        status=409,
        code="no_live_prompt",
    )


def router_not_callable(router: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"This route cannot ask {router}: that needs LiteLLM, whose import takes longer than a "
        "caller waits. Use 'route-switch prompt preview'.",
        status=409,
        code="router_not_callable",
    )


def router_price_unknown(router: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"The price of {router} is unknown, so no budget can be kept. Set it in USD per million "
        "tokens in cdk.json, under models.prices.",
        status=409,
        code="price_unknown",
    )
