"""DSPy's language models, on top of `MeteredCalls`, through which all paid calls go."""

import threading
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, Usage

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ProviderDownError,
    ProviderUnusableError,
    RunStoppedError,
    describe_defect,
)
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose


class RolloutCarrier:
    """Replaces DSPy's cache and stores nothing: `MeteredCalls` remembers every answer.

    DSPy asks its cache before each call, with the `rollout_id` that distinguishes one draw of the
    proposer from the next. An engine does not receive that number, so it is passed on here.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def rollout(self) -> int | None:
        value: int | None = getattr(self._local, "rollout", None)
        return value

    def get(self, request: dict[str, Any], _: list[str] | None = None) -> None:
        self._local.rollout = request.get("rollout_id")

    def put(self, *_: object, **__: object) -> None:
        """Store nothing: see the class."""


class PaidEngine:
    """One model behind `dspy.LM(engine=…)`.

    It raises nothing that DSPy catches: DSPy turns an ordinary exception into a score of 0, or
    drops a part of the proposal. If the router LLM refuses a query, its reply names no tier, as in
    production. If the proposer refuses, the run stops.

    Once stopped, the engine stays stopped. DSPy lets its threads work through the rest of their
    queue, and they would spend the money reserved for the held-out rows.
    """

    def __init__(
        self, calls: MeteredCalls, name: str, purpose: Purpose, carrier: RolloutCarrier
    ) -> None:
        self._calls = calls
        self._name = name
        self._purpose = purpose
        self._carrier = carrier
        self._stopped_by: RunStoppedError | None = None

    def complete(self, request: Request) -> Response:
        if self._stopped_by is not None:
            raise self._stopped_by
        try:
            return self._answer(request)
        except RunStoppedError as stop:
            self._stopped_by = stop
            raise

    def _answer(self, request: Request) -> Response:
        messages = _messages(request)
        params: JsonObject = {
            "temperature": request.config.temperature,
            "max_tokens": request.config.max_tokens,
        }
        rollout = self._carrier.rollout if self._purpose is Purpose.PROPOSER else None
        try:
            reply = self._calls(self._name, messages, _without_none(params), self._purpose, rollout)
        except InvalidModelRequestError as error:
            if self._purpose is Purpose.ROUTER:
                return _response(request, "", 0.0)
            raise ProviderUnusableError(
                f"{self._name} refuses the proposer's requests. Choose another proposer.",
                detail=str(error),
            ) from error
        except Exception as error:
            raise ProviderDownError(
                f"The client of {self._name} failed unexpectedly: {describe_defect(error)}"
            ) from error
        return _response(request, reply.text, reply.cost_usd, cut_off=reply.cut_off)


class LabelEngine:
    """A teacher that looks up the best tier of each training query, at no cost.

    `labels` maps the text of the last user message to a tier's digit.
    """

    def __init__(self, labels: dict[str, str]) -> None:
        self._labels = labels

    def complete(self, request: Request) -> Response:
        return _response(request, self._labels[request.messages[-1].text], 0.0)


def language_model(engine: PaidEngine | LabelEngine, name: str, **settings: Any) -> dspy.LM:
    """Return a DSPy model on top of the engine.

    `name` is for logs only: a real model's name could trigger DSPy's special rules for it.
    """
    return dspy.LM(f"route-switch/{name}", engine=engine, num_retries=0, **settings)


def _messages(request: Request) -> tuple[JsonObject, ...]:
    turns: list[JsonObject] = [
        {"role": str(message.role), "content": message.text} for message in request.messages
    ]
    if request.system:
        turns.insert(0, {"role": "system", "content": str(request.system)})
    return tuple(turns)


def _without_none(params: JsonObject) -> JsonObject:
    return {name: value for name, value in params.items() if value is not None}


def _response(request: Request, text: str, cost_usd: float, *, cut_off: bool = False) -> Response:
    return Response(
        id=None,
        model=request.model,
        message=Message.assistant(text or " "),
        finish_reason="stop",
        usage=Usage(),
        provider_data={"cost_usd": cost_usd, "cut_off": cut_off},
    )
