"""A search over prompts with a fake router and a fake proposer."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dspy

from route_switch.cli.route import router_config
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.learning.text_policy import UserText
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.quoted_query import as_data
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.optimizer.language_models import (
    LabelEngine,
    PaidEngine,
    RolloutCarrier,
    language_model,
)
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.program import RoutingAdapter
from route_switch.optimizer.prompt_search import PromptSearch, SearchSize
from route_switch.optimizer.proposals import Screening
from route_switch.optimizer.search_session import SearchParts
from route_switch.optimizer.training import LabeledQuery
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose
from tests.support.paid import metered

MAX_TOKENS = 100
_INSTRUCTION = re.compile(
    r"starting with the field `\[\[ ## ((?:proposed|new)_instruction) ## \]\]`"
)
"""The field that MIPROv2 and GEPA ask for an instruction."""
SMALL_SEARCH = SearchSize(candidates=4, trials=8, demos=3, view_data_batch_size=10)


def config_of(max_query_tokens: int) -> RouterConfig:
    changes = {"router_max_input_tokens": max_query_tokens}
    return router_config("fake/router").model_copy(update=changes)


USES = ("names, dates or notes", "tables, plans or charts", "theorems, designs or essays")


def instruction(name: str) -> str:
    """Return a readable instruction whose criteria differ in more than a number."""
    uses = zip(Tier, USES, strict=True)
    tiers = (f"Tier {tier.value} is for:\n- {name} for {use}" for tier, use in uses)
    return "\n\n".join((f"Sort by {name}.", *tiers))


INCUMBENT = RoutingPrompt(
    instruction=instruction("incumbent"),
    demos=(Demo(query="Whose demo is this?", tier=Tier.SMALL),),
    provenance={"origin": "hand-written"},
)


def labeled(side: str, count: int) -> list[LabeledQuery]:
    """Return queries whose best tier has a reward of 0.1 to 0.9; the others have less."""
    return [
        LabeledQuery(
            text=f"{side} query number {number}",
            best=number % 3,
            rewards=tuple(
                0.1 + number % 9 / 10 if tier == number % 3 else tier * 0.05 - 0.2
                for tier in range(3)
            ),
        )
        for number in range(count)
    ]


TRAIN, VALIDATION = labeled("train", 18), labeled("validation", 12)


def tier_by_hash(messages: Sequence[JsonObject]) -> str:
    """Answer depending on every byte of the messages."""
    digest = hashlib.sha256(repr(list(messages)).encode()).digest()
    return str(digest[0] % 3 + 1)


@dataclass
class Models:
    """A fake router and a fake proposer; `propose` returns the n-th proposal."""

    router: Callable[[Sequence[JsonObject]], str] = tier_by_hash
    propose: Callable[[int], str] = lambda number: instruction(f"proposal {number}")
    fails: Callable[[ModelCall], BaseException | None] = lambda _: None
    routed: list[ModelCall] = field(default_factory=list)
    proposed: list[ModelCall] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        error = self.fails(call)
        if error is not None:
            raise error
        with self.lock:
            text = self._answer(call)
        yield Chunk({"content": text}, usage=Usage(100, 10))

    def _answer(self, call: ModelCall) -> str:
        if call.model == "router":
            self.routed.append(call)
            return self.router(call.messages)
        self.proposed.append(call)
        asked = str(call.messages[-1]["content"])
        field = _INSTRUCTION.search(asked)
        if field is None:
            return "Nothing stands out."
        # Numbered by request and not by time, so that the same search gets the same proposals.
        number = sum(_INSTRUCTION.search(repr(c.messages)) is not None for c in self.proposed)
        return f"[[ ## {field[1]} ## ]]\n{self.propose(number)}\n\n[[ ## completed ## ]]"


def search_of(
    models: Models,
    calls: MeteredCalls | None = None,
    threads: int = 1,
    usd_weight: float = 10.0,
    forbidden: tuple[str, ...] = (),
    trainset: list[LabeledQuery] | None = None,
    on_trial: Callable[[int, float], None] = lambda _, __: None,
    optimizer: OptimizerName = "mipro",
    why_steered: Callable[[RoutingPrompt], str | None] = lambda _: None,
) -> PromptSearch:
    calls = calls or metered(models)
    carrier = RolloutCarrier()

    def model(name: str, purpose: Purpose) -> dspy.LM:
        return language_model(PaidEngine(calls, f"fake/{name}", purpose, carrier), name)

    labels = {f"Query:\n{as_data(query.text)}": str(query.best + 1) for query in trainset or TRAIN}
    parts = SearchParts(
        task_model=model("router", Purpose.ROUTER),
        prompt_model=model("proposer", Purpose.PROPOSER),
        teacher=language_model(LabelEngine(labels), "teacher"),
        carrier=carrier,
        adapter=RoutingAdapter(INCUMBENT.messages, frozenset(Tier), config_of(MAX_TOKENS)),
        tiers=tuple(Tier),
        usd_weight=usd_weight,
        why_rejected=Screening(INCUMBENT, tuple(Tier), UserText(forbidden)),
        threads=threads,
        on_trial=on_trial,
        why_steered=why_steered,
    )
    return OPTIMIZERS[optimizer].new_search(parts)


def run(
    search: PromptSearch,
    incumbent: RoutingPrompt = INCUMBENT,
    seed: int = 1,
    trainset: list[LabeledQuery] | None = None,
    valset: list[LabeledQuery] | None = None,
    size: SearchSize = SMALL_SEARCH,
) -> PromptSearch:
    with cache_put_back():
        search(incumbent, trainset or TRAIN, valset or VALIDATION, size, seed)
    return search


@contextmanager
def cache_put_back() -> Iterator[None]:
    """Restore DSPy's cache, which a search replaces for the whole process."""
    before = dspy.cache
    try:
        yield
    finally:
        dspy.cache = before
