"""Time the warm handler and raw calls of the same upstream, mixed so that noise affects both.

A request has been answered when its response has left, and is recorded after that. It runs like a
function, and prints milliseconds by path as JSON. `python warm.py TURNS`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from random import Random
from typing import Any

import httpx

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.switches import Switches
from route_switch.wiring.router import Router, build_router, router
from route_switch.wiring.settings import read_settings
from tests.bench.local_numbers import ALWAYS, NEVER, prompt_with_model
from tests.bench.runtime import serve
from tests.support.events import api_event, chat_event

WARM_UP = 50
RECORDED = " and recorded"
WITHOUT_SESSIONS = "conversation without sessions"
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."
CONVERSATION = [
    {"role": "user", "content": LONG},
    {"role": "assistant", "content": "The tides follow the Moon. " * 100},
    {"role": "user", "content": "And how would this look on a planet with two moons?"},
]
TOOL_LOOP = [
    CONVERSATION[0],
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "High water is at noon. " * 100},
]


def main(turns: int) -> dict[str, list[float]]:
    paths = _paths()
    times: dict[str, list[float]] = {}
    shuffle = Random(0).sample  # noqa: S311 (an order, no secret)
    for turn in range(turns + WARM_UP):
        # In a fixed order, each path would always follow the same one and what that left behind.
        for name in shuffle([*paths], len(paths)):
            path = paths[name]
            started = time.monotonic()
            for ending, at in path().items():
                if turn >= WARM_UP:
                    times.setdefault(f"{name}{ending}", []).append((at - started) * 1000)
    return times


def _paths() -> dict[str, Callable[[], dict[str, float]]]:
    """Each returns when it ended, by the ending's name (monotonic seconds)."""
    config = json.loads(os.environ["ROUTE_SWITCH_CONFIG"])
    client = httpx.Client(base_url=config["openai_base_url"])
    # The messages that the classified path sends to the router LLM.
    router_messages = list(packaged_prompt().render(Query(LONG), 1000))

    def call(model: str, messages: Sequence[object]) -> None:
        client.post("/chat/completions", json={"model": model, "messages": messages}).json()

    def handle(text: str, model: str = "auto") -> dict[str, float]:
        served = serve(chat_event(text, "rs-bench", model))
        return {"": served.sent, RECORDED: served.recorded}

    def in_shadow() -> dict[str, float]:
        """Answer as for a named tier, and decide beside it."""
        switches = router().route._switches
        switches._keep(Switches(routing="shadow"), True)
        times = handle(LONG)
        switches._keep(Switches(), True)
        return times

    def decided_by(prompt: RoutingPrompt) -> Callable[[], dict[str, float]]:
        """Answer with another prompt live, whose local model decides or asks."""
        live = router().route._live_prompt
        served = live.current()
        other = replace(served, prompt=prompt)

        def path() -> dict[str, float]:
            live._keep(other, True)
            times = handle(LONG)
            live._keep(served, True)
            return times

        return path

    def turn(messages: Sequence[object]) -> dict[str, float]:
        body = {"model": "auto", "messages": messages}
        served = serve(api_event("POST", "/v1/chat/completions", body, "rs-bench"))
        return {"": served.sent, RECORDED: served.recorded}

    def without_sessions(path: Callable[[], dict[str, float]]) -> dict[str, float]:
        handler: Any = import_module("functions.router.handler")
        handler.router = lambda: sessionless
        times = path()
        handler.router = router
        return times

    sessionless = _sessionless_router()

    def one_raw_call() -> dict[str, float]:
        call("small", [{"role": "user", "content": "hello"}])
        return {"": time.monotonic()}

    def two_raw_calls() -> dict[str, float]:
        call("router", router_messages)
        call("medium", [{"role": "user", "content": LONG}])
        return {"": time.monotonic()}

    return {
        "one raw call": one_raw_call,
        "bypass": lambda: handle("hello"),
        "two raw calls": two_raw_calls,
        "classified": lambda: handle(LONG),
        "local": decided_by(prompt_with_model("local", NEVER)),
        "hybrid, sure": decided_by(prompt_with_model("hybrid", NEVER)),
        "hybrid, asked": decided_by(prompt_with_model("hybrid", ALWAYS)),
        "named tier": lambda: handle(LONG, "tier-3"),
        "in shadow": in_shadow,
        WITHOUT_SESSIONS: lambda: without_sessions(lambda: turn(CONVERSATION)),
        "conversation": lambda: turn(CONVERSATION),
        "tool loop": lambda: turn(TOOL_LOOP),
    }


def _sessionless_router() -> Router:
    settings = read_settings()
    off = settings.router.model_copy(update={"sessions": "off"})
    return build_router(settings.model_copy(update={"router": off}))


if __name__ == "__main__":
    result = main(int(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps(result) + "\n")
