"""Bodies that the API is likely to accept, with odd values wherever a client may put some."""

import json
from typing import Any

from hypothesis import strategies as st

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.chat_completions.chat_protocol import CHAT_COMPLETIONS
from route_switch.api.protocols.completions.text_protocol import COMPLETIONS
from route_switch.api.protocols.messages.messages_protocol import MESSAGES
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_protocol import RESPONSES
from route_switch.domain.errors import RequestRefusedError

Json = Any  # any JSON value
PIXEL = "data:image/png;base64,iVBORw0KGgo="

texts = st.text(max_size=30) | st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "\u2028",
        "{{q}}",
        "$\\boxed{",
        "#### ",
        "<think>",
        "=1+1",
        "\x1b[2J",
    ]
)
said = st.text(min_size=1, max_size=40) | st.just("Why is the sky blue in the evening?")
odd: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, width=32) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)
extra = st.dictionaries(
    st.sampled_from(["x", "note", "id", "turn", "gold", "weight"]), odd, max_size=2
)


def mapped(
    required: dict[str, st.SearchStrategy[Json]], **optional: st.SearchStrategy[Json]
) -> Json:
    fixed = st.fixed_dictionaries(required, optional=optional)
    return st.builds(lambda one, more: {**more, **one}, fixed, extra)


# OpenAI's chat completions.

part = st.one_of(
    mapped({"type": st.just("text"), "text": said}),
    mapped({"type": st.just("image_url"), "image_url": mapped({"url": st.just(PIXEL)})}),
    mapped({"type": st.just("file"), "file": mapped({"file_id": texts})}),
    mapped(
        {"type": st.just("input_audio"), "input_audio": mapped({"data": texts, "format": texts})}
    ),
)
call = mapped(
    {
        "id": said,
        "type": st.just("function"),
        "function": mapped({"name": said, "arguments": texts | st.just('{"a": [1]}')}),
    }
)
user = mapped({"role": st.just("user"), "content": said | st.lists(part, min_size=1, max_size=3)})
earlier = st.one_of(
    mapped({"role": st.sampled_from(["system", "developer"]), "content": texts}),
    mapped({"role": st.just("assistant"), "content": texts}),
    user,
)


@st.composite
def tool_turn(draw: st.DrawFn) -> list[Json]:
    made = draw(call)
    result = {"role": "tool", "tool_call_id": made["id"], "content": draw(texts)}
    return [{"role": "assistant", "content": draw(st.none() | texts), "tool_calls": [made]}, result]


tool = mapped(
    {
        "type": st.just("function"),
        "function": mapped(
            {"name": st.just("look_up")}, description=texts, parameters=mapped({}), strict=odd
        ),
    }
)
shared: dict[str, st.SearchStrategy[Json]] = {
    "user": texts,
    "metadata": st.dictionaries(texts, texts, max_size=2),
    "temperature": st.floats(0, 1),
    "stop": texts | st.lists(texts, max_size=2),
    "max_tokens": st.integers(1, 10**9),
    "seed": st.integers(),
}


@st.composite
def chat(draw: st.DrawFn) -> Json:
    messages = [*draw(st.lists(earlier, max_size=2)), draw(user)]
    messages += draw(st.just([]) | tool_turn())
    fields = draw(
        mapped(
            {},
            tools=st.lists(tool, min_size=1, max_size=2),
            response_format=st.just({"type": "json_object"}),
            n=st.integers(1, 4),
            max_tier=st.integers(1, 3),
            logit_bias=st.dictionaries(
                st.integers(0, 9).map(str), st.integers(-100, 100), max_size=2
            ),
            **shared,
        )
    )
    return {**fields, "model": "auto", "messages": messages}


# Anthropic's messages, OpenAI's responses and completions.

block = st.one_of(
    mapped({"type": st.just("text"), "text": said}),
    mapped(
        {
            "type": st.just("image"),
            "source": st.just(
                {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
            ),
        }
    ),
)
messages = mapped(
    {
        "model": st.just("auto"),
        "max_tokens": st.integers(1, 10**9),
        "messages": st.lists(
            mapped(
                {"role": st.just("user"), "content": said | st.lists(block, min_size=1, max_size=2)}
            ),
            min_size=1,
            max_size=2,
        ),
    },
    system=texts | st.lists(mapped({"type": st.just("text"), "text": said}), max_size=2),
    metadata=mapped({}, user_id=texts),
    tools=st.lists(mapped({"name": st.just("f"), "input_schema": mapped({})}), max_size=2),
    stop_sequences=st.lists(texts, max_size=2),
)
responses = mapped(
    {
        "model": st.just("auto"),
        "input": said
        | st.lists(mapped({"role": st.just("user"), "content": said}), min_size=1, max_size=2),
    },
    instructions=texts,
    max_output_tokens=st.integers(16, 10**9),
    metadata=st.dictionaries(texts, texts, max_size=2),
    user=texts,
)
completions = mapped(
    {"model": st.just("auto"), "prompt": said | st.lists(said, max_size=1)}, **shared
)

BODIES: tuple[tuple[ClientProtocol, st.SearchStrategy[Json]], ...] = (
    (CHAT_COMPLETIONS, chat()),
    (MESSAGES, messages),
    (RESPONSES, responses),
    (COMPLETIONS, completions),
)


def accepted(protocol: ClientProtocol, body: Json) -> ClientCall | None:
    """Return None if the body is refused."""
    try:
        return protocol.parse(json.dumps(body).encode())
    except RequestRefusedError:
        return None
