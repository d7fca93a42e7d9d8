"""`offline/proposer`: a simulated proposer that writes criteria from the examples in its prompt.

It answers the five questions of MIPROv2's proposer, which DSPy's chat adapter formats as sections
under `[[ ## name ## ]]`. Observations count the examples of each tier by kind: each example is of
the kind (`query_kinds`) whose name is nearest to it. The summary adds the counts up. A proposed
instruction improves the current one (`offline_criteria`). GEPA's question is answered in
`offline_reflection`. The proposer knows only the messages it receives, and what kinds of queries
there are. It is a handful of rules, so it says nothing about how well an LLM proposes.
"""

import ast
import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.offline_criteria import KindCounts, Style, improved
from route_switch.adapters.models.offline_reflection import revise
from route_switch.adapters.models.query_kinds import KINDS
from route_switch.domain.criteria import find_criteria
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

TIER_NAMES = {Tier.SMALL: "small", Tier.MEDIUM: "medium", Tier.LARGE: "large"}
PREFACE = (
    "Assign the query to the smallest model tier that answers it as well as the largest would."
)

_SECTION = re.compile(r"\[\[ ## (\w+) ## \]\]\n(.*?)(?=\n\[\[ ## |\Z)", re.DOTALL)
_ASKED_FOR = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`")
_EXAMPLE = re.compile(r"Example\(\{'query': (.*?), 'tier': '([123])'\}\)", re.DOTALL)
_COUNT = re.compile(r"Tier ([123]), (\d+) examples?: ([^.\n]+)\.")
_STYLES = {"concise": Style.CONCISE, "descriptive": Style.DETAILED, "creative": Style.FRESH}

Sections = dict[str, str]

_ENCODER = EncoderClient()


def propose(messages: Sequence[JsonObject]) -> str:
    """Reply to one of the proposer's questions."""
    asked = text_of(messages[-1])
    field = _ASKED_FOR.search(asked)
    name = field[1] if field else "proposed_instruction"
    answer = ANSWERS[name](dict(_SECTION.findall(asked)))
    return f"[[ ## {name} ## ]]\n{answer}\n\n[[ ## completed ## ]]"


def _observe(sections: Sections) -> str:
    counts: Counter[tuple[Tier, str]] = Counter()
    for query, tier in _EXAMPLE.findall(sections.get("examples", "")):
        with suppress(ValueError, SyntaxError):  # a query may look like an example itself
            counts[Tier(int(tier)), kind_of(str(ast.literal_eval(query)))] += 1
    return _lines(counts)


def _summarize(sections: Sections) -> str:
    return _lines(_read(sections.get("observations", "")))


def _propose(sections: Sections) -> str:
    basic = sections.get("basic_instruction", "")
    tip = sections.get("tip", "")
    style = next((style for word, style in _STYLES.items() if word in tip), Style.BALANCED)
    present = RoutingPrompt(instruction=basic or "none").criteria
    # Other messages give another draw, as with an LLM, and the same ones the same.
    seed = hashlib.sha256(repr(sorted(sections.items())).encode()).hexdigest()
    evidence = _evidence(_read(sections.get("dataset_description", "")))
    draw = random.Random(seed)  # noqa: S311 (not for security)
    criteria = improved(present, evidence, style, draw)
    lines = [_preface(basic)]
    for tier in Tier:
        lines += ["", f"Tier {tier.value} ({TIER_NAMES[tier]} model) is for:"]
        lines += [f"- {criterion}" for criterion in criteria[tier]]
    return "\n".join(lines)


def _describe(_: Sections) -> str:
    return "The program assigns each query to one of three model tiers by its subject and form."


ANSWERS: dict[str, Callable[[Sections], str]] = {
    "observations": _observe,
    "summary": _summarize,
    "program_description": _describe,
    "module_description": _describe,
    "proposed_instruction": _propose,
    "new_instruction": lambda sections: revise(sections, kind_of),
}


def kind_of(query: str) -> str:
    """Return the kind whose name is nearest to the query."""
    vector = _ENCODER.embed(query)
    return max(KINDS, key=lambda kind: float(_ENCODER.embed(kind) @ vector))


def _preface(instruction: str) -> str:
    """Return what the instruction says before its first list."""
    found = find_criteria(instruction)
    lines = instruction.splitlines()[: max(found[0].first - 1, 0)] if found else []
    return "\n".join(lines).strip() or PREFACE


def _lines(counts: Mapping[tuple[Tier, str], int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0][1], item[0][0]))
    lines = (
        f"Tier {tier.value}, {count} example{'' if count == 1 else 's'}: {kind}."
        for (tier, kind), count in ordered
    )
    return "\n".join(lines) or "Nothing stands out."


def _read(text: str) -> Counter[tuple[Tier, str]]:
    """Return what earlier answers counted, even if they are on one line."""
    counts: Counter[tuple[Tier, str]] = Counter()
    for tier, count, kind in _COUNT.findall(text):
        if kind in KINDS:
            counts[Tier(int(tier)), kind] += int(count)
    return counts


def _evidence(counts: Mapping[tuple[Tier, str], int]) -> list[KindCounts]:
    kinds = dict.fromkeys(kind for _, kind in counts)
    return [
        KindCounts(kind, {tier: counts.get((tier, kind), 0) for tier in Tier}) for kind in kinds
    ]
