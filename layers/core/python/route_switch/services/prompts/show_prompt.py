"""A read-only view of the routing prompt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.errors import PromptError
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import as_markdown, parse_prompt, to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.live_prompt import ServedPrompt


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """`version` is the name in records: `live@7`, `seed@1` or `packaged@<digest>`; only live
    versions have an author. `size` is in bytes, as stored. `broken` says why the prompt cannot be
    served; `prompt` is None then."""

    version: str
    document: str
    size: int
    prompt: RoutingPrompt | None
    broken: str | None = None
    written_at: datetime | None = None
    written_by: str | None = None


@dataclass(frozen=True, slots=True)
class ShowPrompt:
    """`versions` returns the stored versions of the live prompt, oldest first. `serving` returns
    what a newly started process serves."""

    versions: Callable[[], tuple[StoredVersion, ...]]
    serving: Callable[[], ServedPrompt]

    def live(self) -> tuple[ShownPrompt, str]:
        """Return the newest version, even if it is broken, and the version being served. Without
        any, return the prompt that is served instead."""
        kept, served = self.versions(), self.serving()
        shown = _show_stored(kept[-1]) if kept else _show_served(served)
        return shown, served.version

    def version(self, number: int) -> tuple[ShownPrompt, str] | None:
        """Return that version and the one being served, or None when it is not stored."""
        found = next((each for each in self.versions() if each.version == number), None)
        return None if found is None else (_show_stored(found), self.serving().version)

    def history(self) -> list[ShownPrompt]:
        """Return all stored versions, newest first."""
        return [_show_stored(each) for each in reversed(self.versions())]


def _show_stored(kept: StoredVersion) -> ShownPrompt:
    document, prompt, broken = kept.document, None, None
    try:
        prompt = parse_prompt(document)
        document = as_markdown(document)
    except PromptError as error:  # broken, or it has no Markdown form: show it unchanged
        broken = str(error) if prompt is None else None
    return ShownPrompt(
        version=f"live@{kept.version}",
        document=document,
        size=len(kept.document.encode()),
        prompt=prompt,
        broken=broken,
        written_at=kept.written_at,
        written_by=kept.written_by,
    )


def _show_served(served: ServedPrompt) -> ShownPrompt:
    document = to_markdown(served.prompt)
    return ShownPrompt(served.version, document, len(document.encode()), served.prompt)
