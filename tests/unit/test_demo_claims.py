"""Whose requests demos were taken from, and what a deletion withdraws."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from route_switch.adapters.learning.demo_claims import CLAIMS, DemoClaims
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.operations.deletion import (
    OWNER,
    Claims,
    DeletionNote,
    keys_of_demos,
    withdrawn_demos,
    without_demos,
)
from route_switch.domain.routing_prompt import Demo, Provenance, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.claimed_demos import claims_to_demos
from tests.support.learning import PLAN, learn
from tests.support.searching import INCUMBENT, Models

TIDES, RAIN = "Why are there tides?", "Why does it rain?"
LEARNED: Provenance = {"origin": "learned"}
PACKAGED = packaged_prompt()


def prompt(*queries: str, **changes: object) -> RoutingPrompt:
    demos = tuple(Demo(query=query, tier=Tier.SMALL) for query in queries)
    return PACKAGED.model_copy(update={"demos": demos, "provenance": LEARNED, **changes})


def note(query: str = TIDES, client: str | None = "key_a", at: float = 10.0) -> DeletionNote:
    return DeletionNote.from_request("chatcmpl-1", query, (), {}, client=client, at=at)


def is_withdrawn(*notes: DeletionNote, **claims: float) -> bool:
    known = {query_key(TIDES): claims}
    return withdrawn_demos(prompt(TIDES, RAIN), known, notes) == {query_key(TIDES)}


def test_a_deletion_withdraws_the_claim_of_its_own_client_alone() -> None:
    assert is_withdrawn(note(), key_a=1.0)
    assert not is_withdrawn(note(client="key_b"), key_a=1.0)
    assert not is_withdrawn(note(), key_a=1.0, key_b=1.0)
    assert is_withdrawn(note(), note(client="key_b"), key_a=1.0, key_b=1.0)
    assert not is_withdrawn(note(RAIN, "key_a"), key_a=1.0)


def test_users_of_a_key_are_clients_of_their_own() -> None:
    assert not withdrawn_demos(
        prompt(TIDES), {query_key(TIDES): {"k/ann": 1.0}}, [note(TIDES, "k")]
    )


def test_a_client_that_asks_again_after_a_deletion_has_a_new_claim() -> None:
    assert is_withdrawn(note(at=10.0), key_a=10.0)
    assert not is_withdrawn(note(at=10.0), key_a=11.0)


def test_a_deletion_by_an_earlier_version_may_be_of_any_client() -> None:
    assert is_withdrawn(note(client=None), key_a=1.0)


def test_no_deletion_withdraws_the_owners_claim() -> None:
    claims = {query_key(TIDES): {OWNER: 0.0}}
    for client in (None, OWNER, "key_a"):
        assert not withdrawn_demos(prompt(TIDES), claims, [note(TIDES, client)])


def test_a_demo_of_an_earlier_version_goes_with_any_request_that_has_its_text() -> None:
    assert withdrawn_demos(prompt(TIDES), {}, [note()]) == {query_key(TIDES)}
    assert not withdrawn_demos(prompt(RAIN), {}, [note()])


def test_no_deletion_touches_the_demos_of_a_prompt_that_a_person_wrote() -> None:
    (demo, *_) = PACKAGED.demos
    assert not withdrawn_demos(PACKAGED, {}, [note(demo.query)])


def test_a_prompt_without_withdrawn_demos_keeps_the_others() -> None:
    both = prompt(TIDES, RAIN)
    assert without_demos(both, frozenset({query_key(TIDES)})) == prompt(RAIN)
    assert without_demos(both, frozenset()) is both


# What a run notes.


def example(query: str, *clients: str, **fields: object) -> Example:
    row = {"query": query, "asked_by": dict.fromkeys(clients, 1.0), "from_traffic": bool(clients)}
    return Example.model_validate({**row, **fields})


def claims(candidate: RoutingPrompt, *examples: Example, incumbent: RoutingPrompt) -> Claims:
    return claims_to_demos(candidate, incumbent, examples, "redacted", 5.0)


def test_a_candidates_demos_are_claimed_by_all_who_asked_them() -> None:
    mail = "Where is the mail of"
    rows = (
        example(TIDES, "key_a", "key_b"),
        example(f"{mail} ann@example.org now?", "key_a"),
        example(f"{mail} bob@example.org now?", "key_c/ann"),
        example(RAIN, "key_d"),
    )
    candidate = prompt(TIDES, f"{mail} [email] now?")
    found = claims(candidate, *rows, incumbent=prompt())
    assert found[query_key(TIDES)] == {"key_a": 5.0, "key_b": 5.0}
    assert found[query_key(f"{mail} [email] now?")] == {"key_a": 5.0, "key_c/ann": 5.0}
    assert query_key(RAIN) not in found


def test_seed_examples_and_prompts_that_a_person_wrote_are_the_owners() -> None:
    written = prompt(RAIN, provenance={"origin": "hand-written"})
    candidate = prompt(TIDES, RAIN)
    found = claims(candidate, example(TIDES), incumbent=written)
    assert OWNER in found[query_key(TIDES)]
    assert OWNER in found[query_key(RAIN)]


def test_the_packaged_demos_are_the_owners_in_any_prompt() -> None:
    claims = DemoClaims(Files()).read()
    queries = [demo.query for demo in PACKAGED.demos]
    assert queries
    assert not withdrawn_demos(prompt(*queries), claims, [note(query) for query in queries])


def test_demos_that_a_prompt_learned_before_are_claimed_only_by_clients_that_ask_them_now() -> None:
    kept = prompt(TIDES, RAIN)
    found = claims(kept, example(RAIN, "key_b"), incumbent=kept)
    assert query_key(TIDES) not in found
    assert found[query_key(RAIN)] == {"key_b": 5.0}


@dataclass
class Files:
    """`RunFiles` in memory."""

    contents: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0

    def read(self, name: str) -> bytes | None:
        return self.contents.get(name)

    def write(self, name: str, content: bytes) -> None:
        self.contents[name] = content

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        self.writes += 1
        self.contents[name] = change(self.contents.get(name))


def test_claims_are_kept_until_a_deletion_withdraws_them_and_the_demo_stays_known() -> None:
    files, key = Files(), query_key(TIDES)
    kept = DemoClaims(files)
    kept.add({key: {"key_a": 1.0}})
    kept.add({key: {"key_b": 2.0, "key_a": 0.5}})
    assert kept.read()[key] == {"key_a": 1.0, "key_b": 2.0}
    assert kept.withdraw([note(client="key_c"), note(RAIN)]) == frozenset()
    assert files.writes == 2, "nothing was withdrawn"
    assert kept.withdraw([note(client="key_a")]) == {key}
    assert kept.withdraw([note(client="key_b")]) == {key}
    assert kept.read()[key] == {}
    assert withdrawn_demos(prompt(TIDES), kept.read(), []) == {key}, "notes expire"


def test_claims_hold_no_text() -> None:
    files = Files()
    DemoClaims(files).add(claims(prompt(TIDES), example(TIDES, "key_a"), incumbent=prompt()))
    assert "tides" not in json.dumps(files.contents[CLAIMS].decode())


# What a search does with them.


@pytest.mark.parametrize("optimizer", ["mipro", "gepa"])
def test_no_candidate_keeps_a_demo_whose_request_was_deleted(optimizer: OptimizerName) -> None:
    found, _ = learn(
        Models(), replace(PLAN, optimizer=optimizer), withdrawn=keys_of_demos(INCUMBENT)
    )
    (demo,) = INCUMBENT.demos
    assert found.trials
    assert all(demo not in trial.prompt.demos for trial in found.trials)
    assert demo not in found.candidate.demos or found.candidate == INCUMBENT
