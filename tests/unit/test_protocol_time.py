"""Reading a request and writing an answer take time in proportion to their length."""

import gc
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.chat_completions.chat_protocol import CHAT_COMPLETIONS
from route_switch.api.protocols.completions.text_protocol import COMPLETIONS
from route_switch.api.protocols.messages.messages_protocol import MESSAGES
from route_switch.api.protocols.messages.messages_request import count_tokens
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_protocol import RESPONSES
from route_switch.api.protocols.responses.response_state import encode_state
from route_switch.domain.completion import complete
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import Chunk, JsonObject
from tests.support.routed import routed

MOST = 8
"""Four times the length may take eight times as long: linear work takes four times, quadratic
sixteen times."""
Request = Callable[[int], dict[str, Any]]
Chunks = Callable[[int], list[Chunk]]
FAULTY_TURN: JsonValue = {"role": "nobody", "content": [{"text": "no type"}, 5]}


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's time, without the garbage collector's, which depends on all that the
    process holds."""
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()


def assert_proportional(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """Compare the fastest of several runs: other work on the machine only adds time."""
    short, long = work(size // 2), work(2 * size)
    fastest_short = fastest_long = float("inf")
    for run in range(9):
        fastest_short = min(fastest_short, seconds(short))
        fastest_long = min(fastest_long, seconds(long))
        if run > 1 and fastest_long <= MOST * fastest_short:
            return
    raise AssertionError(f"{size // 2}: {fastest_short:.4f} s, {2 * size}: {fastest_long:.4f} s")


def deferred_tools(n: int) -> dict[str, Any]:
    names = [f"tool-{index}" for index in range(n)]
    tools = [{"name": name, "input_schema": {}, "defer_loading": True} for name in names]
    turns: list[Any] = [{"role": "user", "content": "Hi."}]
    for name in names:
        call = {"type": "tool_use", "id": f"id-{name}", "name": name, "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"id-{name}", "content": "Done."}
        turns.append({"role": "assistant", "content": [call]})
        turns.append({"role": "user", "content": [result]})
    return {"max_tokens": 9, "messages": turns, "tools": tools}


def one_turn_of_thoughts(n: int) -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "x" * 200, "signature": "reasoning"}
    turns = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": [thought] * n}]
    return {"max_tokens": 9, "messages": turns}


def system_turns(n: int) -> dict[str, Any]:
    turns = [{"role": role, "content": "Hi."} for role in ("system", "user", "assistant")]
    return {"max_tokens": 9, "messages": turns * n, "cache_control": {"type": "ephemeral"}}


def response_items(n: int) -> dict[str, Any]:
    items: list[Any] = [{"role": "user", "content": "Hi."}]
    for index in range(n):
        called = {"call_id": f"c{index}"}
        call = {"type": "function_call", "name": "f", "arguments": "{}", **called}
        items += [call, {"type": "function_call_output", "output": "Done.", **called}]
        items += [{"type": "item_reference", "id": "rs_1"}, {"role": "assistant", "content": "x"}]
    return {"input": items}


def parallel_calls(n: int) -> dict[str, Any]:
    calls = [{"call_id": f"c{index}"} for index in range(n)]
    items: list[Any] = [{"role": "user", "content": "Hi."}]
    items += [{"type": "function_call", "name": "f", "arguments": "{}", **c} for c in calls]
    items += [{"type": "function_call_output", "output": "Done.", **c} for c in calls]
    return {"input": items}


def allowed_tools(n: int) -> dict[str, Any]:
    names = [f"tool-{index}" for index in range(n)]
    allowed = [{"type": "function", "name": name} for name in names]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": allowed}
    return {"input": "Hi.", "tools": allowed, "tool_choice": choice}


def reasoning_items(n: int) -> dict[str, Any]:
    signed: JsonValue = {"type": "thinking", "thinking": "x" * 50, "signature": "s"}
    state = encode_state({"thinking_blocks": [signed], "reasoning": "Hm."})
    items: list[Any] = [{"role": "user", "content": "Hi."}]
    items += [{"type": "reasoning", "summary": [], "encrypted_content": state}] * n
    return {"input": [*items, {"role": "assistant", "content": "x"}]}


def instructions(n: int) -> dict[str, Any]:
    return {"input": [{"role": role, "content": "Hi."} for role in ("system", "developer") * n]}


def chat_turns(n: int) -> dict[str, Any]:
    parts = [{"type": "text", "text": "Hi."}] * n
    turns = [{"role": role, "content": "Hi."} for role in ("user", "assistant")] * n
    return {"messages": [*turns, {"role": "user", "content": parts}]}


def prompt(n: int) -> dict[str, Any]:
    return {"prompt": "Hi. " * 10, "echo": True, "extra": ["Hi."] * n}


@pytest.mark.parametrize(
    ("protocol", "request_of", "size"),
    [
        (MESSAGES, deferred_tools, 300),
        (MESSAGES, one_turn_of_thoughts, 5000),
        (MESSAGES, system_turns, 1000),
        (RESPONSES, response_items, 500),
        (RESPONSES, parallel_calls, 1000),
        (RESPONSES, allowed_tools, 1000),
        (RESPONSES, reasoning_items, 500),
        (RESPONSES, instructions, 1000),
        (CHAT_COMPLETIONS, chat_turns, 3000),
        (COMPLETIONS, prompt, 10_000),
    ],
)
def test_a_request_is_read_in_linear_time(
    protocol: ClientProtocol, request_of: Request, size: int
) -> None:
    def reading(n: int) -> Callable[[], object]:
        body = json.dumps(request_of(n)).encode()
        return lambda: protocol.parse(body)

    assert_proportional(reading, size)


@pytest.mark.parametrize(
    ("protocol", "field", "fault"),
    [
        (MESSAGES, "messages", FAULTY_TURN),
        (RESPONSES, "input", FAULTY_TURN),
        (RESPONSES, "input", 5),
        (CHAT_COMPLETIONS, "messages", FAULTY_TURN),
        (COMPLETIONS, "prompt", 5),
    ],
)
def test_a_request_with_many_faults_is_refused_in_linear_time(
    protocol: ClientProtocol, field: str, fault: JsonValue
) -> None:
    def reading(n: int) -> Callable[[], object]:
        body = json.dumps({field: [fault] * n}).encode()

        def refused() -> None:
            with pytest.raises(RequestRefusedError):
                protocol.parse(body)

        return refused

    assert_proportional(reading, 1000)


def test_tokens_are_counted_in_linear_time() -> None:
    def counting(n: int) -> Callable[[], object]:
        request = deferred_tools(n)
        del request["max_tokens"]
        body = json.dumps(request).encode()
        return lambda: count_tokens(body)

    assert_proportional(counting, 300)


def piece(index: int, arguments: str, **begun: str) -> JsonValue:
    name: JsonObject = {"name": "f"} if begun else {}
    return {"index": index, **begun, "function": {"arguments": arguments, **name}}


def calls_in_turn(n: int) -> list[Chunk]:
    """Return two calls whose pieces come in turn, the first one complete at the very end."""
    pieces = [piece(index, '{"text":"', id=f"c{index}") for index in (0, 1)]
    pieces += [piece(index, "x" * 100) for index in (0, 1) * n]
    pieces += [piece(index, '"}') for index in (0, 1)]
    return [Chunk({"tool_calls": [each]}) for each in pieces]


def calls_of_braces(n: int) -> list[Chunk]:
    """Return calls in turn of which every piece ends in a brace."""
    pieces = [piece(index, '{"text":"', id=f"c{index}") for index in (0, 1)]
    pieces += [piece(index, "x" * 99 + "}") for index in (0, 1) * n]
    pieces += [piece(index, '"}') for index in (0, 1)]
    return [Chunk({"tool_calls": [each]}) for each in pieces]


def many_calls(n: int) -> list[Chunk]:
    """Return parallel calls that all begin before one is complete."""
    pieces = [piece(index, "{", id=f"c{index}") for index in range(n)]
    pieces += [piece(index, "}") for index in range(n)]
    return [Chunk({"tool_calls": [each]}) for each in pieces]


def call_between_texts(n: int) -> list[Chunk]:
    """Return a call that stays open while thoughts and texts alternate."""
    chunks = [Chunk({"tool_calls": [piece(0, '{"text":"' + "x" * 100 * n, id="c0")]})]
    for _ in range(n):
        chunks += [Chunk({"reasoning": "Hm."}), Chunk({"content": "Hi."})]
    return [*chunks, Chunk({"tool_calls": [piece(0, '"}')]})]


def thoughts(n: int) -> list[Chunk]:
    signed: JsonValue = {"type": "thinking", "thinking": "x" * 20, "signature": "s"}
    return [Chunk({"reasoning": "x"}), *[Chunk({"thinking_blocks": [signed]})] * n] + [
        Chunk({"reasoning": "x" * 20}) for _ in range(n)
    ]


def likely(n: int) -> list[Chunk]:
    token: JsonValue = {"token": "Hi.", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    return [Chunk({"content": "Hi."}, logprobs={"content": [token]})] * n


def choices(n: int) -> list[Chunk]:
    begun = [Chunk({"content": "Hi."}, index) for index in range(n)]
    return [*begun, *(Chunk({}, index, "stop") for index in range(n))]


def said(n: int) -> list[Chunk]:
    return [Chunk({"content": "Hi. "}), Chunk({"refusal": "No. "})] * n


@pytest.mark.parametrize(
    "chunks_of",
    [
        *(calls_in_turn, calls_of_braces, many_calls, call_between_texts),
        *(thoughts, said, likely, choices),
    ],
)
@pytest.mark.parametrize(
    "protocol", [MESSAGES, RESPONSES, CHAT_COMPLETIONS, COMPLETIONS], ids=lambda each: each.path
)
def test_an_answer_is_written_in_linear_time(protocol: ClientProtocol, chunks_of: Chunks) -> None:
    call = ClientCall({"prompt": "Hi.", "input": "Hi."}, (), {})
    begun = routed(None)

    def writing(n: int) -> Callable[[], object]:
        chunks = chunks_of(n)
        ended = routed(complete(chunks))

        def write() -> None:
            events = protocol.events(begun, call)
            for text in events.begin():
                assert text
            for chunk in chunks:
                assert all(events.of(chunk))
            assert all(events.end(ended))
            protocol.answer(ended, call)

        return write

    assert_proportional(writing, 1000)
