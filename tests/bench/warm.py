"""Time the warm handler and raw calls of the same upstream, alternating so that noise affects both.

It runs like a function, and prints milliseconds by path as JSON. `python warm.py TURNS`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence

import httpx

from functions.router.handler import lambda_handler
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.query import Query
from route_switch.domain.switches import Switches
from route_switch.wiring.router import router
from tests.support.events import chat_event

WARM_UP = 50
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."


def main(turns: int) -> dict[str, list[float]]:
    paths = _paths()
    times: dict[str, list[float]] = {name: [] for name in paths}
    for turn in range(turns + WARM_UP):
        for name, path in paths.items():
            started = time.perf_counter()
            path()
            if turn >= WARM_UP:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def _paths() -> dict[str, Callable[[], None]]:
    config = json.loads(os.environ["ROUTE_SWITCH_CONFIG"])
    client = httpx.Client(base_url=config["openai_base_url"])
    # The messages that the classified path sends to the router LLM.
    router_messages = list(packaged_prompt().render(Query(LONG), 1000))

    def call(model: str, messages: Sequence[object]) -> None:
        client.post("/chat/completions", json={"model": model, "messages": messages}).json()

    def handle(text: str, model: str = "auto") -> None:
        answer = lambda_handler(chat_event(text, "rs-bench", model), None)  # type: ignore[arg-type]
        assert answer["statusCode"] == 200

    def in_shadow() -> None:
        """Answer as for a named tier, and decide beside it."""
        switches = router().route._switches
        switches._keep(Switches(routing="shadow"), True)
        handle(LONG)
        switches._keep(Switches(), True)

    def one_raw_call() -> None:
        call("small", [{"role": "user", "content": "hello"}])

    def two_raw_calls() -> None:
        call("router", router_messages)
        call("medium", [{"role": "user", "content": LONG}])

    return {
        "one raw call": one_raw_call,
        "bypass": lambda: handle("hello"),
        "two raw calls": two_raw_calls,
        "classified": lambda: handle(LONG),
        "named tier": lambda: handle(LONG, "tier-3"),
        "in shadow": in_shadow,
    }


if __name__ == "__main__":
    result = main(int(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps(result) + "\n")
