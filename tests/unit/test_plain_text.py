"""Text that prompt documents and terminals can hold."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.templates import template_of
from route_switch.domain.learning.text_policy import as_demo
from route_switch.domain.operations.deletion import DeletionNote
from route_switch.domain.plain_text import excerpt, plain_text, visible, without_trailing_blanks
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier

ODD = "\r\n\x00\x0b\x0c\x1b\x1c\x85\x9b\u2028\u2029\ud83d\udc00\ufeff\u200b \t>#a"
texts = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=())), min_size=1)
"""Any text, halves of surrogate pairs included; odd characters are frequent."""


def with_demo(text: str) -> RoutingPrompt:
    return packaged_prompt().model_copy(update={"demos": (Demo(query=text, tier=Tier.SMALL),)})


@given(texts)
def test_any_text_becomes_a_demo_that_its_document_gives_back(text: str) -> None:
    shown = as_demo(Example(query=text).as_query, text)
    if not shown:
        assert not plain_text(text).strip()
        return
    prompt = with_demo(shown)
    for document in (to_markdown(prompt), to_json(prompt)):
        assert parse_prompt(document.encode().decode()) == prompt


@given(texts)
def test_an_editor_that_strips_trailing_blanks_and_uses_windows_line_ends_changes_no_demo(
    text: str,
) -> None:
    shown = as_demo(Example(query=text).as_query, text)
    if shown:
        prompt = with_demo(shown)
        edited = "\r\n".join(line.rstrip(" \t") for line in to_markdown(prompt).split("\n"))
        assert parse_prompt(edited).demos == prompt.demos


@given(texts)
def test_a_text_stays_the_same_question_when_it_is_normalized(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text) != ""
    assert query_key(plain_text(text)) == query_key(text) == Example(query=text).key


@given(texts)
def test_a_deleted_query_is_recognized_by_the_demo_that_it_became(text: str) -> None:
    shown = as_demo(Example(query=text).as_query, Example(query=text).query)
    assert not shown or query_key(shown) in DeletionNote.from_request("1", text, (), {}).keys


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\r\nb", "a\nb"),
        ("a\r\nb\rc\r\rd", "a\nb\nc\n\nd"),
        ("a\x85b\u2028c\u2029d\x0be\x0cf\x1eg", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00\x1b[31m\x7f\x9b", "a\ufffd\ufffd[31m\ufffd\ufffd"),
        ("\ud83d and \U0001f600\tfine  ", "\ufffd and \U0001f600\tfine  "),
    ],
)
def test_line_ends_and_control_characters_are_normalized(text: str, plain: str) -> None:
    assert plain_text(text) == plain


def test_trailing_blanks_are_removed_from_every_line() -> None:
    assert without_trailing_blanks("a \t\n  b\u00a0\n\n c") == "a\n  b\n\n c"


@given(texts)
def test_visible_text_cannot_control_a_terminal(text: str) -> None:
    assert not set(visible(text)) & set("\x00\x0b\x1b\x7f\x85\x9b\u2028\u202e\ud83d\r")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("where is order 4711?", "where is order 9?"),
        ("where is order #4711?", "where is order b12-a7?"),
        ("pay 1,200.50 eur by 2024-01-02", "pay 3 eur by 03.04.2025"),
        ("write to a.b@example.com now", "write to <c@x.org> now"),
        (
            "find 123e4567-e89b-12d3-a456-426614174000 please",
            "find deadbeef-dead-beef-dead-beefdeadbeef please",
        ),
        ("订单123的状态是什么", "订单98的状态是什么"),
        ("٣ أسئلة", "٧ أسئلة"),
    ],
)
def test_texts_that_differ_in_numbers_ids_and_addresses_share_a_template(
    one: str, other: str
) -> None:
    assert template_of(one) == template_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("where is order 4711?", "where was order 4711?"),
        ("订单123的状态是什么", "订单123的地址是什么"),
        ("is anna here?", "is bob here?"),
    ],
)
def test_texts_that_differ_in_words_do_not(one: str, other: str) -> None:
    assert template_of(one) != template_of(other)


@pytest.mark.parametrize("piece", ["\r", "a", "1", "#-", "@", "-", " ", "a1-", "\x00", "deadbeef-"])
def test_a_megabyte_of_anything_takes_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = process_time()
    template_of(without_trailing_blanks(plain_text(text)))
    assert process_time() - started < 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a short\n  text", "a short text"),
        ("twelve chars", "twelve chars"),
        ("please explain it", "please…"),
        ("one two six explain", "one two six…"),
        ("explain " * 3, "explain…"),
        ("extraordinarily long", "extraordina…"),
        ("\u6587" * 20, "\u6587" * 11 + "…"),
    ],
)
def test_an_excerpt_ends_between_words_and_says_that_it_was_cut(text: str, shown: str) -> None:
    assert excerpt(text, 12) == shown


@given(st.text(), st.integers(min_value=2, max_value=30))
def test_an_excerpt_is_never_longer_than_asked_for(text: str, most: int) -> None:
    assert len(excerpt(text, most)) <= most
