"""Read a routing prompt from a file, with the numbers of its local model."""

from pathlib import Path

from route_switch.cli.files import read_text
from route_switch.domain.errors import LocalModelError, PromptError
from route_switch.domain.local_model import LocalModelStore, LocalNumbers
from route_switch.domain.prompt_document import parse_prompt, readable_prompt
from route_switch.domain.routing_prompt import RoutingPrompt


def read_prompt(path: Path, stored: LocalModelStore | None = None) -> RoutingPrompt:
    """Markdown only names the numbers of a local model. They come from the JSON next to it (for
    candidate.md, candidate.json), or from `stored`. Raise `PromptError` if they are in neither."""
    prompt = parse_prompt(read_text(path, "prompt"))
    model = prompt.local_model
    if model is None or model.numbers is not None:
        return prompt
    numbers = _numbers_beside(path, model.sha256)
    if numbers is None and stored is not None:
        numbers = stored.get(model.sha256)
    if numbers is None:
        raise LocalModelError(
            f"{path} names local model {model.name} but does not hold its numbers. Use the "
            f"candidate.json of the run that trained it, or keep that file beside it as "
            f"{path.with_suffix('.json').name}."
        )
    return prompt.with_numbers(numbers)


def store_numbers_beside(path: Path, document: str, stored: LocalModelStore) -> None:
    """Store the numbers that Markdown names, if the JSON next to it holds them, so that an edited
    candidate.md can be pushed. Numbers that no prompt names are never read."""
    prompt = readable_prompt(document)
    model = None if prompt is None else prompt.local_model
    numbers = None if model is None else _numbers_beside(path, model.sha256)
    if numbers is not None:
        stored.put(numbers)


def _numbers_beside(path: Path, sha256: str) -> LocalNumbers | None:
    beside = path.with_suffix(".json")
    if beside == path or not beside.exists():
        return None
    try:
        model = parse_prompt(read_text(beside, "prompt")).local_model
    except PromptError:  # it is another kind of JSON
        return None
    return model.numbers if model is not None and model.sha256 == sha256 else None
