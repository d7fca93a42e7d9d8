"""A routing prompt keeps its meaning through Markdown and JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import PromptError
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.query import query_of
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.tiers import Tier

INSTRUCTION = "Choose.\n\nTier 1:\n- greetings\n\nTier 2:\n- lists\n\nTier 3:\n- proofs"

# Everything a person or a model may type, except line ends that Markdown cannot distinguish from
# "\n".
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85  ")
).filter(lambda text: text.strip("\n"))


@given(
    demos=st.lists(st.builds(Demo, query=TEXT, tier=st.sampled_from(Tier)), max_size=4),
    note=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    share=st.floats(0, 1),
)
def test_a_prompt_survives_both_formats(demos: list[Demo], note: str, share: float) -> None:
    prompt = RoutingPrompt(
        instruction=INSTRUCTION, demos=tuple(demos), provenance={"note": note, "share": share}
    )
    assert parse_prompt(to_json(prompt)) == prompt
    assert parse_prompt(to_markdown(prompt)) == prompt


@given(instruction=TEXT)
def test_an_instruction_survives_or_is_refused_but_never_changes(instruction: str) -> None:
    prompt = RoutingPrompt(instruction=instruction)
    try:
        document = to_markdown(prompt)
    except PromptError:
        return
    assert parse_prompt(document) == prompt


def test_custom_message_parts_are_kept() -> None:
    parts = MessageParts(system="Read:\n\n{instruction}", query="Q\n{query}\nA", tier="tier {tier}")
    prompt = RoutingPrompt(instruction=INSTRUCTION, messages=parts)
    assert parse_prompt(to_markdown(prompt)).messages == parts


def test_an_instruction_with_a_section_heading_cannot_be_written_as_markdown() -> None:
    with pytest.raises(PromptError, match="Keep it as JSON"):
        to_markdown(RoutingPrompt(instruction=f"{INSTRUCTION}\n# Demos\nnone"))


def test_windows_line_ends_do_not_change_the_version() -> None:
    document = to_markdown(packaged_prompt())
    assert parse_prompt(document.replace("\n", "\r\n")).version == packaged_prompt().version


def test_the_version_depends_on_the_text_not_on_the_provenance() -> None:
    prompt = packaged_prompt()
    assert prompt.model_copy(update={"provenance": {"by": "me"}}).version == prompt.version
    edited = parse_prompt(to_markdown(prompt).replace("a greeting", "a salutation"))
    assert edited.version != prompt.version


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "front matter"),
        ("Route everything to tier 1", "front matter"),
        ("+++\n+++\n\n# Instruction\n\nx", "no schema_version"),
        ("+++\nschema_version = 9\n+++\n\n# Instruction\n\nx", "schema_version"),
        ("+++\nschema_version = 1\n+++\n\n# Demos\n", "instruction"),
        ("+++\nschema_version = \n+++\n\n# Instruction\n\nx", "line 1"),
        ("+++\nschema_version = 1\n+++\n# Instruction\nx\n# Instruction\ny", "twice"),
        ("+++\nschema_version = 1\n+++\nstray\n# Instruction\nx", "before the line"),
        ("+++\nschema_version = 1\n+++\n# Instruction\nx\n# Demos\n> q", "before the first line"),
        ("{not json", "broken"),
        ('{"schema_version": 1}', "instruction"),
        ('{"schema_version": 1, "instruction": "x", "surprise": 1}', "surprise"),
        ('{"instruction": "x", "messages": {"system": "no slot"}}', "exactly once"),
    ],
)
def test_a_broken_document_is_refused_with_the_reason(document: str, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        parse_prompt(document)


V1 = """+++
schema_version = 1
origin = "hand-written"
+++

# Instruction

Tier 1:
- a greeting
"""


def test_a_prompt_of_the_first_schema_version_keeps_its_version_and_its_form() -> None:
    """The digest is that of the release that wrote such prompts first."""
    old = parse_prompt(V1)
    assert (old.schema_version, old.version) == (1, "7f6e667b938a")
    assert parse_prompt(to_markdown(old)) == parse_prompt(to_json(old)) == old
    messages: list[JsonObject] = [{"role": "user", "content": "one"}]
    messages += [{"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]
    shown = old.render(query_of(messages), 1000)[-1]["content"]
    assert shown == "Query:\n(after 2 earlier messages of about 2 tokens)\nthree"


def test_json_without_a_schema_version_is_of_the_first_one() -> None:
    old = parse_prompt('{"instruction": "Tier 1:\\n- a"}')
    assert (old.schema_version, old.version) == (1, "c125f8afee0c")


def test_an_edited_schema_version_makes_another_prompt() -> None:
    new = parse_prompt(V1.replace("schema_version = 1", "schema_version = 2"))
    assert new.version != parse_prompt(V1).version
