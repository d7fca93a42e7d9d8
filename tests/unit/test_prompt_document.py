"""A routing prompt keeps its meaning through Markdown and JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import PromptError
from route_switch.domain.local_model import LocalModel, StrongFeature
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.query import query_of
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.tiers import Tier
from tests.support.local_models import numbers, with_local_model

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
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("[]", "it is not a JSON object with 'instruction'"),
        ('["x"]', "it is not a JSON object with 'instruction'"),
        ("null", "it is not a JSON object with 'instruction'"),
        ("-1.5", "it is not a JSON object with 'instruction'"),
        ('"text"', "it is not a JSON object with 'instruction'"),
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


FEATURES = st.builds(
    StrongFeature,
    tier=st.sampled_from(Tier),
    name=TEXT.filter(lambda name: name and "\n" not in name).map(lambda name: name[:100]),
    weight=st.floats(-50, 50),
)


@given(
    st.lists(FEATURES, max_size=12),
    st.sampled_from(["prompt", "local", "hybrid"]),
    st.floats(0, 1),
    st.none() | st.integers(0, 500),
)
def test_a_local_model_survives_both_formats(
    strongest: list[StrongFeature], strategy: str, ask_below: float, bypass: int | None
) -> None:
    model = LocalModel(
        sha256=numbers().sha256, ask_below=ask_below, strongest=tuple(strongest), numbers=numbers()
    )
    prompt = RoutingPrompt.model_validate(
        {
            "instruction": INSTRUCTION,
            "strategy": strategy,
            "local_model": model,
            "bypass_tokens": bypass,
            "provenance": {"origin": "learned"},
        }
    )
    assert parse_prompt(to_json(prompt)) == prompt
    assert parse_prompt(to_markdown(prompt)) == prompt.without_numbers
    assert parse_prompt(to_markdown(prompt)).version == prompt.version


def test_a_local_model_is_shown_in_words() -> None:
    document = to_markdown(with_local_model(RoutingPrompt(instruction=INSTRUCTION)))
    assert 'strategy = "hybrid"' in document
    assert (
        "## Tier 1\n\n- hello (+10.00)\n\n## Tier 3\n\n- prove (+2.50)\n- code (+0.82)" in document
    )
    assert "hashed" not in document
    assert len(document.encode()) < 1000


def test_a_prompt_without_a_local_model_may_have_the_heading_in_its_instruction() -> None:
    prompt = RoutingPrompt(instruction=f"{INSTRUCTION}\n\n# Local model\n\ntext")
    assert parse_prompt(to_markdown(prompt)) == prompt


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ('strategy = "local"', "strategy 'local' needs a local_model"),
        ('strategy = "best"', "strategy"),
        ("ask_below = 0.1", "ask_below, which needs local_model"),
        ('local_model = "abc"', "local_model.sha256"),
        (f'strategy = "hybrid"\nlocal_model = "{"a" * 64}"', "'hybrid' needs ask_below"),
        (f'local_model = "{"a" * 64}"\nask_below = inf', "ask_below"),
        ("bypass_tokens = -1", "bypass_tokens"),
    ],
)
def test_a_broken_reference_to_a_local_model_is_refused_with_the_reason(
    front: str, reason: str
) -> None:
    with pytest.raises(PromptError, match=reason):
        parse_prompt(f"+++\nschema_version = 2\n{front}\n+++\n\n# Instruction\n\n{INSTRUCTION}")


def test_numbers_that_their_digest_does_not_name_are_refused() -> None:
    document = to_json(with_local_model(RoutingPrompt(instruction=INSTRUCTION)))
    with pytest.raises(PromptError, match="not those that sha256 names"):
        parse_prompt(document.replace(numbers().sha256, "a" * 64))
    with pytest.raises(PromptError, match="dense weights instead of"):
        parse_prompt(document.replace('"dense": [', '"dense": [0.0,', 1))
