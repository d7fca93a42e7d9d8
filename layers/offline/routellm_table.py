"""RouteLLM's measures next to the figures that its authors published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from layers.offline.routellm_measures import RouteLlmMeasures
from route_switch.optimizer.report.text_format import ReportTable, fixed, percent, ratio

PAPER = "RouteLLM: Learning to Route LLMs with Preference Data"
URL = "https://arxiv.org/abs/2406.18665"
"""The paper whose tables 1 to 3 have the figures of `PUBLISHED`."""

MT_BENCH, MMLU, GSM8K = "MT-Bench", "MMLU", "GSM8K"


@dataclass(frozen=True, slots=True)
class PublishedMeasures:
    """Figures as printed, rounded to 0.1% of calls and to 0.001. `taught_with` names the training
    data beside 65,000 battles of Chatbot Arena."""

    router: str
    taught_with: str
    cpt50: float
    cpt80: float
    apgr: float


_RANDOM, _ARENA = "random", "Arena"
PUBLISHED: Mapping[str, tuple[PublishedMeasures, ...]] = {
    MT_BENCH: (
        PublishedMeasures(_RANDOM, "–", 0.490, 0.781, 0.500),
        PublishedMeasures("similarity ranking", _ARENA, 0.379, 0.590, 0.610),
        PublishedMeasures(
            "matrix factorization", "Arena, 120,000 judged pairs", 0.134, 0.313, 0.802
        ),
    ),
    MMLU: (
        PublishedMeasures(_RANDOM, "–", 0.501, 0.799, 0.500),
        PublishedMeasures("similarity ranking", "Arena, 1,500 MMLU questions", 0.354, 0.716, 0.603),
    ),
    GSM8K: (
        PublishedMeasures(_RANDOM, "–", 0.500, 0.801, 0.497),
        PublishedMeasures("Llama 3 8B", "Arena, 120,000 judged pairs", 0.336, 0.633, 0.622),
    ),
}
"""Random routing and the best router of each set, by APGR; for MT-Bench also the best one that was
taught with Arena data alone."""

COMPARABLE = (
    f"The published figures are from tables 1 to 3 of [{PAPER}]({URL}): random routing and the "
    "best of four routers. The two models, their recorded answers and the questions are the same "
    "here; questions that RouteLLM's own evaluation leaves out as contaminated are left out too. "
    "Two things differ, so do not rank these learners among RouteLLM's routers. Its routers were "
    "taught with other questions, most of them from Chatbot Arena; the learners here were taught "
    "with train rows of MMLU and GSM8K, which resemble the measured rows. And MMLU and GSM8K are "
    "measured on held-out rows, not on all rows. All of MT-Bench is measured, and none of it was "
    "taught. RouteLLM's tables count calls; dollars are list prices times estimated tokens."
)


@dataclass(frozen=True, slots=True)
class RouterOnSet:
    """A router's measures on one of the sets."""

    questions: str
    router: str
    taught_with: str
    measures: RouteLlmMeasures


def routellm_table(measured: Iterable[RouterOnSet]) -> ReportTable:
    """Return one row for each router, by set; the published ones last."""
    by_set: dict[str, list[tuple[str, ...]]] = {}
    for router in measured:
        by_set.setdefault(router.questions, []).append(_measured(router))
    rows = [
        row
        for questions, ours in by_set.items()
        for row in (*ours, *(_published(questions, of) for of in PUBLISHED.get(questions, ())))
    ]
    return ReportTable(
        caption="RouteLLM's measures with 95% intervals. APGR: the mean share of the quality gap "
        "between the two models that is recovered; higher is better, random 0.5. CPT(50%): the "
        "share of calls to the strong model that recovers half of the gap; lower is better. In "
        "dollars, it is the share of what the strong model alone costs",
        head=(
            "Set",
            "Router",
            "Taught with",
            "APGR",
            "CPT(50%)",
            "CPT(80%)",
            "APGR, $",
            "CPT(50%), $",
            "CPT(80%), $",
            "n",
        ),
        rows=tuple(rows),
        texts=3,
    )


def _measured(router: RouterOnSet) -> tuple[str, ...]:
    figures = [
        text
        for kind in (router.measures.calls, router.measures.dollars)
        for text in (ratio(kind.apgr, 3), percent(kind.cpt50), percent(kind.cpt80))
    ]
    n = f"{router.measures.calls.apgr.n:,}"
    return (router.questions, router.router, router.taught_with, *figures, n)


def _published(questions: str, of: PublishedMeasures) -> tuple[str, ...]:
    shares = (f"{100 * of.cpt50:.1f}%", f"{100 * of.cpt80:.1f}%")
    name = f"published: {of.router}"
    return (questions, name, of.taught_with, fixed(of.apgr, 3), *shares, "–", "–", "–", "–")
