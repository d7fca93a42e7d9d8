"""Drives Anthropic's client against a stack, and prints what it saw as JSON.

The form of the results is that of `messages.mjs`.
"""

import json
import os
import sys
from typing import Any

import anthropic

from tests.clients.python_clients import CITY, LONG, Cases, paced, report

BASE_URL, API_KEY = os.environ["BASE_URL"].removesuffix("/v1"), os.environ["API_KEY"]
WEATHER: Any = {"name": "weather", "input_schema": CITY}


def said(message: Any) -> object:
    usage = message.usage
    return {"text": text_of(message), "tokens": [usage.input_tokens, usage.output_tokens]}


def text_of(message: Any) -> object:
    return next(block.text for block in message.content if block.type == "text")


def calls(message: Any) -> object:
    return [[block.name, block.input] for block in message.content if block.type == "tool_use"]


def thought(message: Any) -> object:
    return {"reasoning": message.content[0].thinking, "text": text_of(message)}


@anthropic.beta_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"sun in {city}"


def cases() -> Cases:
    client = anthropic.Anthropic(base_url=BASE_URL, api_key=API_KEY)

    def body(case: str, model: str = "tier-1", **more: Any) -> Any:
        messages = [{"role": "user", "content": f"[{case} anthropic] {LONG}"}]
        return {"model": model, "max_tokens": 1000, "messages": messages, **more}

    def ask(case: str, model: str = "tier-1", **more: Any) -> Any:
        return client.messages.create(**body(case, model, **more))

    def stream(case: str, model: str = "tier-1", **more: Any) -> Any:
        with client.messages.stream(**body(case, model, **more)) as events:
            return events.get_final_message()

    def pace() -> object:
        with client.messages.stream(**body("pace")) as events:
            return paced(events.text_stream)

    def counted() -> object:
        given = body("counted", "auto")
        del given["max_tokens"]
        return client.messages.count_tokens(**given).input_tokens > 10

    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    wrong = anthropic.Anthropic(base_url=BASE_URL, api_key="rs-wrong").messages
    runner = client.beta.messages.tool_runner
    return {
        "text": lambda: said(ask("text", "auto")),
        "stream": lambda: said(stream("stream", "auto")),
        "pace": pace,
        "tools": lambda: calls(ask("tools", tools=[WEATHER])),
        "tools_streamed": lambda: calls(stream("tools_streamed", tools=[WEATHER])),
        "loop": lambda: text_of(runner(**body("loop", tools=[weather])).until_done()),
        "reasoning": lambda: thought(ask("reasoning")),
        "reasoning_streamed": lambda: thought(stream("reasoning_streamed")),
        "lines": lambda: text_of(stream("lines")),
        "counted": counted,
        "overflow": lambda: ask("overflow"),
        "limited": lambda: ask("limited"),
        "limited_silent": lambda: ask("limited_silent", "auto"),
        "unknown": lambda: ask("unknown", "tier-9"),
        "server_tool": lambda: ask("server_tool", tools=[search]),
        "wrong_key": lambda: wrong.create(**body("wrong_key")),
    }


if __name__ == "__main__":
    found = report({"anthropic": cases()})
    sys.stdout.write(f"\n{json.dumps(found)}\n")
