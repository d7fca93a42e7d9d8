"""The routing prompt as somebody reads it who may not change it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.errors import PromptError
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import as_markdown, parse_prompt, to_markdown
from route_switch.services.live_prompt import ServedPrompt


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """`version` is as records name it: `live@7`, `seed@1` or `packaged@<digest>`; only the first
    was written by somebody. `size` is in bytes, as it is stored. `broken` says why it cannot serve;
    then there is no `digest`."""

    version: str
    document: str
    size: int
    digest: str | None
    broken: str | None = None
    written_at: datetime | None = None
    written_by: str | None = None


@dataclass(frozen=True, slots=True)
class ShowPrompt:
    """`versions` are those of the live prompt that are kept, oldest first; `serving` tells what a
    process serves that begins now."""

    versions: Callable[[], tuple[StoredVersion, ...]]
    serving: Callable[[], ServedPrompt]

    def live(self) -> tuple[ShownPrompt, str]:
        """The newest version, also where it is broken, and the version that serves; without any,
        what serves in its place."""
        kept, served = self.versions(), self.serving()
        shown = _shown(kept[-1]) if kept else _served(served)
        return shown, served.version

    def version(self, number: int) -> tuple[ShownPrompt, str] | None:
        """That version, and the one that serves; None where it is not kept."""
        found = next((each for each in self.versions() if each.version == number), None)
        return None if found is None else (_shown(found), self.serving().version)

    def history(self) -> list[ShownPrompt]:
        """Newest first."""
        return [_shown(each) for each in reversed(self.versions())]


def _shown(kept: StoredVersion) -> ShownPrompt:
    document, digest, broken = kept.document, None, None
    try:
        digest = parse_prompt(document).version
        document = as_markdown(document)
    except PromptError as error:  # or one that can only be written as JSON: shown as it is
        broken = str(error) if digest is None else None
    return ShownPrompt(
        version=f"live@{kept.version}",
        document=document,
        size=len(kept.document.encode()),
        digest=digest,
        broken=broken,
        written_at=kept.written_at,
        written_by=kept.written_by,
    )


def _served(served: ServedPrompt) -> ShownPrompt:
    document = to_markdown(served.prompt)
    return ShownPrompt(served.version, document, len(document.encode()), served.prompt.version)
