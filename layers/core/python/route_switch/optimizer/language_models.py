"""DSPy's language models, on top of the one door for paid calls."""

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
    """Stands where DSPy has its cache, and keeps nothing: `MeteredCalls` remembers every answer.

    DSPy asks its cache before each call, with the `rollout_id` that tells one draw of the proposer
    from the next. An engine is not told that number; so it is handed over here.
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
        """Nothing: see above."""


class PaidEngine:
    """One model behind `dspy.LM(engine=…)`.

    It raises nothing that DSPy catches: DSPy takes an ordinary exception for a score of 0 or leaves
    out a part of the proposal. A router LLM that refuses a query has answered without a tier, as it
    would in production; a proposer that refuses is a run that cannot go on.

    Once stopped it stays so: where one call stops the run, DSPy lets its threads work through the
    rest of their queue, and they would spend what is set aside for the held-out rows.
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
            reply = self._calls(self._name, messages, _known(params), self._purpose, rollout)
        except InvalidModelRequestError as error:
            if self._purpose is Purpose.ROUTER:
                return _response(request, "", 0.0)
            raise ProviderUnusableError(
                f"{self._name} refuses what the proposer is asked. Choose another proposer.",
                detail=str(error),
            ) from error
        except Exception as error:
            raise ProviderDownError(
                f"The client of {self._name} broke: {describe_defect(error)}"
            ) from error
        return _response(request, reply.text, reply.cost_usd, cut_off=reply.cut_off)


class LabelEngine:
    """A teacher that knows the best tier of each training query: it answers by looking it up.

    `labels` map the text of a last user message to the digit of a tier. It costs nothing.
    """

    def __init__(self, labels: dict[str, str]) -> None:
        self._labels = labels

    def complete(self, request: Request) -> Response:
        return _response(request, self._labels[request.messages[-1].text], 0.0)


def language_model(engine: PaidEngine | LabelEngine, name: str, **settings: Any) -> dspy.LM:
    """`name` is for logs only: DSPy has rules for models of some names, which are not wanted."""
    return dspy.LM(f"route-switch/{name}", engine=engine, num_retries=0, **settings)


def _messages(request: Request) -> tuple[JsonObject, ...]:
    turns: list[JsonObject] = [
        {"role": str(message.role), "content": message.text} for message in request.messages
    ]
    if request.system:
        turns.insert(0, {"role": "system", "content": str(request.system)})
    return tuple(turns)


def _known(params: JsonObject) -> JsonObject:
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
