"""What a model call cost, as an attempt of the request's record."""

import re
from collections.abc import Iterable

from route_switch.domain.completion import Completion
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import cost_usd
from route_switch.domain.query import text_of
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Attempts:
    """Makes attempts, priced by the catalog. Times are in milliseconds."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    def answered(
        self, name: str, tier: Tier | None, completion: Completion, latency_ms: float
    ) -> Attempt:
        cost = cost_usd(completion.usage, self._catalog.price(name))
        return Attempt(
            name,
            tier,
            "answered",
            latency_ms,
            completion.usage,
            cost,
            adjusted=completion.adjusted,
        )

    def failed(
        self,
        name: str,
        tier: Tier | None,
        error: ModelError,
        messages: Iterable[JsonObject],
        latency_ms: float,
    ) -> Attempt:
        if not isinstance(error, ModelTimeoutError):
            # Providers charge for the usage that they report, even if the answer failed.
            cost = 0.0 if error.usage is None else cost_usd(error.usage, self._catalog.price(name))
            return Attempt(
                name, tier, "failed", latency_ms, error.usage, cost,
                error=reason(error), adjusted=error.adjusted,
            )  # fmt: skip
        usage = Usage(_input_tokens(messages), 0)
        cost = cost_usd(usage, self._catalog.price(name))
        return Attempt(
            name, tier, "timed_out", latency_ms, usage, cost, True, "timeout", error.adjusted
        )

    def partial(
        self,
        name: str,
        tier: Tier | None,
        completion: Completion,
        error: ModelError,
        messages: Iterable[JsonObject],
        latency_ms: float,
    ) -> Attempt:
        """Charge what was reported before the answer broke off, or an estimate of what was read
        and written so far."""
        usage = error.usage or completion.usage
        estimated = usage is None
        if usage is None:
            written = sum(estimate_tokens(text_of(c.message)) for c in completion.choices)
            usage = Usage(_input_tokens(messages), written)
        cost = cost_usd(usage, self._catalog.price(name))
        return Attempt(
            name, tier, "partial", latency_ms, usage, cost, estimated, reason(error),
            completion.adjusted,
        )  # fmt: skip


def reason(error: ModelError) -> str:
    """Return what a record may hold: a provider's own words may quote the request."""
    code = f" ({error.code})" if error.code and _CODE.fullmatch(error.code) else ""
    if error.status:
        return f"status {error.status}{code}"
    if isinstance(error, InvalidModelRequestError):
        return "refused"
    return f"failed{code}" if error.code or error.usage or error.quotes_provider else str(error)


def said(attempt: Attempt) -> str:
    """Describe a failed attempt for the log, as a predicate."""
    if attempt.status == "timed_out":
        return f"ran out of time after {attempt.latency_ms:.0f} ms."
    verb = "broke off" if attempt.status == "partial" else "failed"
    return f"{verb}: {attempt.error}."


def _input_tokens(messages: Iterable[JsonObject]) -> int:
    return sum(estimate_tokens(text_of(message)) for message in messages)
