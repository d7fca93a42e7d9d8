"""`offline/proposer`: a simulated proposer that writes criteria from the examples in its prompt.

It answers the five questions of MIPROv2's proposer, which DSPy's chat adapter formats as sections
under `[[ ## name ## ]]`. Observations name each group of similar queries of a tier by shared words,
the summary merges them, and a proposed instruction turns them into one list of criteria per tier.
The tip decides how many criteria there are, and whether the present ones stay. GEPA's question is
answered in `offline_reflection.py`. The proposer knows only the messages it receives and reads no
examples from elsewhere. It is a handful of rules: it says nothing about how well an LLM proposes.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.offline_reflection import Mistake, revise
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MIN_COSINE = 0.4
"""The cosine from which two queries belong to one group."""

GROUP_NAME_WORDS = 6
TIER_NAMES = {Tier.SMALL: "small", Tier.MEDIUM: "medium", Tier.LARGE: "large"}

_SECTION = re.compile(r"\[\[ ## (\w+) ## \]\]\n(.*?)(?=\n\[\[ ## |\Z)", re.DOTALL)
_ASKED_FOR = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`")
_EXAMPLE = re.compile(r"Example\(\{'query': (.*?), 'tier': '([123])'\}\)", re.DOTALL)
_DEMO = re.compile(r"Query:? (.*?)\n+Tier:? ([123])", re.DOTALL)
_GROUP = re.compile(r"Tier ([123]), (\d+) alike: (.+)")
_WORD = re.compile(r"[a-z][a-z'-]{2,}")
_STOP_WORDS = frozenset(
    """
    the and for are was with that this from you your have has had not but can could will would
    should what which who whom how why when where does did been being its his her their our they
    she him them one two any all some each than then there here into about over under more most
    other such only own same may might must shall following given between after before also
    because just very these those were out off per get got let make made use used using
    """.split()  # noqa: SIM905 (as a list it would be a page long)
)

Sections = dict[str, str]

_ENCODER = EncoderClient()


class ExampleGroup(NamedTuple):
    """Similar queries of a tier: how many there are, and the words they share, most common
    first."""

    tier: Tier
    size: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"Tier {self.tier.value}, {self.size} alike: {', '.join(self.words)}"


def propose(messages: Sequence[JsonObject]) -> str:
    """Reply to one of the proposer's questions."""
    asked = text_of(messages[-1])
    field = _ASKED_FOR.search(asked)
    name = field[1] if field else "proposed_instruction"
    answer = ANSWERS[name](dict(_SECTION.findall(asked)))
    return f"[[ ## {name} ## ]]\n{answer}\n\n[[ ## completed ## ]]"


def _observe(sections: Sections) -> str:
    found = []
    for query, tier in _EXAMPLE.findall(sections.get("examples", "")):
        with suppress(ValueError, SyntaxError):  # a query may look like an example itself
            found.append((Tier(int(tier)), str(ast.literal_eval(query))))
    return _lines(_groups(found))


def _summarize(sections: Sections) -> str:
    """Merge groups of the same tier that share at least two words."""
    joined: list[ExampleGroup] = []
    for group in _read(sections.get("observations", "")):
        for i, other in enumerate(joined):
            if other.tier is group.tier and len(set(other.words) & set(group.words)) > 1:
                joined[i] = ExampleGroup(group.tier, other.size + group.size, other.words)
                break
        else:
            joined.append(group)
    return _lines(joined)


def _propose(sections: Sections) -> str:
    groups = _read(sections.get("dataset_description", ""))
    tip = sections.get("tip", "")
    most = 3 if "concise" in tip else 9 if "descriptive" in tip else 6
    shown = _DEMO.findall(sections.get("task_demos", ""))
    demos = [(Tier(int(tier)), query) for query, tier in shown]
    before = RoutingPrompt(instruction=sections.get("basic_instruction", "") or "none").criteria
    keep = "concise" not in tip and "creative" not in tip
    lines = ["Assign the query to the smallest model tier that answers it as well as the largest."]
    for tier in Tier:
        own = sorted((g for g in groups if g.tier is tier), key=lambda g: -g.size)[:most]
        own += [g for g in _groups(demos) if g.tier is tier]
        criteria = [f"questions about {', '.join(group.words)}" for group in own]
        if keep or not criteria:
            criteria += before.get(tier, ("anything else",))[: most if criteria else None]
        lines += ["", f"Tier {tier.value} ({TIER_NAMES[tier]} model) is for:"]
        lines += [f"- {criterion}" for criterion in dict.fromkeys(criteria)]
    return "\n".join(lines)


def _describe(_: Sections) -> str:
    return "The program assigns each query to one of three model tiers by its subject and form."


ANSWERS: dict[str, Callable[[Sections], str]] = {
    "observations": _observe,
    "summary": _summarize,
    "program_description": _describe,
    "module_description": _describe,
    "proposed_instruction": _propose,
    "new_instruction": lambda sections: revise(sections, _criteria_for),
}


def _criteria_for(mistakes: Sequence[Mistake]) -> list[tuple[str, list[Mistake]]]:
    """Return a criterion for each group of similar queries that should go to the same tier."""
    found = []
    for tier in Tier:
        of_tier = {m.query: m for m in mistakes if m.better is tier}
        for _, group in _members([(tier, query) for query in of_tier]):
            words = _groups([(tier, query) for query in group])[:1]
            found += [
                (f"questions about {', '.join(g.words)}", [of_tier[q] for q in group])
                for g in words
            ]
    return found


def _groups(queries: list[tuple[Tier, str]]) -> list[ExampleGroup]:
    """Each query joins the first group of its tier whose first query is similar."""
    common = Counter(word for _, query in queries for word in set(_words(query)))
    named = (
        ExampleGroup(tier, len(texts), _name(texts, common)) for tier, texts in _members(queries)
    )
    return [group for group in named if group.words]


def _members(queries: list[tuple[Tier, str]]) -> list[tuple[Tier, list[str]]]:
    members: list[tuple[Tier, str, list[str]]] = []
    for tier, query in queries:
        vector = _ENCODER.embed(query)
        for other, first, texts in members:
            if other is tier and float(_ENCODER.embed(first) @ vector) >= MIN_COSINE:
                texts.append(query)
                break
        else:
            members.append((tier, query, [query]))
    return [(tier, texts) for tier, _, texts in members]


def _name(texts: list[str], common: Counter[str]) -> tuple[str, ...]:
    """Return words that most of the texts contain and few others do."""
    counts = Counter(word for text in texts for word in dict.fromkeys(_words(text)))
    ranked = sorted(counts, key=lambda word: -(counts[word] ** 2) / common[word])
    return tuple(ranked[:GROUP_NAME_WORDS])


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _lines(groups: list[ExampleGroup]) -> str:
    return "\n".join(map(str, groups)) or "Nothing stands out."


def _read(text: str) -> list[ExampleGroup]:
    return [
        ExampleGroup(Tier(int(tier)), int(size), tuple(words.split(", ")))
        for tier, size, words in _GROUP.findall(text)
    ]
