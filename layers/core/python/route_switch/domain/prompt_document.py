"""A routing prompt as a document: Markdown that a person edits, or JSON.

    +++
    schema_version = 3
    origin = "hand-written"
    +++

    # Instruction

    …criteria per tier…

    # Demos

    ## Tier 1

    > a query

    # Messages

    ## system

    ~~~
    {instruction}…
    ~~~

The front matter is TOML. All of it except `schema_version` and the keys of a local model
(`local_model_text`) is the provenance. Version 3 shows the router LLM a query in quotes, with its
conversation; version 2 the same without quotes around the query; version 1 the query with one line
about the conversation. Demos and messages are optional: without messages, the standard ones apply.
Markdown names a local model by the digest of its numbers; JSON may hold them.
"""

import json
import re
import tomllib

from pydantic import ValidationError

from route_switch.domain.errors import PromptError
from route_switch.domain.local_model_text import (
    RESERVED,
    SECTION,
    front_of,
    parse_reserved,
    section_of,
)
from route_switch.domain.reasons import why_invalid
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.tiers import Tier

_FRONT_MATTER = re.compile(r"\A\+\+\+\n(.*?)^\+\+\+\n", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^# (Instruction|Demos|Messages)[ \t]*$", re.MULTILINE)
_SECTION_OR_MODEL = re.compile(rf"^# (Instruction|Demos|Messages|{SECTION})[ \t]*$", re.MULTILINE)
"""Applies only with a local model: a prompt without one may have the line in its instruction."""
_DEMOS_OF_TIER = re.compile(r"^## Tier ([123])[ \t]*$", re.MULTILINE)
_QUOTE = re.compile(r"(?:^>.*(?:\n|\Z))+", re.MULTILINE)
_MESSAGE = re.compile(r"^## (\w+)[ \t]*\n+~~~\n(.*?)\n~~~[ \t]*$", re.DOTALL | re.MULTILINE)


def parse_prompt(document: str) -> RoutingPrompt:
    """Parse either form. Raise `PromptError` naming the problem and its place."""
    try:
        if _is_json(document):
            return _from_json(document)
        return _from_markdown(document.removeprefix("\ufeff").replace("\r\n", "\n"))
    except ValidationError as error:
        raise PromptError(f"The routing prompt is broken: {_fault(error)}") from error
    except ValueError as error:
        raise PromptError(f"The routing prompt is broken: {error}") from error
    except RecursionError as error:
        raise PromptError("The routing prompt is broken: it is nested too deeply") from error


def _fault(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    field, *inside = map(str, problem["loc"] or ("prompt",))
    if field == "provenance" and inside:
        return f"'{inside[0][:40]}' in its front matter must be a text, a number, true or false"
    return f"{'.'.join((field, *inside))} {why_invalid(problem)}"


def readable_prompt(document: str) -> RoutingPrompt | None:
    """Return the prompt, or None for a broken document, so that such a version can be listed."""
    try:
        return parse_prompt(document)
    except PromptError:
        return None


def to_json(prompt: RoutingPrompt) -> str:
    """Return the artifact as JSON. Its `version` is informative: parsing computes it again."""
    content = {"version": prompt.version, **prompt.model_dump(mode="json")}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_markdown(prompt: RoutingPrompt) -> str:
    """Return the artifact as Markdown, from which `parse_prompt` returns the same prompt, without
    the numbers of its local model.

    Raise `PromptError` if that is impossible: an instruction may contain a line `# Demos`.
    """
    front = {
        "schema_version": prompt.schema_version,
        **front_of(prompt),
        **prompt.provenance,
    }
    blocks = ["\n".join(["+++", *(f"{k} = {_toml(v)}" for k, v in front.items()), "+++"])]
    blocks += ["# Instruction", prompt.instruction]
    if prompt.demos:
        blocks.append("# Demos")
        for demo in prompt.demos:
            quoted = "\n".join(f"> {line}" if line else ">" for line in demo.query.split("\n"))
            blocks += [f"## Tier {demo.tier.value}", quoted]
    if prompt.messages != MessageParts():
        blocks.append("# Messages")
        for name, text in prompt.messages.model_dump().items():
            blocks.append(f"## {name}\n\n~~~\n{text}\n~~~")
    if prompt.local_model is not None:
        blocks += section_of(prompt.local_model)
    document = "\n\n".join(blocks) + "\n"
    try:
        intact = parse_prompt(document) == prompt.without_numbers
    except PromptError:
        intact = False
    if not intact:
        raise PromptError(
            "The prompt contains lines that Markdown would parse as something else (such as "
            "'# Demos'). Keep it as JSON or reword it."
        )
    return document


def as_markdown(document: str) -> str:
    """Return a Markdown document unchanged, byte for byte, and a JSON document as Markdown."""
    return to_markdown(parse_prompt(document)) if _is_json(document) else document


def as_stored(document: str) -> str:
    """Return the document as Parameter Store holds it: unchanged, byte for byte, or as Markdown if
    it holds the numbers of a local model."""
    prompt = parse_prompt(document)
    return document if prompt.without_numbers == prompt else to_markdown(prompt)


def _is_json(document: str) -> bool:
    return document.lstrip().startswith("{")


def _from_json(document: str) -> RoutingPrompt:
    content = json.loads(document)
    content.pop("version", None)
    content.setdefault("schema_version", 1)
    return RoutingPrompt.model_validate(content)


def _from_markdown(document: str) -> RoutingPrompt:
    front_matter = _FRONT_MATTER.match(document)
    if front_matter is None:
        raise ValueError(_why_no_prompt(document))
    front = tomllib.loads(front_matter[1])
    if "schema_version" not in front:
        raise ValueError("its front matter has no schema_version")
    by_line = _SECTION_OR_MODEL if "local_model" in front else _SECTION
    sections = _sections(document[front_matter.end() :], by_line)
    known = ("schema_version", *RESERVED)
    fields = {
        "schema_version": front["schema_version"],
        "instruction": sections.get("Instruction", ""),
        "demos": _demos(sections.get("Demos", "")),
        "messages": dict(_MESSAGE.findall(sections.get("Messages", ""))),
        "provenance": {name: value for name, value in front.items() if name not in known},
        **parse_reserved(front, sections.get(SECTION, "")),
    }
    return RoutingPrompt.model_validate(fields)


def _why_no_prompt(document: str) -> str:
    text = document.strip()
    if not text:
        return "it is empty"
    if text[0] in '["' or text in ("null", "true", "false") or text.lstrip("-")[0].isdigit():
        return "it is not a JSON object with 'instruction'"
    return "it does not begin with front matter between two lines '+++'"


def _sections(body: str, by_line: re.Pattern[str]) -> dict[str, str]:
    before, *rest = by_line.split(body)
    if before.strip():
        raise ValueError("there is text before the line '# Instruction'")
    names = rest[::2]
    if len(set(names)) != len(names):
        raise ValueError("it has a section twice")
    return {name: text.strip("\n") for name, text in zip(names, rest[1::2], strict=True)}


def _demos(section: str) -> tuple[Demo, ...]:
    before, *rest = _DEMOS_OF_TIER.split(section)
    if before.strip():
        raise ValueError("there is a demo before the first line '## Tier …'")
    return tuple(
        Demo(query=_unquote(quote), tier=Tier(int(tier)))
        for tier, text in zip(rest[::2], rest[1::2], strict=True)
        for quote in _QUOTE.findall(text)
    )


def _unquote(quote: str) -> str:
    lines = quote.removesuffix("\n").split("\n")
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)


def _toml(value: str | float | bool | list[int]) -> str:
    return json.dumps(value, ensure_ascii=False)
