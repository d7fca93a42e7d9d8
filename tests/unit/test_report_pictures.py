"""The pictures of a report: every mark inside, no label over another."""

import math
import re
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from route_switch.optimizer.report.figures import Interval, PolicyFigures
from route_switch.optimizer.report.frontier import Frontier
from route_switch.optimizer.report.pictures.labels import Labeled, place
from route_switch.optimizer.report.pictures.ranking import NARROW, WIDE, Ranking
from route_switch.optimizer.report.pictures.svg import AxisScale, Box, text_width
from tests.support.report import finished

AREA = Box(50, 20, 340, 360)
NAMES = ("candidate", "tier-1", "tier-3", "oracle", "hybrid", "cluster-table", "an unusual policy")

shares = st.floats(0, 1)
points = st.builds(
    Labeled,
    at=st.tuples(st.floats(AREA.left, AREA.right), st.floats(AREA.top, AREA.bottom)),
    label=st.text("aiW %—", min_size=1, max_size=24),
    radius=st.floats(3, 8),
)


def intervals(high: float) -> st.SearchStrategy[Interval]:
    bounds = st.lists(st.floats(-0.2, high), min_size=3, max_size=3).map(sorted)
    return bounds.map(lambda b: Interval(mean=b[1], low=b[0], high=b[2], n=9))


@st.composite
def policies(draw: st.DrawFn) -> list[PolicyFigures]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return [
        PolicyFigures(
            policy=name,
            cost=draw(intervals(1.3)),
            quality=draw(intervals(1)),
            retention=draw(intervals(1)),
            objective=draw(intervals(1)),
            mix={},
        )
        for name in names
    ]


@given(st.lists(points, max_size=25))
def test_no_label_covers_another_label_a_mark_or_the_edge(marks: list[Labeled]) -> None:
    placed = place(marks, AREA)
    assert len(placed) == len(marks)
    boxes = [each.box for each in placed if each is not None]
    assert all(AREA.contains(box) for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    for mark in marks:
        x, y = mark.at
        center = Box(x - mark.radius, y - mark.radius, x + mark.radius, y + mark.radius)
        assert not any(box.overlaps(center) for box in boxes)


@given(points)
def test_a_single_label_that_fits_the_picture_is_placed(mark: Labeled) -> None:
    [placed] = place([mark], AREA)
    assert placed is not None
    assert text_width(mark.label) <= placed.box.right - placed.box.left + 1e-6


@given(policies(), st.sampled_from([(WIDE, 480.0), (NARROW, 400.0)]))
def test_every_mark_of_the_plot_is_inside_the_picture(
    found: list[PolicyFigures], size: tuple[float, float]
) -> None:
    drawn = Frontier(found).draw(*size)
    assert len(re.findall(r"<title>", drawn)) == len(found)
    for x, y in coordinates(drawn):
        assert -1 <= x <= size[0] + 1 and -1 <= y <= size[1] + 1


@given(policies(), st.sampled_from([WIDE, NARROW]))
def test_each_policy_has_a_line_of_its_own_in_the_ranking(
    found: list[PolicyFigures], width: float
) -> None:
    drawn = Ranking(found, {}).draw(width)
    [height] = re.findall(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"', drawn)
    for x, y in coordinates(drawn):
        assert -1 <= x <= width + 1 and -1 <= y <= float(height) + 1
    bars = [float(y) for y in re.findall(r'y1="([0-9.]+)"[^>]* stroke-width="2"', drawn)]
    gaps = [after - before for before, after in pairwise(bars)]
    assert len(bars) == len(found) and all(gap >= 24 for gap in gaps)
    tips = re.findall(r"<title>([^:]+): objective", drawn)
    ranked = sorted(found, key=lambda policy: -policy.objective.mean)
    assert tips == [policy.policy for policy in ranked]


def test_a_star_marks_what_the_learned_policy_clearly_differs_from() -> None:
    report = finished()
    clear = {name for name, gain in report.against.items() if gain.low > 0 or gain.high < 0}
    assert 0 < len(clear) < len(report.policies) - 1
    drawn = Ranking(report.policies, report.against).draw(WIDE)
    assert drawn.count(">*</text>") == len(clear)


@given(st.floats(-2, 2), st.floats(0.01, 5), st.integers(3, 9))
def test_ticks_are_round_few_and_inside(low: float, span: float, most: int) -> None:
    ticks = AxisScale(low, low + span, 0, 100).ticks(most)
    assert 0 < len(ticks) <= most + 1
    assert all(low - 1e-6 <= tick <= low + span + 1e-6 for tick in ticks)
    assert ticks == sorted(ticks)


def coordinates(drawn: str) -> list[tuple[float, float]]:
    pairs = re.findall(r'\b(?:x|x1|cx)="([-0-9.]+)" (?:y|y1|cy)="([-0-9.]+)"', drawn)
    ends = re.findall(r'x2="([-0-9.]+)"\s+y2="([-0-9.]+)"', drawn)
    found = [(float(x), float(y)) for x, y in (*pairs, *ends)]
    assert found and not any(math.isnan(value) for pair in found for value in pair)
    return found
