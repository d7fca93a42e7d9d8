"""The view `prompts`: the newest versions of the routing prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.dashboard.figures import NONE
from route_switch.dashboard.markup import Html, Table, joined, paragraph
from route_switch.services.prompts.describe_versions import Gain, VersionOrigin

HEAD = ("Version", "Origin", "Verdict", "By", "Written (UTC)")
NOTE = (
    "A learned version's gain is in points of quality less weighted cost, on held-out rows, with "
    "its interval. 'route-switch prompt diff' shows what changed, 'route-switch prompt rollback' "
    "goes back."
)


@dataclass(frozen=True, slots=True)
class PromptsView:
    """`serving` is the version that serves, as records name it."""

    marks: Sequence[VersionOrigin]
    serving: str

    @property
    def html(self) -> Html:
        live = frozenset(n for n, mark in enumerate(self.marks) if mark.serves)
        table = Table(HEAD, [_row(mark) for mark in self.marks], texts=4, strong=live)
        return joined(paragraph(f"{self.serving} serves."), table.html, paragraph(NOTE))


def _row(mark: VersionOrigin) -> tuple[str, ...]:
    return (
        f"{mark.version} (live)" if mark.serves else str(mark.version),
        mark.origin,
        _verdict(mark),
        mark.written_by.rpartition("/")[2],
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
