"""Drives openai and LangChain through the Responses API, and openai through legacy completions.

Prints what they saw; the form of the results is that of `responses.mjs`.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from openai import OpenAI
from pydantic import BaseModel

from tests.clients.python_clients import CITY, LONG, paced, report

BASE_URL, API_KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
WEATHER = {"type": "function", "name": "weather", "strict": False, "parameters": CITY}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edit files."}
CLIENT = OpenAI(base_url=BASE_URL, api_key=API_KEY)


class Tide(BaseModel):
    height_m: float


def asking(case: str) -> str:
    return f"[{case} openai] {LONG}"


def ask(case: str, model: str = "tier-1", **more: Any) -> Any:
    return CLIENT.responses.create(**{"model": model, "input": asking(case), **more})


def stream(case: str, model: str = "tier-1", **more: Any) -> Any:
    with CLIENT.responses.stream(model=model, input=asking(case), **more) as events:
        return events.get_final_response()


def said(response: Any) -> object:
    tokens = [response.usage.input_tokens, response.usage.output_tokens]
    return {"text": response.output_text, "tokens": tokens}


def calls(response: Any) -> object:
    found = (item for item in response.output if item.type == "function_call")
    return [[item.name, json.loads(item.arguments)] for item in found]


def custom(response: Any) -> object:
    return [[i.name, i.input] for i in response.output if i.type == "custom_tool_call"]


def thought(response: Any) -> object:
    return {"reasoning": response.output[0].summary[0].text, "text": response.output_text}


def loop() -> object:
    turns: list[Any] = [{"role": "user", "content": asking("loop")}]
    first = ask("loop", input=turns, tools=[WEATHER])
    for item in first.output:
        turns.append(item)
        if item.type == "function_call":
            output = {"type": "function_call_output", "call_id": item.call_id, "output": "sun"}
            turns.append(output)
    return ask("loop", input=turns, tools=[WEATHER]).output_text


def completion(case: str, *, streamed: bool = False) -> str:
    given: dict[str, Any] = {"model": "tier-1", "prompt": asking(case)}
    if not streamed:
        return str(CLIENT.completions.create(**given).choices[0].text)
    parts: Any = CLIENT.completions.create(**given, stream=True)
    return "".join(choice.text for part in parts for choice in part.choices)


def parsed(case: str) -> object:
    response = CLIENT.responses.parse(model="tier-1", input=asking(case), text_format=Tide)
    return response.output_parsed and response.output_parsed.model_dump()


CASES: dict[str, Callable[[], object]] = {
    "text": lambda: said(ask("text", "auto")),
    "stream": lambda: said(stream("stream", "auto")),
    "pace": lambda: paced(getattr(e, "delta", None) for e in ask("pace", stream=True)),
    "tools": lambda: calls(ask("tools", tools=[WEATHER])),
    "tools_streamed": lambda: calls(stream("tools_streamed", tools=[WEATHER])),
    "loop": loop,
    "custom": lambda: custom(ask("custom", tools=[PATCH])),
    "custom_streamed": lambda: custom(stream("custom_streamed", tools=[PATCH])),
    "structured": lambda: parsed("structured"),
    "reasoning": lambda: thought(ask("reasoning")),
    "reasoning_streamed": lambda: thought(stream("reasoning_streamed")),
    "lines": lambda: stream("lines").output_text,
    "completion": lambda: completion("completion"),
    "completion_streamed": lambda: completion("completion_streamed", streamed=True),
    "overflow": lambda: ask("overflow"),
    "limited": lambda: ask("limited"),
    "stored": lambda: ask("stored", store=True),
    "earlier": lambda: ask("earlier", previous_response_id="resp_1"),
    "retrieved": lambda: CLIENT.responses.retrieve("resp_1"),
    "wrong_key": lambda: CLIENT.with_options(api_key="rs-wrong").responses.create(
        model="tier-1", input=asking("wrong_key")
    ),
}


def langchain() -> dict[str, Callable[[], object]]:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI

    def chat(model: str = "tier-1", **more: Any) -> Any:
        given: dict[str, Any] = {"base_url": BASE_URL, "api_key": API_KEY, **more}
        return ChatOpenAI(model=model, use_responses_api=True, **given)

    def words(case: str) -> str:
        return f"[{case} langchain] {LONG}"

    def said(message: Any) -> object:
        usage = message.usage_metadata
        tokens = [usage["input_tokens"], usage["output_tokens"]]
        return {"text": message.text, "tokens": tokens}

    def whole(model: Any, case: str) -> Any:
        first, *rest = list(model.stream(words(case)))
        return sum(rest, first)

    def called(message: Any) -> object:
        return [[call["name"], call["args"]] for call in message.tool_calls]

    def loop(case: str) -> object:
        model, asked = chat().bind_tools([WEATHER]), HumanMessage(words(case))
        first = model.invoke([asked])
        results = [ToolMessage("sun", tool_call_id=call["id"]) for call in first.tool_calls]
        return model.invoke([asked, first, *results]).text

    structured = chat().with_structured_output(Tide, method="json_schema")
    return {
        "text": lambda: said(chat("auto").invoke(words("text"))),
        "stream": lambda: said(whole(chat("auto"), "stream")),
        "tools": lambda: called(chat().bind_tools([WEATHER]).invoke(words("tools"))),
        "tools_streamed": lambda: called(whole(chat().bind_tools([WEATHER]), "tools_streamed")),
        "loop": lambda: loop("loop"),
        "structured": lambda: structured.invoke(words("structured")).model_dump(),
        "lines": lambda: whole(chat(), "lines").text,
    }


if __name__ == "__main__":
    found = report({"openai": CASES, "langchain": langchain()})
    sys.stdout.write(f"\n{json.dumps(found)}\n")
