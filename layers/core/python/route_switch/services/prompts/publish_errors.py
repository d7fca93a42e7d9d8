"""Errors of changes of the live prompt that say what is live or what is missing."""

from collections.abc import Sequence

from route_switch.domain.errors import LocalModelError, PromptChangedError
from route_switch.domain.local_model import LocalModel
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import readable_prompt


def stale_base(base: int | None, versions: Sequence[StoredVersion]) -> PromptChangedError:
    """`versions` are the stored ones, oldest first."""
    based_on = "no live prompt" if base is None else f"version {base}"
    if not versions:
        return PromptChangedError(
            f"This change is based on {based_on}, but the live prompt no longer exists. "
            "Deploy the stage to create one, or push without a base.",
            base=base,
            version=None,
            live=None,
        )
    newest = versions[-1]
    live = (
        f"version {newest.version} is live, {_origin(newest.document)}, written by "
        f"{newest.written_by} at {newest.written_at:%Y-%m-%d %H:%M %Z}"
    )
    compare = f"Compare them with 'route-switch prompt diff {base}'. " if base else ""
    return PromptChangedError(
        f"Nothing was changed: this change is based on {based_on}, but {live}. {compare}Merge "
        f"it into your change, and push again with '--base {newest.version}'.",
        base=base,
        version=newest.version,
        live=live,
    )


def numbers_missing(model: LocalModel) -> LocalModelError:
    return LocalModelError(
        f"The prompt names local model {model.name}, whose numbers are not stored, are "
        "broken or may not be read. Push or promote the candidate.json of the run that "
        "trained it, which holds them; for a rollback, name another version with --to."
    )


def _origin(document: str) -> str:
    prompt = readable_prompt(document)
    if prompt is None:
        return "a broken prompt"
    return f"{prompt.version} (origin: {prompt.provenance.get('origin', 'not stated')})"
