"""OpenAI chat messages become turns that Bedrock accepts."""

import re
from base64 import b64encode
from typing import Any

import pytest

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject
from tests.support.converse import sent, sent_to

SECRET = "the user's secret"
PNG = "data:image/png;base64," + b64encode(b"\x89PNG").decode()
PDF = "data:application/pdf;base64," + b64encode(b"%PDF").decode()
TOOLS = [{"type": "function", "function": {"name": "look_up"}}]


def user(content: Any) -> JsonObject:
    return {"role": "user", "content": content}


def assistant(content: Any = None, **fields: Any) -> JsonObject:
    return {"role": "assistant", "content": content, **fields}


def call(id_: str, arguments: str = "{}") -> JsonObject:
    return {
        "id": id_,
        "type": "function",
        "function": {"name": "look_up", "arguments": arguments},
    }


def result(id_: str, content: Any) -> JsonObject:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def text_part(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def image_part(url: str) -> JsonObject:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def file_part(**file: str) -> JsonObject:
    return {"type": "file", "file": dict(file)}


def turns(*messages: JsonObject) -> Any:
    return [(t["role"], t["content"]) for t in sent(*messages, tools=TOOLS)["messages"]]


def refused(*messages: JsonObject) -> str:
    with pytest.raises(InvalidModelRequestError) as caught:
        sent(*messages, tools=TOOLS)
    return str(caught.value)


def test_system_and_developer_messages_keep_their_order_wherever_they_occur() -> None:
    request = sent(
        {"role": "system", "content": "One."},
        user("Hi"),
        {"role": "developer", "content": [text_part("Two."), text_part("Three.")]},
        {"role": "system", "content": ""},
    )
    assert request["system"] == [{"text": "One."}, {"text": "Two."}, {"text": "Three."}]
    assert request["messages"] == [{"role": "user", "content": [{"text": "Hi"}]}]


def test_without_a_system_message_there_is_no_system_field() -> None:
    assert "system" not in sent(user("Hi"))


def test_consecutive_messages_of_one_role_are_merged() -> None:
    assert turns(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        ("user", [{"text": "a"}, {"text": "b"}]),
        ("assistant", [{"text": "c"}, {"text": "d"}]),
        ("user", [{"text": "e"}]),
    ]


def test_an_empty_message_is_dropped_and_its_neighbors_are_merged() -> None:
    assert turns(user("a"), assistant(""), user([text_part(" \n"), text_part("b")])) == [
        ("user", [{"text": "a"}, {"text": "b"}])
    ]


def test_a_refusal_becomes_assistant_text_in_either_place() -> None:
    assert turns(
        user("a"),
        assistant([{"type": "refusal", "refusal": "No."}]),
        user("b"),
        assistant(refusal="Never."),
    ) == [
        ("user", [{"text": "a"}]),
        ("assistant", [{"text": "No."}]),
        ("user", [{"text": "b"}]),
        ("assistant", [{"text": "Never."}]),
    ]


def test_accompanying_fields_of_a_message_are_dropped() -> None:
    message = assistant("b", name="Bob", reasoning_content="Hm.", annotations=[])
    assert turns({**user("a"), "name": "Ann"}, message)[1] == ("assistant", [{"text": "b"}])


@pytest.mark.parametrize(
    "messages",
    [
        (assistant("Hello, how can I help?"), user("Hi")),
        ({"role": "system", "content": "Be brief."},),
        (user(""), assistant("What?")),
        (),
    ],
)
def test_a_conversation_that_does_not_start_with_a_user_message_is_refused(
    messages: tuple[JsonObject, ...],
) -> None:
    assert "start with a nonempty user message" in refused(*messages)


@pytest.mark.parametrize(
    ("media_type", "form"),
    [
        ("image/png", "png"),
        ("image/jpeg", "jpeg"),
        ("image/jpg", "jpeg"),
        ("IMAGE/GIF", "gif"),
        ("image/webp;charset=utf-8", "webp"),
    ],
)
def test_an_image_is_sent_as_its_bytes_between_the_texts(media_type: str, form: str) -> None:
    url = f"data:{media_type};base64,{b64encode(b'pixels').decode()}"
    assert turns(user([text_part("a"), image_part(url), text_part("b")])) == [
        (
            "user",
            [
                {"text": "a"},
                {"image": {"format": form, "source": {"bytes": b"pixels"}}},
                {"text": "b"},
            ],
        )
    ]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.com/cat.png", "not fetched"),
        ("http://169.254.169.254/latest/meta-data", "not fetched"),
        ("file:///etc/passwd", "not fetched"),
        ("data:image/png,raw", "base64 data: URL"),
        ("data:image/svg+xml;base64,AAAA", "png, jpeg, gif or webp"),
        ("data:image/png;base64,no base64!", "not valid base64"),
        ("data:image/png;base64,", "is empty"),
        (None, "base64 data: URL"),
    ],
)
def test_an_error_about_an_image_names_its_place(url: Any, reason: str) -> None:
    message = refused(user("a"), user([text_part("b"), image_part(url)]))
    assert message.startswith("messages[1].content[1]")
    assert reason in message


def test_a_file_is_sent_as_a_document_with_a_name_that_bedrock_allows() -> None:
    [(_, content)] = turns(
        user(
            [text_part("Compare."), file_part(file_data=PDF, filename="Q1/Q2_ü  report.v2 [a].pdf")]
        )
    )
    assert content[1] == {
        "document": {
            "format": "pdf",
            "name": "Q1 Q2 report v2 [a] pdf (0-1)",
            "source": {"bytes": b"%PDF"},
        }
    }


def test_documents_get_unique_names_even_if_their_files_share_one() -> None:
    files = [
        file_part(file_data=PDF, filename="a.pdf"),
        file_part(file_data=PDF, filename="a.pdf"),
        file_part(file_data=PDF),
        file_part(file_data=PDF, filename="x" * 500),
    ]
    contents = [content for _, content in turns(user(files), assistant("ok"), user(files))]
    names = [b["document"]["name"] for c in contents for b in c if "document" in b]
    assert len(set(names)) == 8
    assert names[2] == "document (0-2)"
    assert all(re.fullmatch(r"(?!.*  )[A-Za-z0-9 ()\[\]-]{1,200}", name) for name in names)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ({"file_id": "file-123"}, "uploaded files are not supported"),
        ({"file_data": "JVBERg==", "filename": "a.pdf"}, "base64 data: URL"),
        ({"file_data": "data:application/zip;base64,AAAA"}, "one of pdf, doc"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused(file: dict[str, str], reason: str) -> None:
    assert reason in refused(user([file_part(**file)]))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            user([{"type": "input_audio", "input_audio": {"data": SECRET, "format": "wav"}}]),
            "messages[1].content[0] (input_audio) cannot be sent",
        ),
        (user([{"type": SECRET, SECRET: SECRET}]), "messages[1].content[0] cannot be sent"),
        (user([SECRET]), "messages[1].content[0] must be an object with a type"),
        (user([{"type": "text", "text": 5}]), "messages[1].content[0].text must be a string"),
        (user({"secret": SECRET}), "messages[1].content must be a string or an array"),
        (assistant([image_part(PNG)]), "messages[1].content[0] (image_url) cannot be sent"),
        ({"role": "system", "content": [image_part(PNG)]}, "(image_url) cannot be sent"),
        (assistant(function_call={"name": SECRET}), "messages[1].function_call cannot be sent"),
        (assistant(audio={"id": SECRET}), "messages[1].audio cannot be sent"),
        ({"role": "function", "name": SECRET, "content": SECRET}, "messages[1] has a role"),
        ({"role": SECRET, "content": SECRET}, "messages[1] has a role"),
    ],
)
def test_an_error_about_an_unsupported_part_names_its_place_and_does_not_quote_it(
    message: JsonObject, reason: str
) -> None:
    told = refused(user("a"), message)
    assert reason in told
    assert SECRET not in told


def test_tool_results_and_the_users_next_message_become_one_turn_in_order() -> None:
    assert turns(
        user("Compare a and b."),
        assistant("Let me see.", tool_calls=[call("1", '{"of": "a"}'), call("2", "")]),
        result("2", [text_part("x"), text_part("y")]),
        result("1", "z"),
        user("Be brief."),
    )[1:] == [
        (
            "assistant",
            [
                {"text": "Let me see."},
                {"toolUse": {"toolUseId": "1", "name": "look_up", "input": {"of": "a"}}},
                {"toolUse": {"toolUseId": "2", "name": "look_up", "input": {}}},
            ],
        ),
        (
            "user",
            [
                {"toolResult": {"toolUseId": "2", "content": [{"text": "x"}, {"text": "y"}]}},
                {"toolResult": {"toolUseId": "1", "content": [{"text": "z"}]}},
                {"text": "Be brief."},
            ],
        ),
    ]


@pytest.mark.parametrize("content", ["", " ", None, []])
def test_an_empty_tool_result_gets_a_placeholder_because_bedrock_rejects_blank_text(
    content: Any,
) -> None:
    answered = turns(user("a"), assistant(tool_calls=[call("1")]), result("1", content))[2][1]
    assert answered == [{"toolResult": {"toolUseId": "1", "content": [{"text": "(no output)"}]}}]


@pytest.mark.parametrize("id_", ["call_65O|fc_0fe", "get_weather:0", "x" * 90, "ü"])
def test_an_id_that_bedrock_does_not_accept_is_replaced_alike_in_call_and_result(
    id_: str,
) -> None:
    said = turns(user("a"), assistant(tool_calls=[call(id_)]), result(id_, "b"))
    used = said[1][1][0]["toolUse"]["toolUseId"]
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", used)
    assert said[2][1][0]["toolResult"]["toolUseId"] == used


def test_replaced_ids_stay_unique() -> None:
    ids = [f"{'x' * 90}{number}" for number in range(50)]
    calls = assistant(tool_calls=[call(id_) for id_ in ids])
    said = turns(user("a"), calls, *(result(id_, "b") for id_ in ids))
    assert len({block["toolUse"]["toolUseId"] for block in said[1][1]}) == 50


@pytest.mark.parametrize(
    "messages",
    [
        (assistant(tool_calls=[call("1")]),),
        (assistant(tool_calls=[call("1")]), user("Well?")),
        (assistant(tool_calls=[call("1")]), user("Well?"), result("1", "x")),
        (assistant(tool_calls=[call("1"), call("2")]), result("1", "x")),
        (assistant(tool_calls=[call("1")]), result("1", "x"), result("1", "x")),
        (assistant(tool_calls=[call("1")]), result("2", "x")),
        (assistant(tool_calls=[call("1"), call("1")]), result("1", "x"), result("1", "x")),
        (result("1", "x"),),
        (assistant("b"), result("1", "x")),
    ],
)
def test_a_tool_call_without_result_and_a_result_without_call_are_refused(
    messages: tuple[JsonObject, ...],
) -> None:
    assert "exactly one 'tool' message right after it" in refused(user("a"), *messages)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (f'{{"x": {SECRET}', "is not valid JSON"),
        ('{"x": NaN}', "is not valid JSON"),
        ('{"x": 1e999}', "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        (f'["{SECRET}"]', "must be a JSON object"),
    ],
)
def test_arguments_that_are_not_a_json_object_are_refused(arguments: str, reason: str) -> None:
    message = refused(user("a"), assistant(tool_calls=[call("1", arguments)]), result("1", "x"))
    assert message.startswith("messages[1].tool_calls[0].function.arguments")
    assert reason in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (assistant(tool_calls=SECRET), "messages[1].tool_calls must be an array"),
        (
            assistant(tool_calls=[{"id": "1", "type": "custom", "custom": {"name": SECRET}}]),
            "messages[1].tool_calls[0] must be a function call",
        ),
        ({"role": "tool", "content": SECRET}, "messages[1] must have a tool_call_id"),
        (result("1", [image_part(PNG)]), "messages[1].content[0] (image_url) cannot be sent"),
    ],
)
def test_malformed_calls_and_results_are_refused(message: JsonObject, reason: str) -> None:
    told = refused(user("a"), message)
    assert reason in told
    assert SECRET not in told


CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
THOUGHTS = [
    {"type": "thinking", "thinking": "Hm.", "signature": "AbCd"},
    {"type": "redacted_thinking", "data": "AAEC"},
]


def test_signed_thoughts_go_back_to_claude_unchanged() -> None:
    answer = assistant("Yes.", thinking_blocks=THOUGHTS)
    request = sent_to(CLAUDE, user("Sure?"), answer, user("Why?"), thinking={"type": "adaptive"})
    assert request["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "AbCd"}}},
        {"reasoningContent": {"redactedContent": b"\0\1\2"}},
        {"text": "Yes."},
    ]


@pytest.mark.parametrize("fields", [{}, {"thinking": {"type": "disabled"}}])
def test_a_model_that_does_not_think_gets_no_thoughts(fields: Any) -> None:
    answer = assistant("Yes.", thinking_blocks=THOUGHTS)
    request = sent_to(CLAUDE, user("Sure?"), answer, user("Why?"), **fields)
    assert request["messages"][1]["content"] == [{"text": "Yes."}]


@pytest.mark.parametrize("block", ["x", {"type": "thinking"}, {**THOUGHTS[1], "data": "?"}])
def test_a_thought_that_no_model_had_is_refused(block: Any) -> None:
    answer = assistant("Yes.", thinking_blocks=[block])
    with pytest.raises(InvalidModelRequestError, match=r"messages\[1\].thinking_blocks\[0\]"):
        sent_to(CLAUDE, user("Sure?"), answer, user("Why?"), reasoning_effort="low")
