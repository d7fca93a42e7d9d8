"""Paid calls: each is made once and remembered, within a cap, at a controlled pace."""

import threading
import time
from collections import Counter
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
    TooCostlyRequestError,
)
from route_switch.domain.learning.answers import tool_calls_of
from route_switch.domain.learning.learning_ports import AnswerMemo, SpendingCap
from route_switch.domain.ports import JsonObject, ModelCall, ModelClient
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.tier_parameters import split_name
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage
from route_switch.services.attempts import reason
from route_switch.services.learning.fault_attribution import (
    PERMANENT_FAILURES,
    FaultAttribution,
    ModelHealth,
    TrackedRequest,
)
from route_switch.services.learning.input_tokens import most_tokens, read_tokens
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch.services.learning.paid_entries import (
    key_of,
    number_in,
    reply_of,
    unanswered_entry,
)
from route_switch.services.learning.patient_cap import PatientCap
from route_switch.services.learning.spending_log import SpendingLog

MAX_OUTPUT_TOKENS = 4096
"""The output limit of a learning call whose request sets none. Without a limit, the cost of a call
is unbounded and no cap can be enforced."""

CALL_TIMEOUT_S = 110.0
"""Also applies to a call that starts in the last second of a run: an interrupted call would be paid
for without a result."""
MAX_PAUSE_S = 30.0
MAX_PATIENCES = 10
"""How many times the run's patience one request may use while its model answers others."""


class MeteredCalls:
    """`PaidCalls` over a memo and a cap.

    `clients` returns a provider's client. `price` returns a model's price, or None when it is
    unknown; such a model is not called, because its cost could not be kept within the cap. `tell`
    reports outages. An answer that may cost more than `most_answer_usd` is not asked for: it alone
    could keep a run from measuring anything.
    """

    def __init__(
        self,
        clients: Callable[[str], ModelClient],
        price: Callable[[str], Price | None],
        memo: AnswerMemo,
        cap: SpendingCap,
        pace: Pace,
        tell: Callable[[str], None] = lambda _: None,
        most_answer_usd: float = float("inf"),
    ) -> None:
        self._most_answer_usd = most_answer_usd
        self._tell = tell
        self._clients = clients
        self._price = price
        self._memo = memo
        self._cap = PatientCap(cap)
        self._pace = pace
        self._lock = threading.Lock()
        self._in_progress: dict[str, Future[JsonObject]] = {}
        self._log = SpendingLog(memo)
        self._faults = FaultAttribution(answered_before=self._log.calls.total() > 0)

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        rollout: JsonValue = None,
        *,
        about: str | None = None,
    ) -> Reply:
        """`rollout` distinguishes calls that are otherwise equal but ask for another sample."""
        key = key_of(name, messages, params, rollout)
        entry = self._memo.get(key)
        if entry is None:
            entry = self._call_once(
                key, lambda: self._buy(key, name, messages, params, purpose, about)
            )
        return reply_of(entry)

    @property
    def spent_usd(self) -> float:
        return self._log.spent_usd

    @property
    def calls(self) -> Counter[str]:
        """Calls by purpose."""
        return self._log.calls

    @property
    def usd(self) -> Mapping[str, float]:
        """USD by purpose."""
        return self._log.usd

    def finish(self) -> None:
        """Wait for calls that abandoned threads still make. Their answers are stored too."""
        with self._lock:
            in_progress = tuple(self._in_progress.values())
        wait(in_progress)

    def _call_once(self, key: str, pay: Callable[[], JsonObject]) -> JsonObject:
        """Make a call that several threads ask for at once only once."""
        with self._lock:
            future = self._in_progress.get(key)
            first = future is None
            if future is None:
                future = self._in_progress[key] = Future()
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
                del self._in_progress[key]
        return entry

    def _buy(
        self,
        key: str,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        about: str | None,
    ) -> JsonObject:
        params = (
            params if _states_a_limit(params) else {**params, "max_tokens": _default_limit(name)}
        )
        most_usd = self._most_usd(name, messages, params)
        if purpose is Purpose.ANSWER and most_usd > self._answer_limit_usd(name):
            raise TooCostlyRequestError(f"The answer of {name} may cost {most_usd:.2f} USD.")
        with self._faults.tracking(name) as request:
            entry = self._call_until_answered(
                key, name, messages, params, purpose, most_usd, request
            )
        if about is not None:
            entry = {**entry, "about": about}
        self._log.store_and_count(key, entry)
        return entry

    def _call_until_answered(
        self,
        key: str,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        most_usd: float,
        request: TrackedRequest,
    ) -> JsonObject:
        """Retry until there is an answer, or until the request itself proves to be at fault."""
        began = float("inf")
        for attempt in count():
            self._pace.wait_for_turn()
            began = min(began, self._pace.clock())  # waiting for the first turn is not failing
            request.model.tried_at = min(request.model.tried_at, began)
            with self._reserved(most_usd) as settle:
                self._log.note_start(key, purpose, most_usd)
                try:
                    entry = self._call_model(name, messages, params, purpose)
                except ModelError as error:
                    charged_usd = self._charged_usd(name, error, most_usd)
                    if charged_usd > 0:
                        settle(charged_usd)
                        self._log.store_and_count(
                            f"{key}-late-{attempt}-{began}", unanswered_entry(purpose, charged_usd)
                        )
                    if not self._faults.is_request_at_fault(request, error, purpose):
                        self._log.note_start(key, purpose, 0.0)
                        self._back_off(name, error, attempt, began, request.model)
                        continue
                    if purpose is Purpose.PROPOSER:  # the run cannot continue, but can be repeated
                        self._log.note_start(key, purpose, 0.0)
                        raise InvalidModelRequestError(str(error), status=error.status) from error
                    return {"purpose": purpose.value, "refused": str(error), "cost_usd": 0.0}
                settle(number_in(entry["cost_usd"]))
                self._faults.answered(request, self._pace.clock())
            return entry
        raise AssertionError  # count() never ends

    def _charged_usd(self, name: str, error: ModelError, most_usd: float) -> float:
        """Return what a failed call costs: what the provider reports. A call that ran out of time
        is charged without a report, so it counts with the most that it may cost."""
        if error.usage is not None:
            reported = cost_usd(error.usage, self._price(name))
            return most_usd if reported is None else reported
        return most_usd if isinstance(error, ModelTimeoutError) else 0.0

    def _call_model(
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
        text, calls = completion.text, tool_calls_of(completion.choices[0].message)
        usage = completion.usage or _estimate(messages, text)
        return {
            "purpose": purpose.value,
            "text": text,
            "tokens": [usage.input_tokens, usage.output_tokens, usage.cached_input_tokens],
            "cost_usd": cost_usd(usage, self._price(name)),
            "latency_ms": round((time.perf_counter() - started) * 1000, 3),
            **({"cut_off": True} if completion.choices[0].finish_reason == "length" else {}),
            **({"tool_calls": list(calls)} if calls else {}),
        }

    def _back_off(
        self, name: str, error: ModelError, attempt: int, began: float, model: ModelHealth
    ) -> None:
        """Make all threads pause, longer each time. Raise `ProviderDownError` after at least two
        tries, once the model has not answered anyone for long enough."""
        why, words = reason(error), str(error) if error.quotes_provider else ""
        if error.status in PERMANENT_FAILURES:
            raise ProviderUnusableError(
                f"{name} cannot be used: {why}. Check the model name, the key and the base URL.",
                detail=words,
            ) from error
        patience_s, tries = self._pace.patience_s, attempt + 1
        if error.status is None and model.answered_at == float("-inf"):  # never reached
            patience_s, began = self._pace.first_answer_s, model.tried_at
            tries = model.failed  # all requests wait for the same thing, so their tries count
        failing_s = self._pace.clock() - began
        silent_s = min(failing_s, self._pace.clock() - model.answered_at)
        if tries > 1 and (silent_s >= patience_s or failing_s >= MAX_PATIENCES * patience_s):
            raise ProviderDownError(
                f"{name} has been failing for {failing_s:.0f} s: {why}. Nothing is lost; run "
                "the same command again when the provider has recovered.",
                detail=words,
            ) from error
        pause_s = min(2.0 ** min(attempt, 10) / 2, MAX_PAUSE_S)
        self._tell(f"{name} failed ({why}); retrying in {pause_s:.1f} s")
        self._pace.hold_back(pause_s)

    def _most_usd(
        self, name: str, messages: tuple[JsonObject, ...], params: Mapping[str, JsonValue]
    ) -> float:
        """Return the maximum cost of the call."""
        read = most_tokens(messages, params)
        copies = params.get("n")
        times = copies if isinstance(copies, int) else 1
        most = cost_usd(Usage(read, _limit(params) * times), self._price(name))
        if most is None:
            raise ConfigurationError(price_unknown(name))
        return most

    def _answer_limit_usd(self, name: str) -> float:
        """Return `most_answer_usd`, or twice the most that an ordinary answer costs."""
        usage = Usage(MAX_OUTPUT_TOKENS, _default_limit(name))
        return max(self._most_answer_usd, 2 * (cost_usd(usage, self._price(name)) or 0.0))

    @contextmanager
    def _reserved(self, usd: float) -> Iterator[Callable[[float], None]]:
        """Reserve money. At the end of the block, return what was not spent."""
        self._cap.reserve(usd)
        spent = 0.0

        def settle(spent_usd: float) -> None:
            nonlocal spent
            spent = spent_usd

        try:
            yield settle
        finally:
            self._cap.settle(usd, spent)


def price_unknown(name: str) -> str:
    return (
        f"The price of {name} is unknown, so no cap can be enforced. Set it in USD per million "
        f"tokens: with --price {name}=INPUT,OUTPUT, or in cdk.json under prices."
    )


def _estimate(messages: tuple[JsonObject, ...], text: str) -> Usage:
    return Usage(read_tokens(messages), estimate_tokens(text))


def _default_limit(name: str) -> int:
    return MAX_OUTPUT_TOKENS + split_name(name)[1].thinking_room


def _states_a_limit(params: Mapping[str, JsonValue]) -> bool:
    return any(isinstance(params.get(k), int) for k in ("max_tokens", "max_completion_tokens"))


def _limit(params: Mapping[str, JsonValue]) -> int:
    limits = (params.get("max_completion_tokens"), params.get("max_tokens"))
    return next((limit for limit in limits if isinstance(limit, int)), MAX_OUTPUT_TOKENS)
