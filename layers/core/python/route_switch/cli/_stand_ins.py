"""TO BE REPLACED AT THE MERGE by adapters/example_file.py (`read_examples`, `file_digest`),
domain/split.py (`split`), services/build_outcomes.py and the implementation of `PaidCalls`."""

import gzip
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from route_switch.adapters.models.list_prices import list_price
from route_switch.adapters.models.registry import ModelClients
from route_switch.domain.completion import complete
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.domain.example import Example
from route_switch.domain.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.tiers import Tier
from route_switch.services.paid_calls import Purpose, Reply


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (OSError, EOFError) as error:
        raise RouteSwitchError(f"{path} cannot be read: {error}") from error


def file_digest(path: Path) -> str:
    return hashlib.sha256(_content(path)).hexdigest()[:16]


def read_examples(path: Path) -> tuple[Example, ...]:
    examples = []
    for number, line in enumerate(_content(path).decode().split("\n"), 1):
        try:
            examples += [Example.model_validate_json(line)] if line.strip() else []
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            field = ".".join(map(str, problem["loc"])) or "the line"
            raise RouteSwitchError(f"{path}, line {number}: {field}: {problem['msg']}") from error
    if not examples:
        raise RouteSwitchError(f"{path} has no examples: it is empty.")
    return tuple(examples)


def train_and_heldout(
    examples: tuple[Example, ...],
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    place = [int(example.key, 16) % 10 for example in examples]
    train = tuple(e for e, p in zip(examples, place, strict=True) if p < 4)
    return train, tuple(e for e, p in zip(examples, place, strict=True) if p >= 7)


def recorded_table(examples: tuple[Example, ...], models: dict[Tier, str]) -> OutcomeTable:
    """Rows with a recorded score for each tier; the others are left out."""
    have = sorted({name for example in examples for name in example.models})
    if unknown := [name for name in models.values() if name not in have]:
        raise ConfigurationError(
            f"No example has a result for {', '.join(unknown)}. The file's models are: "
            f"{', '.join(have) or 'none'}."
        )
    kept, rows = [], []
    for example in examples:
        cells = {tier: example.models.get(name) for tier, name in models.items()}
        scores = {tier: cell.score for tier, cell in cells.items() if cell}
        best = scores.get(Tier.LARGE)
        if best is None or len(scores) < len(models) or None in scores.values():
            continue
        kept.append(example)
        rows.append(
            {
                tier: Outcome(
                    score=score,
                    equivalent=score >= best,
                    graded_by=GradedBy.RECORDED,
                    recorded_cost_usd=cell.cost_usd,
                    **cell.model_dump(include={"input_tokens", "output_tokens", "latency_ms"}),
                )
                for tier, cell in cells.items()
                if cell and (score := cell.score) is not None
            }
        )
    return OutcomeTable(models, {}, tuple(kept), tuple(rows))


class UncappedCalls:
    """Remembers nothing, knows no cap, tries once."""

    def __init__(self, clients: ModelClients) -> None:
        self._clients = clients

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,  # noqa: ARG002 (the protocol's)
    ) -> Reply:
        provider, _, model = name.partition("/")
        started = time.perf_counter()
        done = complete(self._clients(provider).stream(ModelCall(model, messages, params)))
        free = Price(input_usd_per_million=0, output_usd_per_million=0)
        price = free if provider == "local" else list_price(name)
        elapsed = (time.perf_counter() - started) * 1000
        return Reply(done.text, done.usage, cost_usd(done.usage, price), elapsed)
