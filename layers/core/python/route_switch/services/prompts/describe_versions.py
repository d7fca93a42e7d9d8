"""Where each version of the live prompt came from, without its text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.learning.promise import promise_of
from route_switch.domain.operations.audit import ROLLBACK
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.decided_by import origin_with_strategy
from route_switch.domain.prompts.stated_evidence import (
    evidence_about,
    evidence_in,
    stated_origin,
)
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt

LEARNED = "learned"


@dataclass(frozen=True, slots=True)
class Gain:
    """A gain in points of the objective on held-out rows, with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class VersionOrigin:
    """`origin` is a description, with the strategy if it is not `prompt`. `verdict` and `gain` come
    from the learning run that made the version; None when no run did. `promise` says what the run
    can promise about it, if it was asked to. `written_by` is an ARN."""

    version: int
    written_at: datetime
    written_by: str
    origin: str
    serves: bool
    verdict: str | None = None
    gain: Gain | None = None
    promise: str | None = None


NO_ACTIONS: Mapping[int, str] = {}


def describe_versions(
    versions: Sequence[StoredVersion],
    serving: str,
    newest: int,
    actions: Mapping[int, str] = NO_ACTIONS,
) -> tuple[VersionOrigin, ...]:
    """Describe the `newest` last of `versions` (oldest first), newest first. `serving` is the
    version being served, as records name it. `actions` are those of the audit trail by version, as
    far as they are known."""
    numbers = range(len(versions) - 1, -1, -1)[:newest]
    return tuple(_describe(versions[n], versions[:n], serving, actions) for n in numbers)


def _describe(
    this: StoredVersion, older: Sequence[StoredVersion], serving: str, actions: Mapping[int, str]
) -> VersionOrigin:
    prompt = readable_prompt(this.document)
    origin = _origin(this, prompt, older, actions.get(this.version))
    provenance = evidence_about(prompt) if prompt is not None and origin == LEARNED else {}
    verdict = provenance.get("verdict")
    return VersionOrigin(
        version=this.version,
        written_at=this.written_at,
        written_by=this.written_by,
        origin=origin_with_strategy(origin, prompt),
        serves=serving == f"live@{this.version}",
        verdict=None if verdict is None else str(verdict),
        gain=_gain(provenance),
        promise=None if prompt is None else promise_of(prompt),
    )


def _origin(
    this: StoredVersion,
    prompt: RoutingPrompt | None,
    older: Sequence[StoredVersion],
    action: str | None,
) -> str:
    """A rollback writes an older document unchanged, and so may a push: only the audit trail
    distinguishes them. A manual edit leaves the provenance unchanged."""
    if prompt is None:
        return "broken: it cannot be served"
    for old in reversed(older):
        if old.document == this.document:
            return f"{'rollback to' if action == ROLLBACK else 'same text as'} {old.version}"
    for old in reversed(older):
        before = readable_prompt(old.document)
        if before is not None and _states_the_same(prompt.provenance, before.provenance):
            return f"edit of {old.version}"
    return stated_origin(prompt) or "not stated"


def _states_the_same(one: Provenance, other: Provenance) -> bool:
    """A person may add a note to what a run stated."""
    evidence = evidence_in(one)
    return one == other or (bool(evidence) and evidence == evidence_in(other))


def _gain(provenance: Provenance) -> Gain | None:
    values = [provenance.get(name) for name in ("gain", "gain_low", "gain_high")]
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    return Gain(*numbers) if len(numbers) == len(values) else None
