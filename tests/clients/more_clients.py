"""Drives further Python clients against a stack: instructor, llm, LlamaIndex, pydantic-ai.

`make test-clients` installs them into `.build/clients/more`. They run at the same time, in one
process; see `python_clients.py` for the form of the results.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tests.clients.python_clients import API_KEY, BASE_URL, CITY, LONG, Cases, paced, report


class Tide(BaseModel):
    height_m: float


def words_of(client: str) -> Any:
    return lambda case: f"[{case} {client}] {LONG}"


def instructor() -> Cases:
    import instructor
    from openai import OpenAI

    words = words_of("instructor")

    def ask(case: str, key: str = API_KEY, model: str = "tier-1") -> Any:
        client = instructor.from_openai(
            OpenAI(base_url=BASE_URL, api_key=key), mode=instructor.Mode.JSON_SCHEMA
        )
        messages = [{"role": "user", "content": words(case)}]
        return client.chat.completions.create(
            model=model, messages=messages, response_model=Tide, max_retries=0
        )

    return {
        "structured": lambda: ask("structured").model_dump(),
        "overflow": lambda: ask("overflow"),
        "wrong_key": lambda: ask("wrong_key", key="rs-wrong"),
    }


def llm_command() -> Cases:
    folder = Path(tempfile.mkdtemp())
    os.environ["LLM_USER_PATH"] = str(folder)
    served = {"api_base": BASE_URL, "api_key_name": "route-switch"}
    takes = {"supports_tools": True, "supports_schema": True}
    models = [{"model_id": n, "model_name": n, **served, **takes} for n in ("auto", "tier-1")]
    (folder / "extra-openai-models.yaml").write_text(json.dumps(models))
    import llm

    words = words_of("llm")
    models_by_name = {name: llm.get_model(name) for name in ("auto", "tier-1")}

    def ask(case: str, name: str = "tier-1", key: str = API_KEY, **more: Any) -> Any:
        return models_by_name[name].prompt(words(case), key=key, **more)

    def said(answer: Any) -> object:
        text, usage = answer.text(), answer.usage()
        return {"text": text, "tokens": [usage.input, usage.output]}

    def calls(answer: Any) -> object:
        return [[call.name, call.arguments] for call in answer.tool_calls()]

    weather = llm.Tool(name="weather", input_schema=CITY)
    return {
        "text": lambda: said(ask("text", "auto", stream=False)),
        "stream": lambda: said(ask("stream", "auto")),
        "pace": lambda: paced(ask("pace")),
        "tools": lambda: calls(ask("tools", tools=[weather], stream=False)),
        "tools_streamed": lambda: calls(ask("tools_streamed", tools=[weather])),
        "structured": lambda: json.loads(ask("structured", schema=Tide).text()),
        "lines": lambda: ask("lines").text(),
        "overflow": lambda: ask("overflow").text(),
        "wrong_key": lambda: ask("wrong_key", key="rs-wrong").text(),
    }


def llama_index() -> Cases:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    words = words_of("llama-index")

    def model(name: str = "tier-1", key: str = API_KEY) -> Any:
        return OpenAILike(
            model=name,
            api_base=BASE_URL,
            api_key=key,
            is_chat_model=True,
            is_function_calling_model=True,
            max_retries=2,
        )

    def chat(case: str, *of: str) -> Any:
        return model(*of).chat([ChatMessage(role="user", content=words(case))])

    def stream(case: str) -> str:
        parts = model().stream_chat([ChatMessage(role="user", content=words(case))])
        return "".join(part.delta or "" for part in parts)

    return {
        "text": lambda: {
            "text": (answer := chat("text", "auto")).message.content,
            "tokens": [answer.raw.usage.prompt_tokens, answer.raw.usage.completion_tokens],
        },
        "lines": lambda: stream("lines"),
        "overflow": lambda: chat("overflow"),
        "wrong_key": lambda: chat("wrong_key", "tier-1", "rs-wrong"),
    }


def pydantic_ai() -> Cases:
    from pydantic_ai import Agent, DeferredToolRequests, NativeOutput
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.tools import ToolDefinition
    from pydantic_ai.toolsets import ExternalToolset

    words = words_of("pydantic-ai")

    def agent(name: str = "tier-1", key: str = API_KEY, **more: Any) -> Any:
        provider = OpenAIProvider(base_url=BASE_URL, api_key=key)
        return Agent(OpenAIChatModel(name, provider=provider), **more)

    def said(result: Any) -> object:
        usage = result.usage() if callable(result.usage) else result.usage
        return {"text": result.output, "tokens": [usage.input_tokens, usage.output_tokens]}

    weather = ExternalToolset([ToolDefinition(name="weather", parameters_json_schema=CITY)])

    def calls(case: str) -> object:
        asked = agent(toolsets=[weather], output_type=[str, DeferredToolRequests])
        output = asked.run_sync(words(case)).output
        return [[call.tool_name, call.args_as_dict()] for call in output.calls]

    def stream(case: str) -> str:
        text: str = agent().run_stream_sync(words(case)).get_output()
        return text

    return {
        "text": lambda: said(agent("auto").run_sync(words("text"))),
        "tools": lambda: calls("tools"),
        "structured": lambda: (
            agent(output_type=NativeOutput(Tide)).run_sync(words("structured")).output.model_dump()
        ),
        "lines": lambda: stream("lines"),
        "overflow": lambda: agent().run_sync(words("overflow")),
        "wrong_key": lambda: agent(key="rs-wrong").run_sync(words("wrong_key")),
    }


if __name__ == "__main__":
    clients = {
        "instructor": instructor(),
        "llm": llm_command(),
        "llama-index": llama_index(),
        "pydantic-ai": pydantic_ai(),
    }
    sys.stdout.write(f"\n{json.dumps(report(clients))}\n")
