"""Policies ranked by their objective: a dot and an interval each, one line per policy.

Each name has a line of its own, so no two can overlap. On a narrow screen the name is above its
bar.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval, PolicyFigures
from route_switch.optimizer.report.pictures import svg
from route_switch.optimizer.report.pictures.policy_styles import label_of, style_of
from route_switch.optimizer.report.text_format import fixed, percent, ratio

WIDE, NARROW = 860.0, 350.0
"""Pixels: of a desktop's column, and of a phone's."""
TOP, BOTTOM = 20.0, 40.0
EDGE = 8.0
COLUMN = 66.0
COLUMNS = ("objective", "cost", "quality")
"""The figures at the right of a wide picture, in columns of `COLUMN` pixels."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The policies, best first, and the learned policy's objective minus each other's, paired."""

    policies: Sequence[PolicyFigures]
    against: Mapping[str, Interval]

    def draw(self, width: float, kind: str = "") -> str:
        ranked = sorted(self.policies, key=lambda policy: -policy.objective.mean)
        rows = _Rows(width, ranked)
        height = TOP + rows.height * len(ranked) + BOTTOM
        parts = [*rows.axis(), *(part for i in range(len(ranked)) for part in self._row(rows, i))]
        return svg.picture(width, height, "Policies by objective, best first", parts, kind)

    def _row(self, rows: "_Rows", number: int) -> Iterator[str]:
        policy = rows.ranked[number]
        style, y = style_of(policy.policy), rows.bar(number)
        is_learned = policy.policy == CANDIDATE
        yield from rows.words(number, bold=is_learned)
        low, high = rows.scale(policy.objective.low), rows.scale(policy.objective.high)
        yield svg.line((low, y), (high, y), style.color, width=2)
        at = (rows.scale(policy.objective.mean), y)
        yield svg.marker(style.shape, at, style.radius, style.color, _tip(policy))
        if self._is_clear(policy.policy):
            yield svg.text((high + 5, y + 5), "*", bold=True)

    def _is_clear(self, policy: str) -> bool:
        """Whether the learned policy is clearly better or worse than this one."""
        gain = self.against.get(policy)
        return gain is not None and (gain.low > 0 or gain.high < 0)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The places of the rows on a picture of this width."""

    width: float
    ranked: Sequence[PolicyFigures]

    @property
    def is_narrow(self) -> bool:
        return self.width < 600

    @property
    def height(self) -> float:
        return 38.0 if self.is_narrow else 25.0

    @property
    def name_width(self) -> float:
        labels = (label_of(policy.policy) for policy in self.ranked)
        return min(max(svg.text_width(label, bold=True) for label in labels), self.width * 0.32)

    @property
    def scale(self) -> svg.AxisScale:
        low = min(policy.objective.low for policy in self.ranked)
        high = max(policy.objective.high for policy in self.ranked)
        room = max(0.02 * (high - low), 0.005)
        first, last = EDGE, self.width - EDGE - 12
        if not self.is_narrow:
            first, last = self.name_width + 14, self.width - len(COLUMNS) * COLUMN - 22
        return svg.AxisScale(low - room, high + room, first, last)

    def bar(self, number: int) -> float:
        """Return the y of a row's bar."""
        return TOP + self.height * number + (28 if self.is_narrow else 13)

    def words(self, number: int, *, bold: bool) -> Iterator[str]:
        policy = self.ranked[number]
        name = _fitting(label_of(policy.policy), self.width * (0.6 if self.is_narrow else 0.32))
        objective = fixed(policy.objective.mean, 3)
        if self.is_narrow:
            y = self.bar(number) - 11
            yield svg.text((EDGE, y), name, bold=bold)
            yield svg.text((self.width - EDGE, y), objective, anchor="end", bold=bold)
            return
        y = self.bar(number) + 4.5
        yield svg.text((self.name_width, y), name, anchor="end", bold=bold)
        shown = (objective, fixed(policy.cost.mean), f"{fixed(100 * policy.quality.mean, 1)}%")
        for x, figure in zip(self._columns(), shown, strict=True):
            yield svg.text((x, y), figure, anchor="end", bold=bold)

    def _columns(self) -> list[float]:
        """Return the right edge of each column."""
        return [self.width - 4 - COLUMN * before for before in reversed(range(len(COLUMNS)))]

    def axis(self) -> Iterator[str]:
        scale, end = self.scale, TOP + self.height * len(self.ranked)
        for tick in scale.ticks(5 if self.is_narrow else 8):
            yield svg.grid((scale(tick), TOP), (scale(tick), end))
            yield svg.text((scale(tick), end + 15), f"{tick:g}", anchor="middle", size=12)
        for x, name in zip(self._columns(), COLUMNS, strict=True):
            if not self.is_narrow:
                yield svg.text((x, TOP - 7), name, anchor="end", size=12)
        middle = (scale.first + scale.last) / 2
        yield svg.text((middle, end + 33), "objective: better →", anchor="middle", size=12)


def _fitting(label: str, width: float) -> str:
    """Shorten a label that is too long for its place."""
    if svg.text_width(label, bold=True) <= width:
        return label
    while label and svg.text_width(f"{label}…", bold=True) > width:
        label = label[:-1]
    return f"{label}…"


def _tip(policy: PolicyFigures) -> str:
    return (
        f"{policy.policy}: objective {ratio(policy.objective, 3)}, cost {ratio(policy.cost)}, "
        f"quality {percent(policy.quality)}, n = {policy.objective.n:,}"
    )
