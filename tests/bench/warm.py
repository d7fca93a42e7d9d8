"""The warm handler beside raw calls of the same upstream, in one process and one run.

Prints one JSON object: milliseconds per path, measured in turns so that noise hits all alike.
"""

import json
import sys
import time
from collections.abc import Callable

import httpx

from functions.router import handler
from route_switch.bootstrap import router

LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."


def event(text: str) -> dict[str, object]:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": "Bearer rs-bench", "content-type": "application/json"}
    return {
        "path": "/v1/chat/completions",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"requestId": "bench", "stage": "bench"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def main() -> None:
    n = int(sys.argv[1])
    client = httpx.Client(base_url=router().config.openai_base_url)

    def handle(text: str) -> None:
        answer = handler.lambda_handler(event(text), None)
        assert answer["statusCode"] == 200, answer

    def call(model: str, content: str) -> None:
        messages = [{"role": "user", "content": content}]
        client.post("/chat/completions", json={"model": model, "messages": messages}).json()

    prompt = json.dumps(router_messages())

    def call_twice() -> None:
        call("router", prompt)
        call("medium", LONG)

    paths: dict[str, Callable[[], None]] = {
        "raw_one_call": lambda: call("small", "hello"),
        "bypass": lambda: handle("hello"),
        "raw_two_calls": call_twice,
        "classified": lambda: handle(LONG),
    }
    times: dict[str, list[float]] = {name: [] for name in paths}
    for turn in range(n + 50):
        for name, path in paths.items():
            started = time.perf_counter()
            path()
            if turn >= 50:
                times[name].append((time.perf_counter() - started) * 1000)
    sys.stderr.write(json.dumps(times))


def router_messages() -> list[object]:
    """The same input that the classified path sends to the router LLM."""
    from route_switch.bootstrap import packaged_prompt
    from route_switch.domain.query import Query

    return list(packaged_prompt().render(Query(LONG), 1000))


if __name__ == "__main__":
    main()
