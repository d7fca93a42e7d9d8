"""Grade a tier's answer against Tier 3's by asking the judge."""

from dataclasses import dataclass, field, replace
from threading import Lock

from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError, NotUnderstoodError
from route_switch.domain.learning.clients import Weights
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judge_reply import read_choice
from route_switch.domain.learning.judging import (
    ABSTAINED,
    VERDICT_SCHEMA,
    Order,
    Verdict,
    first_order,
    judge_messages,
    reverse,
    verdict_of,
)
from route_switch.domain.learning.understanding import (
    MAX_NOT_UNDERSTOOD,
    ReplyCount,
    count_replies,
    too_many,
)
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.paid_calls import PaidCalls, Purpose

HOPELESS_PAIRS = 20
"""After this many pairs without a verdict, a run stops before its end."""
PARAMS: dict[str, JsonValue] = {"temperature": 0}


@dataclass(frozen=True, slots=True)
class JudgeCounts:
    """`judged` pairs were sent to the judge; `identical` ones did not need it.

    `flipped` and `confirmed` count 'worse' verdicts by the reply in the reverse order. `unread`
    counts replies without a verdict. `undecided` counts pairs to which neither order gave one; they
    are left out. `abstained` are those on which a simulated judge knows nothing. `pairs` are those
    that the judge was to decide.
    """

    judged: int = 0
    identical: int = 0
    flipped: int = 0
    confirmed: int = 0
    unread: int = 0
    undecided: int = 0
    abstained: int = 0
    pairs: ReplyCount = field(default_factory=ReplyCount, compare=False)

    @property
    def flip_rate(self) -> float | None:
        """Share of 'worse' verdicts that the reverse order did not confirm."""
        doubted = self.flipped + self.confirmed
        return self.flipped / doubted if doubted else None


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """`takes_schema` says whether its replies can be asked for as JSON by a schema."""

    name: str
    takes_schema: bool = False


class JudgeAnswers:
    """Compares an answer with Tier 3's. Thread-safe.

    One order alone never condemns an answer: if the first order says worse or gives no verdict, the
    judge is asked again in the reverse order. Contradictory orders cancel out: equivalent. If one
    reply is missing, the other decides. If both are missing there is no verdict (None), and such
    pairs are counted. A reply that cannot be read is asked for once more, with a stricter
    instruction. A request that the provider refuses (for example, because it is too long) is a
    missing reply.
    """

    def __init__(
        self,
        calls: PaidCalls,
        model: JudgeModel,
        max_not_understood: float = MAX_NOT_UNDERSTOOD,
    ) -> None:
        self._calls = calls
        self._model = model
        self._max_not_understood = max_not_understood
        self._takes_schema = model.takes_schema
        self._counts = JudgeCounts()
        self._decided: list[tuple[Weights, bool]] = []
        self._lock = Lock()

    @property
    def counts(self) -> JudgeCounts:
        with self._lock:
            return replace(self._counts, pairs=count_replies(self._decided))

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict | None:
        """Raise `NotUnderstoodError` if the judge turns out to give no verdicts at all."""
        if same_text(tier_3_answer, answer):
            self._count(identical=1)
            return "equivalent"
        self._count(judged=1)
        order = first_order(example, tier_3_answer, answer)
        try:
            first = self._ask(example, tier_3_answer, answer, order)
            if first in ("better", "equivalent"):
                return self._decide(example, first)
            second = self._ask(example, tier_3_answer, answer, reverse(order))
        except _Abstained:
            self._count(abstained=1)
            return None
        return self._decide(example, self._combine(first, second))

    def check(self) -> None:
        """Raise `NotUnderstoodError` if more pairs than allowed have no verdict."""
        stop = too_many(
            self.counts.pairs,
            self._max_not_understood,
            f"pairs of answers, {self._model.name} gave no verdict that can be read",
            "Use another judge",
        )
        if stop is not None:
            raise NotUnderstoodError(stop)

    def _ask(
        self, example: Example, tier_3_answer: str, answer: str, order: Order
    ) -> Verdict | None:
        for strict in (False, True):
            messages = judge_messages(example, tier_3_answer, answer, order, strict=strict)
            reply = self._reply(example, messages, schema=self._takes_schema and not strict)
            if reply == ABSTAINED:
                raise _Abstained
            choice = None if reply is None else read_choice(reply)
            if choice is not None:
                return verdict_of(choice, order)
            self._count(unread=1)
            if reply is None:
                return None
        return None

    def _reply(
        self, example: Example, messages: tuple[JsonObject, ...], *, schema: bool
    ) -> str | None:
        """Return the reply, or None if the provider refuses the request. A model that refuses the
        schema is asked without one from then on."""
        params = {**PARAMS, "response_format": VERDICT_SCHEMA} if schema else PARAMS
        try:
            name, about = self._model.name, example.request_id
            return self._calls(name, messages, params, Purpose.JUDGE, about=about).text
        except InvalidModelRequestError:
            if not schema:
                return None
        reply = self._reply(example, messages, schema=False)
        self._takes_schema = self._takes_schema and reply is None
        return reply

    def _combine(self, first: Verdict | None, second: Verdict | None) -> Verdict | None:
        """`first` is worse or missing."""
        if first is None or second is None:
            return first or second
        if second == "worse":
            self._count(confirmed=1)
            return "worse"
        self._count(flipped=1)
        return "equivalent"

    def _decide(self, example: Example, verdict: Verdict | None) -> Verdict | None:
        with self._lock:
            self._decided.append((example.asked_by, verdict is not None))
        if verdict is None:
            self._count(undecided=1)
            self._stop_if_hopeless()
        return verdict

    def _stop_if_hopeless(self) -> None:
        with self._lock:
            counts = self._counts
        if counts.undecided >= max(HOPELESS_PAIRS, counts.judged / 2):
            self.check()

    def _count(self, **added: int) -> None:
        with self._lock:
            grown = {name: getattr(self._counts, name) + by for name, by in added.items()}
            self._counts = replace(self._counts, **grown)


class _Abstained(Exception):  # noqa: N818 (no error: a simulated judge has nothing to say)
    pass


def judge_of(
    calls: PaidCalls, model: JudgeModel | None, max_not_understood: float = MAX_NOT_UNDERSTOOD
) -> JudgeAnswers | None:
    """Return the judge of a run, or None if the run has none."""
    return None if model is None else JudgeAnswers(calls, model, max_not_understood)


def same_text(one: str, another: str) -> bool:
    """Whether two answers differ at most in surrounding whitespace."""
    return one.strip() == another.strip()
