"""Drives openai, LangChain and LiteLLM against a stack, and prints what each saw as JSON.

It runs in a process of its own, which imports them from `.build/clients/python`. The form of the
results is that of `clients.mjs`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

BASE_URL, API_KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TIDE = {
    "title": "tide",
    "type": "object",
    "properties": {"height_m": {"type": "number"}},
    "required": ["height_m"],
    "additionalProperties": False,
}
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "tide", "schema": TIDE, "strict": True},
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": CITY}}

Cases = dict[str, Callable[[], object]]


def said(answer: Any) -> object:
    """Of an answer in OpenAI's form, as the functions below."""
    tokens = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return {"text": answer.choices[0].message.content, "tokens": tokens}


def calls(answer: Any) -> object:
    found = answer.choices[0].message.tool_calls
    return [[call.function.name, json.loads(call.function.arguments)] for call in found]


def texts(answer: Any) -> object:
    return [choice.message.content for choice in answer.choices]


def thought(answer: Any) -> object:
    message = answer.choices[0].message
    return {"reasoning": message.reasoning_content, "text": message.content}


def paced(texts: Iterable[str | None]) -> object:
    """Whether words come while the answer is written, which takes two seconds, and not together. A
    busy machine may hold some up."""
    times = [time.monotonic() for text in texts if text]
    pauses = sum(later - earlier > 0.05 for earlier, later in pairwise(times))
    return pauses > 1 and times[-1] - times[0] > 0.3


def langchain() -> Cases:
    from langchain_core.messages import HumanMessage
    from langchain_openai import ChatOpenAI

    def chat(model: str = "tier-1", key: str = API_KEY, **more: Any) -> Any:
        return ChatOpenAI(model=model, api_key=key, base_url=BASE_URL, **more)

    def words(case: str) -> str:
        return f"[{case} langchain] {LONG}"

    def said(message: Any) -> object:
        usage = message.usage_metadata
        return {"text": message.content, "tokens": [usage["input_tokens"], usage["output_tokens"]]}

    def calls(message: Any) -> object:
        return [[call["name"], call["args"]] for call in message.tool_calls]

    def whole(model: Any, case: str) -> Any:
        first, *rest = list(model.stream(words(case)))
        return sum(rest, first)

    def texts(case: str) -> object:
        [found] = chat(n=2).generate([[HumanMessage(words(case))]]).generations
        return [generation.text for generation in found]

    structured = partial(chat().with_structured_output, method="json_schema")
    return {
        "text": lambda: said(chat("auto").invoke(words("text"))),
        "stream": lambda: said(whole(chat("auto", stream_usage=True), "stream")),
        "pace": lambda: paced(part.content for part in chat().stream(words("pace"))),
        "tools": lambda: calls(chat().bind_tools([WEATHER]).invoke(words("tools"))),
        "tools_streamed": lambda: calls(whole(chat().bind_tools([WEATHER]), "tools_streamed")),
        "structured": lambda: structured(TIDE).invoke(words("structured")),
        "choices": lambda: texts("choices"),
        "lines": lambda: whole(chat(), "lines").content,
        "overflow": lambda: chat().invoke(words("overflow")),
        "limited": lambda: chat().invoke(words("limited")),
        "limited_silent": lambda: chat("auto").invoke(words("limited_silent")),
        "wrong_key": lambda: chat(key="rs-wrong").invoke(words("wrong_key")),
    }


def openai() -> Cases:
    from openai import OpenAI

    client = OpenAI(base_url=BASE_URL, api_key=API_KEY)

    def body(case: str, model: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": f"[{case} openai] {LONG}"}]
        return {"model": model, "messages": messages}

    def ask(case: str, model: str = "tier-1", **more: Any) -> Any:
        return client.chat.completions.create(**body(case, model), **more)

    def stream(case: str, model: str = "tier-1", **more: Any) -> Any:
        usage: Any = {"include_usage": True}
        given = {**body(case, model), "stream_options": usage, **more}
        with client.chat.completions.stream(**given) as events:
            return events.get_final_completion()

    wrong = OpenAI(base_url=BASE_URL, api_key="rs-wrong").chat.completions
    return {
        "text": lambda: said(ask("text", "auto")),
        "stream": lambda: said(stream("stream", "auto")),
        "pace": lambda: paced(part.choices[0].delta.content for part in ask("pace", stream=True)),
        "tools": lambda: calls(ask("tools", tools=[WEATHER])),
        "tools_streamed": lambda: calls(stream("tools_streamed", tools=[WEATHER])),
        "structured": lambda: json.loads(
            ask("structured", response_format=FORM).choices[0].message.content
        ),
        "choices": lambda: texts(ask("choices", n=2)),
        "choices_streamed": lambda: texts(stream("choices_streamed", n=2)),
        "reasoning": lambda: thought(ask("reasoning")),
        "lines": lambda: stream("lines").choices[0].message.content,
        "overflow": lambda: ask("overflow"),
        "limited": lambda: ask("limited"),
        "limited_silent": lambda: ask("limited_silent", "auto"),
        "wrong_key": lambda: wrong.create(**body("wrong_key", "tier-1")),
    }


def litellm() -> Cases:
    import litellm

    litellm.suppress_debug_info = True

    def ask(case: str, model: str = "tier-1", **more: Any) -> Any:
        # Otherwise it imports its proxy, which is not installed, for each request with tools.
        given = {"api_base": BASE_URL, "api_key": API_KEY, "_skip_mcp_handler": True, **more}
        messages = [{"role": "user", "content": f"[{case} litellm] {LONG}"}]
        return litellm.completion(model=f"openai/{model}", messages=messages, **given)

    def stream(case: str, model: str = "tier-1", **more: Any) -> Any:
        usage = {"stream": True, "stream_options": {"include_usage": True}}
        return litellm.stream_chunk_builder(list(ask(case, model, **usage, **more)))

    return {
        "text": lambda: said(ask("text", "auto")),
        "stream": lambda: said(stream("stream", "auto")),
        "pace": lambda: paced(part.choices[0].delta.content for part in ask("pace", stream=True)),
        "tools": lambda: calls(ask("tools", tools=[WEATHER])),
        "tools_streamed": lambda: calls(stream("tools_streamed", tools=[WEATHER])),
        "structured": lambda: json.loads(
            ask("structured", response_format=FORM).choices[0].message.content
        ),
        "choices": lambda: texts(ask("choices", n=2)),
        "reasoning": lambda: thought(ask("reasoning")),
        "lines": lambda: stream("lines").choices[0].message.content,
        "overflow": lambda: ask("overflow"),
        "limited": lambda: ask("limited"),
        "limited_silent": lambda: ask("limited_silent", "auto"),
        "wrong_key": lambda: ask("wrong_key", api_key="rs-wrong"),
    }


def told(error: Exception) -> object:
    return {
        "error": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
    }


def report(clients: Mapping[str, Cases]) -> dict[str, dict[str, object]]:
    """Run all cases at the same time: some of them wait."""

    def outcome(run: Callable[[], object]) -> object:
        try:
            return run()
        except Exception as error:  # noqa: BLE001, RUF100 (whatever a client makes of it)
            return told(error)

    with ThreadPoolExecutor(16) as pool:
        running = {
            name: {case: pool.submit(outcome, run) for case, run in cases.items()}
            for name, cases in clients.items()
        }
        return {
            name: {case: future.result() for case, future in cases.items()}
            for name, cases in running.items()
        }


if __name__ == "__main__":
    found = report({"openai": openai(), "langchain": langchain(), "litellm": litellm()})
    sys.stdout.write(f"\n{json.dumps(found)}\n")
