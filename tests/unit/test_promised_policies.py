"""Validation rows choose the order of the promise test, and fresh held-out rows certify."""

from dataclasses import replace

import numpy as np
import pytest

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.learning.calibration import Agreement, why_uncalibrated
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.promise import (
    NOT_PROMISED,
    losses_of,
    promise_of,
    promised_loss,
)
from route_switch.domain.learning.promotion import alpha_of_look
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.size_limit import PROVENANCE_BYTES
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT, Policy, routed_policy
from route_switch.optimizer.promise import (
    PolicyPromise,
    PromiseResult,
    PromiseTest,
    RankedPolicy,
    certifying_rows,
    in_sequence,
    policies_to_promise,
    rank,
)
from route_switch.optimizer.report.promise_section import candidate_sentence
from tests.support.learning import EXAMPLES, NAMES, PLAN, example, learn
from tests.support.searching import INCUMBENT as LIVE
from tests.support.searching import Models
from tests.unit.test_loop import from_traffic, knows_subjects

LIMIT = 0.05
SMALL, MEDIUM, LARGE = Tier


def arrays(n: int, lost: dict[Tier, int], weights: list[float] | None = None) -> OutcomeArrays:
    """Return n rows. A tier is worse than Tier 3 on the first `lost` of them."""
    equivalent = np.ones((n, 3))
    for tier, count in lost.items():
        equivalent[:count, tier - 1] = 0
    return OutcomeArrays(
        tiers=tuple(Tier),
        weights=np.array(weights or [1.0] * n),
        equivalent=equivalent,
        score=equivalent,
        cost_usd=np.tile([0.1, 0.4, 1.0], (n, 1)),
        latency_ms=None,
    )


def always(name: str, tier: Tier, n: int) -> Policy:
    return routed_policy(name, tuple(Tier), [tier] * n, [0.0] * n)


def prompts(n: int, candidate: Tier = SMALL, incumbent: Tier = LARGE) -> dict[str, Policy]:
    return {
        CANDIDATE: always(CANDIDATE, candidate, n),
        INCUMBENT: always(INCUMBENT, incumbent, n),
    }


def candidate(
    loss: float, at_most: float | None = None, needed: int | None = None
) -> PromiseResult:
    policy = PolicyPromise(CANDIDATE, 0.4, loss, at_most=at_most, needed=needed)
    return PromiseResult(LIMIT, 0.03, 1005, (policy,))


def ranked(rows: OutcomeArrays, candidate: Tier = SMALL) -> tuple[RankedPolicy, ...]:
    return rank(rows, policies_to_promise(rows, prompts(len(rows), candidate)))


def result_on(heldout: OutcomeArrays, order: tuple[RankedPolicy, ...]) -> PromiseResult:
    policies = policies_to_promise(heldout, prompts(len(heldout)))
    test = PromiseTest(LIMIT, order)
    found = tuple(in_sequence(test, heldout, policies, 1))
    return PromiseResult(LIMIT, alpha_of_look(1), len(heldout), found)


@pytest.mark.parametrize("without", [SMALL, MEDIUM])
def test_a_candidate_with_fewer_tiers_routes_as_a_key_with_fewer_tiers_does(without: Tier) -> None:
    """`keys create --tiers 2,3` deploys it."""
    chosen = [SMALL, MEDIUM, LARGE]
    rows = arrays(3, {})
    candidate = routed_policy(CANDIDATE, tuple(Tier), chosen, [0.0] * 3)
    policies = policies_to_promise(rows, {**prompts(3), CANDIDATE: candidate})
    allowed = frozenset(Tier) - {without}
    name = f"candidate --tiers {','.join(str(tier.value) for tier in sorted(allowed))}"
    routed = [Tier(column + 1) for column in policies[name].choice.argmax(axis=1)]
    assert routed == [nearest_allowed(tier, allowed) for tier in chosen]


def test_with_two_tiers_there_is_no_candidate_with_fewer() -> None:
    two = arrays(4, {}).take(np.arange(4))
    two = replace(
        two,
        tiers=(SMALL, LARGE),
        equivalent=two.equivalent[:, [0, 2]],
        score=two.score[:, [0, 2]],
        cost_usd=two.cost_usd[:, [0, 2]],
    )
    candidate = routed_policy(CANDIDATE, (SMALL, LARGE), [SMALL] * 4, [0.0] * 4)
    assert policies_to_promise(two, {CANDIDATE: candidate}).keys() == {CANDIDATE, "tier-1"}


def test_the_order_is_from_the_safest_policy_to_the_cheapest() -> None:
    order = ranked(arrays(100, {SMALL: 6, MEDIUM: 2}))
    assert [each.name for each in order][:3] == ["incumbent", "candidate --tiers 2,3", "candidate"]
    assert [each.losses.rate for each in order][:3] == [0.0, 0.02, 0.06]
    costs = [each.cost for each in order]
    assert costs == sorted(costs, reverse=True)


def test_a_policy_that_costs_no_less_than_a_safer_one_is_left_out_but_never_the_candidate() -> None:
    order = ranked(arrays(100, {SMALL: 0, MEDIUM: 2}), candidate=MEDIUM)
    assert [each.name for each in order] == ["tier-1", "candidate"]


def test_the_cheapest_policy_that_passes_is_promised() -> None:
    found = result_on(
        arrays(300, {SMALL: 3, MEDIUM: 1}), ranked(arrays(300, {SMALL: 4, MEDIUM: 2}))
    )
    assert found.candidate_holds
    assert found.cheapest is not None
    assert found.cheapest.name == CANDIDATE
    assert found.cheapest.at_most is not None
    assert 3 / 300 < found.cheapest.at_most <= LIMIT


def test_the_first_policy_that_fails_ends_the_test() -> None:
    """On the held-out rows Tier 1 is perfect, but the safer Tier 2 failed before."""
    order = ranked(arrays(300, {SMALL: 4, MEDIUM: 2}))
    found = result_on(arrays(300, {SMALL: 0, MEDIUM: 14}), order)
    by_name = {each.name: each for each in found.policies}
    assert by_name["incumbent"].certified
    assert not by_name["candidate --tiers 2,3"].certified
    assert by_name["candidate --tiers 2,3"].needed is not None
    assert by_name["candidate"].at_most is None
    assert not found.candidate_holds
    assert found.cheapest is not None
    assert found.cheapest.name == "incumbent"


def test_a_promise_does_not_rest_on_one_client() -> None:
    """Two thirds of the losses are in the rows of others, which are too few by themselves."""
    heldout = arrays(300, {SMALL: 4, MEDIUM: 2})
    policies = policies_to_promise(heldout, prompts(300))
    test = PromiseTest(LIMIT, ranked(arrays(300, {SMALL: 4, MEDIUM: 2})))

    def candidate_of(keys: list[str]) -> PolicyPromise:
        owners = [HeldOutGain(str(n), 0.0, asked_by={keys[n]: 1.0}) for n in range(300)]
        tested = in_sequence(test, heldout, policies, 1, owners)
        return next(each for each in tested if each.name == CANDIDATE)

    many = candidate_of([f"key_{n % 6}" for n in range(300)])
    assert (many.certified, many.rests_on) == (True, None)
    one = candidate_of(["key_0"] * 155 + [f"key_{1 + n % 5}" for n in range(145)])
    assert one.certified  # more than half of the traffic, none of it labeled by itself
    lean = candidate_of([f"key_{1 + n % 5}" for n in range(155)] + ["key_0"] * 145)
    assert (lean.certified, lean.rests_on) == (False, "key_0")
    found = PromiseResult(LIMIT, 0.03, 300, (lean,))
    assert candidate_sentence(found).endswith("it would rest on one client (key_0)")


def test_a_policy_above_the_limit_needs_no_number_of_rows() -> None:
    order = ranked(arrays(300, {SMALL: 4, MEDIUM: 2}))
    found = result_on(arrays(300, {SMALL: 20, MEDIUM: 2}), order)
    assert found.candidate is not None
    assert found.candidate.at_most is not None
    assert found.candidate.at_most > LIMIT
    assert found.candidate.needed is None


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (candidate(0.01, at_most=0.06, needed=590), "about 590 new rows are needed"),
        (candidate(0.0499, at_most=0.06), "more than 100,000 rows are needed"),
        (candidate(0.088), "8.8% of 1,005 answers were worse"),
        (candidate(0.01), "a safer policy failed before, which ended the test"),
        (PromiseResult(LIMIT, 0.03, 40, waits_for=29), "about 29 more rows are needed"),
    ],
    ids=["too few rows", "out of reach", "too many losses", "not tested", "no look"],
)
def test_a_candidate_without_its_promise_says_why(result: PromiseResult, said: str) -> None:
    assert candidate_sentence(result) == (
        f"it cannot be promised that at most 5% of answers are worse than Tier 3's: {said}"
    )


def test_weights_and_templates_reach_the_test() -> None:
    rows = arrays(4, {SMALL: 1}, weights=[3.0, 1.0, 1.0, 1.0])
    policy = always("tier-1", SMALL, 4)
    assert losses_of(certifying_rows(rows, policy)).rate == pytest.approx(0.5)
    templates = replace(rows, templates=np.array([0, 0, 1, 2]))
    clustered = losses_of(certifying_rows(templates, policy))
    assert clustered.n == 3
    assert clustered.rate == pytest.approx(0.5)


def test_a_look_waits_until_the_candidate_could_pass() -> None:
    perfect = PromiseTest(LIMIT, ranked(arrays(100, {})))
    assert perfect.rows_for_a_look(1, 50) == 69
    assert perfect.rows_for_a_look(10, 50) > perfect.rows_for_a_look(1, 50)
    lossy = PromiseTest(LIMIT, ranked(arrays(100, {SMALL: 2, MEDIUM: 1})))
    assert lossy.rows_for_a_look(1, 200) > 200


@pytest.mark.parametrize(("lost", "fresh"), [(30, 1000), (4, 100)], ids=["never", "too far"])
def test_if_the_candidate_is_out_of_reach_the_look_waits_only_for_the_safest_policy(
    lost: int, fresh: int
) -> None:
    order = ranked(arrays(100, {SMALL: lost, MEDIUM: 0}))
    assert PromiseTest(LIMIT, order).rows_for_a_look(1, fresh) == 69


ASKED = replace(PLAN, rounds=1, max_quality_loss=LIMIT)
MANY = tuple(example(number) for number in range(300))


def hard(number: int) -> Example:
    """Return an example that only Tier 3 answers well if its number is a multiple of 12."""
    if number % 12:
        return example(number)
    results = {
        name: {"score": float(tier == 2), "cost_usd": 0.001 * 4**tier}
        for tier, name in enumerate(NAMES)
    }
    return example(number, models=results)


@pytest.fixture(scope="module")
def promised() -> Findings:
    return learn(Models(router=knows_subjects), ASKED, MANY)[0]


def test_a_run_promises_a_candidate_that_loses_nothing_on_enough_rows(promised: Findings) -> None:
    assert promised.promise is not None
    assert promised.promise.candidate_holds
    assert promised.verdict == "better"
    made = candidate_prompt(promised, ASKED, "digest")
    rows = promised.promise.n
    assert promised_loss(made) == LIMIT
    assert promise_of(made) == (
        f"at most 5% of answers are worse than Tier 3's (95% confidence, {rows} rows)"
    )


def test_the_provenance_with_a_promise_fits_into_its_reserved_space(promised: Findings) -> None:
    name = "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    plan = replace(ASKED, models=dict.fromkeys(Tier, name), proposer_model=name)
    reason = why_uncalibrated(Agreement(share=1.0, kappa=None, n=100, flip_rate=None))
    found = from_traffic(replace(promised, needs_approval=reason))
    plain, made = (
        to_markdown(p).encode() for p in (found.candidate, candidate_prompt(found, plan, "f" * 64))
    )
    assert len(made) - len(plain) <= PROVENANCE_BYTES


def test_a_better_candidate_without_its_promise_does_not_have_the_verdict_better() -> None:
    rows = tuple(hard(number) for number in range(300))
    cheap = replace(ASKED, lambda_=0.6)
    found, _ = learn(Models(router=knows_subjects), cheap, rows)
    assert found.gate is not None
    assert found.gate.verdict == "better"
    assert found.verdict == NOT_PROMISED
    made = candidate_prompt(found, ASKED, "digest")
    assert made.provenance["verdict"] == NOT_PROMISED
    assert promised_loss(made) is None
    assert "cannot be promised" in str(promise_of(made))


def test_too_few_rows_for_a_promise_spend_no_look_and_are_kept() -> None:
    found, _ = learn(Models(router=knows_subjects), ASKED, EXAMPLES)
    assert found.gate is not None
    assert found.promise is not None
    assert found.gate.verdict == "not enough evidence"
    assert found.gate.history.looks == 0
    assert found.promise.waits_for == 69 - found.promise.n
    assert found.promise.policies == ()


def test_the_routes_of_validation_rows_are_not_paid_twice(promised: Findings) -> None:
    asked, plain = Models(router=knows_subjects), Models(router=knows_subjects)
    learn(asked, ASKED, MANY)
    learn(plain, replace(ASKED, max_quality_loss=None), MANY)
    assert len(asked.routed) == len(plain.routed)


def test_without_a_limit_nothing_is_promised_and_the_verdict_is_the_gates() -> None:
    found, _ = learn(Models(router=knows_subjects), replace(PLAN, rounds=1))
    assert found.promise is None
    assert found.gate is not None
    assert found.verdict == found.gate.verdict
    assert promise_of(candidate_prompt(found, PLAN, "digest")) is None


def test_a_kept_prompt_is_tested_once_and_not_again_when_it_has_its_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_large = Models(router=lambda _: "3")
    found, _ = learn(all_large, ASKED, MANY)
    assert found.candidate.version == LIVE.version
    assert found.promise is not None
    assert found.promise.candidate_holds
    assert found.verdict == "not better"
    assert found.gate is not None
    assert found.gate.history.looks == 1
    kept = candidate_prompt(found, ASKED, "digest")
    monkeypatch.setattr("tests.support.learning.INCUMBENT", kept)
    again, _ = learn(all_large, ASKED, MANY)
    assert again.promise is None
    assert again.gate is not None
    assert again.gate.history.looks == 0
