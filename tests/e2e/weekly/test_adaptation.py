"""Three weeks of traffic through the API, with a shift after the first. Learning adapts to it and
otherwise keeps the prompt. The models are simulated (`scripted_models`)."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.outcome_file import read_outcomes
from route_switch.adapters.operations.dynamodb_feedback import DynamoDbFeedback
from route_switch.adapters.results_table import record_key
from route_switch.domain.learning.example import query_key
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback
from route_switch.domain.learning.split import Side, side_of
from route_switch.domain.pricing import Price
from route_switch.optimizer.arrays import arrays_of
from tests.e2e.conftest import RouteSwitch, client_of
from tests.support.scripted_models import (
    CRITERION,
    OTHER_CRITERION,
    PRICES,
    PROOF,
    TRANSLATION,
    Models,
    is_right,
    numbers,
    query,
    routed,
)
from tests.support.weekly import Weekly, check_end, run_id

SIDES = {"train": 20, "validation": 16, "heldout": 52}
"""Queries per week. The gate needs 50 new held-out ones."""
PROOFS = [query(n, PROOF) for n in numbers(**SIDES, hard=PROOF)]
TRANSLATIONS = [query(n, TRANSLATION) for n in numbers(**SIDES, first=1000, hard=TRANSLATION)]
MORE_OF_BOTH = [
    query(2000),
    *(query(n, hard) for n in (2001, 2003) for hard in (PROOF, TRANSLATION)),
]
USERS = 8
LABELS = 64
"""Answers that people rate. 50 are enough to calibrate the judge, also without any one user."""
LAMBDA = LearningConfig.model_fields["lambda_"].default


@dataclass(frozen=True)
class SentRequest:
    """A request through the API."""

    text: str
    request_id: str
    model: str


def send(weekly: Weekly, queries: Sequence[str]) -> list[SentRequest]:
    """Send queries as an application does, with the model `auto`."""
    weekly.upstream.script = Models()
    client = client_of(weekly.stack).with_options(max_retries=2)

    def ask(text: str) -> SentRequest:
        answer = client.chat.completions.with_raw_response.create(
            model="auto",
            messages=[{"role": "user", "content": text}],
            user=f"user {crc32(text.encode()) % USERS}",
        )
        return SentRequest(text, answer.headers["x-request-id"], answer.headers["x-route-model"])

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, queries))


def label(weekly: Weekly, sent: Sequence[SentRequest]) -> None:
    """Give each answer a thumb."""
    dynamodb, table = weekly.client("dynamodb"), weekly.stack.results_table
    store = DynamoDbFeedback(dynamodb, table)
    for each in sent:
        key = record_key(each.request_id)
        key_id = dynamodb.get_item(TableName=table, Key=key)["Item"]["key_id"]["S"]
        thumb = GivenFeedback(adequate=is_right(each.model, each.text))
        assert store.save_feedback(each.request_id, key_id, thumb) is FeedbackStatus.KEPT


@dataclass(frozen=True)
class LearningResult:
    """A run, its report, and the models with this run's calls."""

    run: str
    report: Any  # plain JSON, as a script would read it
    models: Models

    @property
    def answers(self) -> int:
        """The number of calls to tier models."""
        return sum(self.models.by_model[tier] for tier in ("small", "medium", "large"))


def learn(weekly: Weekly, outcome: str, *criteria: str) -> LearningResult:
    """Run learning as scheduled, with a proposer that knows these criteria."""
    weekly.upstream.script = models = Models(criteria=criteria)
    time = weekly.next_time()
    check_end(weekly, weekly.run(time), outcome)
    learned = LearningResult(
        run_id(time), json.loads(weekly.read(f"runs/{run_id(time)}/report.json")), models
    )
    # The report counts each call once; any further call at the server was paid twice.
    assert Counter(learned.report["spend"]["calls"]) == Counter(
        answer=learned.answers,
        **{name: models.by_model[name] for name in ("judge", "proposer", "router")},
    )
    return learned


def heldout(weekly: Weekly, run: str, queries: Sequence[str], folder: Path) -> OutcomeTable:
    """Return the run's outcomes for the held-out queries among these."""
    for key in (f"work/{run}/examples.jsonl.gz", f"runs/{run}/outcomes.jsonl.gz"):
        (folder / Path(key).name).write_bytes(weekly.read(key))
    prices = {
        name: Price(input_usd_per_million=read, output_usd_per_million=written)
        for name, (read, written) in PRICES.items()
    }
    examples = read_examples(folder / "examples.jsonl.gz")
    table = read_outcomes(folder / "outcomes.jsonl.gz", examples, prices)
    keys = {query_key(text) for text in queries}
    kept = [
        (example, row)
        for example, row in zip(table.examples, table.rows, strict=True)
        if example.key in keys and side_of(example.template_key) is Side.HELDOUT
    ]
    return replace(table, examples=tuple(e for e, _ in kept), rows=tuple(row for _, row in kept))


def objective(table: OutcomeTable, document: str) -> float:
    """Return quality − λ · cost on the table's rows if the router uses this prompt."""
    columns = [routed(document, example.query) - 1 for example in table.examples]
    rewards = arrays_of(table).rewards(LAMBDA)
    return float(rewards[range(len(columns)), columns].mean())


def test_learning_adapts_to_shifted_traffic_and_otherwise_keeps_the_prompt(
    weekly: Weekly, route_switch: RouteSwitch, tmp_path: Path
) -> None:
    version, hand_written = weekly.live
    label(weekly, send(weekly, PROOFS)[:LABELS])
    first = learn(weekly, "promoted", CRITERION)
    at_first, knows_proofs = weekly.live
    assert at_first == version + 1
    agreement = first.report["agreement"]
    assert (agreement["n"], agreement["kappa"]) == (LABELS, 1.0)
    assert first.answers == 2 * len(PROOFS)  # traffic has the third
    proofs = heldout(weekly, first.run, PROOFS, tmp_path)
    before, after = objective(proofs, hand_written), objective(proofs, knows_proofs)
    assert after > before + 0.3, f"on proofs: {before:.3f}, then {after:.3f}"

    send(weekly, TRANSLATIONS)
    second = learn(weekly, "promoted", CRITERION, OTHER_CRITERION)
    at_second, knows_both = weekly.live
    assert at_second == version + 2
    translations = heldout(weekly, second.run, TRANSLATIONS, tmp_path)
    gate = second.report["gate"]
    assert (gate["look"], gate["gain"]["n"]) == (2, len(translations.examples))
    before, after = objective(translations, knows_proofs), objective(translations, knows_both)
    measured = f"on translations: {before:.3f}, then {after:.3f}"
    assert after > before + 0.3, measured
    assert after - before == pytest.approx(gate["gain"]["mean"], abs=0.05), measured
    assert objective(proofs, knows_both) == objective(proofs, knows_proofs)
    assert second.answers == 2 * len(TRANSLATIONS)
    assert not first.models.paid_once & second.models.paid_once

    send(weekly, MORE_OF_BOTH)
    third = learn(weekly, "not better", CRITERION, OTHER_CRITERION)
    assert weekly.live == (at_second, knows_both)
    assert third.answers == 2 * len(MORE_OF_BOTH)
    assert all(any(text in call for text in MORE_OF_BOTH) for call in third.models.paid_once)
    told = json.loads(route_switch("runs", "--json").stdout)
    assert [(each["run"], each["outcome"], each["live_version"]) for each in told] == [
        (third.run, "not better", None),
        (second.run, "promoted", at_second),
        (first.run, "promoted", at_first),
    ]
