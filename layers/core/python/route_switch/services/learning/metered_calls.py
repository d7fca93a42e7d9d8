"""Calls that are paid for: each made once and remembered, within a cap, at the right pace."""

import hashlib
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from itertools import count

from pydantic import JsonValue

from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import (
    ConfigurationError,
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ProviderDownError,
    ProviderUnusableError,
    StoreError,
)
from route_switch.domain.learning.learning_ports import AnswerMemo, SpendingCap
from route_switch.domain.ports import JsonObject, ModelCall, ModelClient
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.query import text_of
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage
from route_switch.services.learning.blame import HOPELESS, Blame, Watched
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.paid_calls import Purpose, Reply

MAX_OUTPUT_TOKENS = 4096
"""What an answer may be long in learning where the request itself does not say: without a limit
there is no bound on what a call costs, and no cap could be kept."""

BYTES_PER_MESSAGE = 16
"""For a provider's own marks around a message; its text has at most one token a byte."""

CALL_TIMEOUT_S = 110.0
"""Also of a call that begins in the last second of a run: one that is cut off is paid for nothing.
"""
LONGEST_PAUSE_S = 30.0
PATIENCES = 10
"""How often a request may use up the run's patience while its model answers others."""
BEGUN = "-begun"
"""Ends the key of a note that a call was begun; the call's own key is there once it is over."""


class MeteredCalls:
    """`PaidCalls` over a memo and a cap; see there.

    `clients` gives a provider's client, `price` a model's price (None: unknown; such a model is
    not called, since its cost could not be kept within the cap); `tell` is told of outages.
    """

    def __init__(
        self,
        clients: Callable[[str], ModelClient],
        price: Callable[[str], Price | None],
        memo: AnswerMemo,
        cap: SpendingCap,
        pace: Pace,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = tell
        self._clients = clients
        self._price = price
        self._memo = memo
        self._cap = cap
        self._pace = pace
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[JsonObject]] = {}
        self.calls: Counter[str] = Counter()
        self.usd: defaultdict[str, float] = defaultdict(float)
        self._take_over(memo)
        self._blame = Blame(answered_before=self.calls.total() > 0)

    def _take_over(self, memo: AnswerMemo) -> None:
        """Counts what was spent before. A call that was begun and has no answer was under way when
        the process was killed: it is taken for lost at the most that it may have cost."""
        for key, entry in tuple(memo.items()):
            called = key.removesuffix(BEGUN)
            if "purpose" not in entry:  # another's, such as vectors
                continue
            if called == key:
                self._count(entry)
            elif memo.get(called) is None and _number(entry["cost_usd"]) > 0:
                self._keep(f"{called}-lost-{len(tuple(memo.items()))}", entry)
                self._put(key, {**entry, "cost_usd": 0.0})

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        rollout: JsonValue = None,
    ) -> Reply:
        """`rollout` tells apart calls that are the same otherwise but ask for another draw."""
        key = _key(name, messages, params, rollout)
        entry = self._memo.get(key)
        if entry is None:
            entry = self._once(key, lambda: self._paid(key, name, messages, params, purpose))
        return _reply(entry)

    @property
    def spent_usd(self) -> float:
        return sum(self.usd.values())

    def finish(self) -> None:
        """Waits for the calls that threads left behind still make, whose answers are kept too."""
        with self._lock:
            under_way = tuple(self._under_way.values())
        wait(under_way)

    def _once(self, key: str, pay: Callable[[], JsonObject]) -> JsonObject:
        """Lets one thread make the call that several ask for at the same time."""
        with self._lock:
            future = self._under_way.get(key)
            first = future is None
            if future is None:
                future = self._under_way[key] = Future()
        if not first:
            return future.result()
        try:
            entry = self._memo.get(key) or pay()
            future.set_result(entry)
        except BaseException as error:
            future.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return entry

    def _paid(
        self,
        key: str,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> JsonObject:
        params = params if _states_a_limit(params) else {**params, "max_tokens": MAX_OUTPUT_TOKENS}
        most_usd = self._most_usd(name, messages, params)
        with self._blame.watching(name) as watched:
            entry = self._tried(key, name, messages, params, purpose, most_usd, watched)
        self._keep(key, entry)
        return entry

    def _tried(
        self,
        key: str,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        most_usd: float,
        watched: Watched,
    ) -> JsonObject:
        """Until there is an answer, or the request is to blame for having none."""
        began = float("inf")
        for attempt in count():
            self._pace.wait_for_turn()
            began = min(began, self._pace.clock())  # waiting for the first turn is no failure
            with self._reserved(most_usd) as settle:
                self._begin(key, purpose, most_usd)
                try:
                    entry = self._called(name, messages, params, purpose)
                except ModelError as error:
                    charged_usd = self._charged_usd(name, error, most_usd)
                    if charged_usd > 0:
                        settle(charged_usd)
                        self._keep(f"{key}-late-{attempt}-{began}", _lost(purpose, charged_usd))
                    if not self._blame.is_its_own_fault(watched, error, purpose):
                        self._begin(key, purpose, 0.0)
                        self._wait_out(name, error, attempt, began, watched.model.answered_at)
                        continue
                    if purpose is Purpose.PROPOSER:  # the run cannot go on, and may be run again
                        self._begin(key, purpose, 0.0)
                        raise InvalidModelRequestError(str(error), status=error.status) from error
                    return {"purpose": purpose.value, "refused": str(error), "cost_usd": 0.0}
                settle(_number(entry["cost_usd"]))
                self._blame.answered(watched, self._pace.clock())
            return entry
        raise AssertionError  # count() never ends

    def _charged_usd(self, name: str, error: ModelError, most_usd: float) -> float:
        """Return what a failed call costs: what the provider reports, and for a call that ran out
        of time, which is charged without a report, the most that it may cost."""
        if error.usage is not None:
            reported = cost_usd(error.usage, self._price(name))
            return most_usd if reported is None else reported
        return most_usd if isinstance(error, ModelTimeoutError) else 0.0

    def _begin(self, key: str, purpose: Purpose, most_usd: float) -> None:
        """Notes what a call may cost before it is made: who is killed meanwhile has to take it for
        spent. Nothing is noted of a call that costs nothing."""
        if most_usd > 0 or self._memo.get(key + BEGUN) is not None:
            self._put(key + BEGUN, _lost(purpose, most_usd))

    def _called(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> JsonObject:
        provider, _, model = name.partition("/")
        started = time.perf_counter()
        call = ModelCall(model, messages, params, CALL_TIMEOUT_S)
        completion: Completion = complete(self._clients(provider).stream(call))
        text = completion.text
        usage = completion.usage or _estimate(messages, text)
        return {
            "purpose": purpose.value,
            "text": text,
            "tokens": [usage.input_tokens, usage.output_tokens, usage.cached_input_tokens],
            "cost_usd": cost_usd(usage, self._price(name)),
            "latency_ms": round((time.perf_counter() - started) * 1000, 3),
            **({"cut_off": True} if completion.choices[0].finish_reason == "length" else {}),
        }

    def _wait_out(
        self, name: str, error: ModelError, attempt: int, began: float, answered_at: float
    ) -> None:
        """Lets everyone pause, longer each time; raises `ProviderDownError` where that is vain:
        after two tries at least, and long enough since the model last answered anybody."""
        if error.status in HOPELESS:
            raise ProviderUnusableError(
                f"{name} cannot be used: {error}. Check the model's name, the key and the base URL."
            ) from error
        patience_s = self._pace.patience_s
        failing_s = self._pace.clock() - began
        silent_s = min(failing_s, self._pace.clock() - answered_at)
        if attempt > 0 and (silent_s >= patience_s or failing_s >= PATIENCES * patience_s):
            raise ProviderDownError(
                f"{name} has been failing for {failing_s:.0f} s: {error}. Nothing is lost; run "
                "the same command again when the provider is back."
            ) from error
        pause_s = min(2.0 ** min(attempt, 10) / 2, LONGEST_PAUSE_S)
        self._tell(f"{name} fails ({error}); waiting for {pause_s:.1f} s")
        self._pace.hold_back(pause_s)

    def _most_usd(
        self, name: str, messages: tuple[JsonObject, ...], params: Mapping[str, JsonValue]
    ) -> float:
        """The most that the call can cost."""
        sent = json.dumps([*messages, params.get("tools")], ensure_ascii=False)
        read = len(sent.encode()) + BYTES_PER_MESSAGE * len(messages)
        copies = params.get("n")
        times = copies if isinstance(copies, int) else 1
        most = cost_usd(Usage(read, _limit(params) * times), self._price(name))
        if most is None:
            raise ConfigurationError(price_unknown(name))
        return most

    @contextmanager
    def _reserved(self, usd: float) -> Iterator[Callable[[float], None]]:
        """Sets money aside; what is not settled when the block ends is given back."""
        self._cap.reserve(usd)
        spent = 0.0

        def settle(spent_usd: float) -> None:
            nonlocal spent
            spent = spent_usd

        try:
            yield settle
        finally:
            self._cap.settle(usd, spent)

    def _keep(self, key: str, entry: JsonObject) -> None:
        self._put(key, entry)
        self._count(entry)

    def _put(self, key: str, entry: JsonObject) -> None:
        try:
            self._memo.put(key, entry)
        except StoreError as error:
            raise ProviderDownError(f"An answer cannot be kept, so none is bought: {error}") from (
                error
            )

    def _count(self, entry: JsonObject) -> None:
        with self._lock:
            purpose = str(entry["purpose"])
            self.calls[purpose] += 1
            self.usd[purpose] += _number(entry["cost_usd"])


def price_unknown(name: str) -> str:
    return (
        f"The price of {name} is not known, so no cap can be kept. State it, in USD per million "
        f"tokens: with --price {name}=INPUT,OUTPUT, or in cdk.json under prices."
    )


def _key(
    name: str,
    messages: tuple[JsonObject, ...],
    params: Mapping[str, JsonValue],
    rollout: JsonValue,
) -> str:
    same = {name: _same(value) for name, value in params.items()}
    content = json.dumps([name, messages, same, rollout], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _same(value: JsonValue) -> JsonValue:
    """A temperature of 0.0, as DSPy writes it, is one of 0: not to be paid for twice."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reply(entry: JsonObject) -> Reply:
    if "refused" in entry:
        raise InvalidModelRequestError(str(entry["refused"]))
    tokens = entry["tokens"]
    assert isinstance(tokens, list)  # noqa: S101 (written by `_called`; tells the type checker)
    return Reply(
        text=str(entry["text"]),
        usage=Usage(*(int(_number(t)) for t in tokens)),
        cost_usd=_number(entry["cost_usd"]),
        latency_ms=_number(entry["latency_ms"]),
        cut_off=entry.get("cut_off") is True,
    )


def _estimate(messages: tuple[JsonObject, ...], text: str) -> Usage:
    read = sum(estimate_tokens(text_of(message)) for message in messages)
    return Usage(read, estimate_tokens(text))


def _lost(purpose: Purpose, usd: float) -> JsonObject:
    return {"purpose": purpose.value, "cost_usd": usd}


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _states_a_limit(params: Mapping[str, JsonValue]) -> bool:
    return any(isinstance(params.get(k), int) for k in ("max_tokens", "max_completion_tokens"))


def _limit(params: Mapping[str, JsonValue]) -> int:
    limits = (params.get("max_completion_tokens"), params.get("max_tokens"))
    return next((limit for limit in limits if isinstance(limit, int)), MAX_OUTPUT_TOKENS)
