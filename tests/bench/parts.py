"""Time what was added to the request path beside the same path without it, alternating.

It runs like a function, and prints milliseconds by part as JSON: without it, then with it.
`python parts.py TURNS`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.adapters.models.registry import FACTORIES, ModelClients
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.ssm import ParametersReadTogether
from route_switch.domain.local_model import choose
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.wiring.aws_config import PARAMETERS, PARAMETERS_S, clients
from tests.bench.local_numbers import made_up_numbers

THREADS = 16
Path = Callable[[], object]
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun. " * 40


class _Silent:
    def stream(self, _: ModelCall) -> Iterator[Chunk]:
        return iter(())


def output_limit(config: RouterConfig) -> tuple[Path, Path]:
    call, silent = ModelCall("small", ({"role": "user", "content": "hello"},)), _Silent()
    limited = LimitedClients(lambda _: silent, config.output_limit)
    provider = next(iter(config.models.names)).partition("/")[0]
    return lambda: silent.stream(call), lambda: limited(provider).stream(call)


def cache_point(_: RouterConfig) -> tuple[Path, Path]:
    """A prompt long enough to be marked, for a model without marks and for one with them."""
    messages: tuple[JsonObject, ...] = (
        {"role": "system", "content": LONG},
        *packaged_prompt().render(Query("A query."), 1000),
    )
    without = ModelCall("amazon.titan-text-premier-v1:0", messages)
    marked = ModelCall("us.amazon.nova-micro-v1:0", messages)
    assert "cachePoint" in json.dumps(converse_request(marked))
    return lambda: converse_request(without), lambda: converse_request(marked)


def parameters_together(_: RouterConfig) -> tuple[Path, Path]:
    ssm: Any = clients(PARAMETERS, PARAMETERS_S)("ssm")  # as the stubs describe it

    def one_by_one() -> None:
        for _ in range(2):
            ssm.get_parameter(Name="/bench")

    def together() -> None:
        both = ParametersReadTogether(ssm, "/bench", "/bench-2")
        both.read("/bench"), both.read("/bench-2")

    return one_by_one, together


def client_sharing(config: RouterConfig) -> tuple[Path, Path]:
    """Sixteen threads of a new process that call Bedrock for the first time."""

    def in_threads(make: Callable[[], object]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(make) for _ in range(THREADS)]:
                done.result()

    def each_its_own() -> None:
        in_threads(lambda: FACTORIES["bedrock"](config, lambda _: None))

    def shared() -> None:
        made = ModelClients(config, lambda _: None)
        in_threads(lambda: made("bedrock"))

    return each_its_own, shared


def local_model(text: str) -> Callable[[RouterConfig], tuple[Path, Path]]:
    def paths(_: RouterConfig) -> tuple[Path, Path]:
        numbers, query = made_up_numbers(), Query(text)
        return lambda: None, lambda: choose(numbers, query)

    return paths


PARTS: dict[str, tuple[Callable[[RouterConfig], tuple[Path, Path]], int]] = {
    "default output limit": (output_limit, 1),
    "cache point": (cache_point, 1),
    "one GetParameters": (parameters_together, 4),
    "local model, 15 words": (local_model(LONG[:76]), 1),
    "local model, 3,000 characters": (local_model(LONG), 1),
    "local model, 300,000 characters": (local_model(LONG * 100), 1),
    "one client for 16 threads": (client_sharing, 50),
}
"""By name; the number divides the turns of what takes longer."""


def main(turns: int) -> dict[str, list[list[float]]]:
    config = RouterConfig.model_validate_json(os.environ["ROUTE_SWITCH_CONFIG"])
    config = config.model_copy(update={"bedrock_region": "eu-west-1"})
    return {
        name: _times(make(config), max(turns // slowness, 5))
        for name, (make, slowness) in PARTS.items()
    }


def _times(paths: tuple[Path, Path], turns: int) -> list[list[float]]:
    times: list[list[float]] = [[], []]
    for path in paths:
        path()
    for _ in range(turns):
        for path, found in zip(paths, times, strict=True):
            started = time.perf_counter()
            path()
            found.append((time.perf_counter() - started) * 1000)
    return times


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(int(sys.argv[1]))) + "\n")
