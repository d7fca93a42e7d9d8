"""The view `prompts`: the newest versions of the routing prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.dashboard.markup import Html, Table, joined, paragraph
from route_switch.domain.operations.amounts import NONE
from route_switch.domain.prompts.author import author_name
from route_switch.services.prompts.describe_versions import Gain, VersionOrigin

HEAD = ("Version", "Origin", "Verdict", "By", "Written (UTC)")
NOTE = (
    "A learned version's gain is its change of quality − λ · cost on held-out rows, with the "
    "interval. Run 'route-switch prompt diff' to see what changed, and 'route-switch prompt "
    "rollback' to go back."
)


@dataclass(frozen=True, slots=True)
class PromptsView:
    """`serving` is the version in use, named as in request records."""

    marks: Sequence[VersionOrigin]
    serving: str

    @property
    def html(self) -> Html:
        live = frozenset(n for n, mark in enumerate(self.marks) if mark.serves)
        table = Table(HEAD, [version_row(mark) for mark in self.marks], texts=4, strong=live)
        promised = next((m.promise for m in self.marks if m.serves and m.promise), None)
        promise = () if promised is None else (paragraph(f"The promise: {promised}."),)
        return joined(paragraph(f"In use: {self.serving}."), *promise, table.html, paragraph(NOTE))


def version_row(mark: VersionOrigin) -> tuple[str, ...]:
    return (
        f"{mark.version} (live)" if mark.serves else str(mark.version),
        mark.origin,
        _verdict(mark),
        author_name(mark.written_by),
        f"{mark.written_at:%Y-%m-%d %H:%M}",
    )


def _verdict(mark: VersionOrigin) -> str:
    if mark.verdict is None:
        return NONE
    return mark.verdict if mark.gain is None else f"{mark.verdict}: {_gain(mark.gain)}"


def _gain(gain: Gain) -> str:
    return f"{_signed(gain.mean)} ({_signed(gain.low)} to {_signed(gain.high)})"


def _signed(value: float) -> str:
    return f"{value:+z.3f}".replace("-", "−")
