"""What the report says about the promise: at most a given share of answers worse than Tier 3's."""

from collections.abc import Mapping

from route_switch.domain.learning.promise import MOST_ROWS, percent, promise_sentence
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.promise import PolicyPromise, PromiseResult
from route_switch.optimizer.report.figures import Promise, PromisedPolicy, Report
from route_switch.optimizer.report.text_format import ReportTable, fixed, share

NOT_TESTED = "not tested"
PROMISED = "promised"


def promise_figures(result: PromiseResult) -> Promise:
    """Return the result as it appears in the report."""
    return Promise(
        max_quality_loss=result.limit,
        alpha=result.alpha,
        n=result.n,
        policies=tuple(_figures(policy) for policy in result.policies),
        cheapest=result.cheapest.name if result.cheapest else None,
        candidate=candidate_sentence(result),
        candidate_holds=result.candidate_holds,
        waits_for=result.waits_for,
    )


def candidate_sentence(result: PromiseResult) -> str:
    """Say what can be promised about the candidate, as its provenance records it."""
    if result.candidate_holds:
        return promise_sentence(result.limit, result.n)
    return (
        f"it cannot be promised that at most {percent(result.limit)} of answers are worse than "
        f"Tier 3's: {_why_not(result)}"
    )


def _why_not(result: PromiseResult) -> str:
    candidate = result.candidate
    if result.waits_for is not None or candidate is None:
        return f"about {rounded(result.waits_for or 0)} more rows are needed"
    if candidate.rests_on is not None:
        return f"it would rest on one client ({candidate.rests_on})"
    if candidate.loss >= result.limit:
        return f"{share(candidate.loss)} of {result.n:,} answers were worse"
    if candidate.needed is not None:
        return f"about {rounded(candidate.needed)} new rows are needed"
    if candidate.at_most is not None:
        return f"more than {MOST_ROWS:,} rows are needed"
    return "a safer policy failed before, which ended the test"


def promise_paragraphs(report: Report) -> tuple[str, ...]:
    promise = report.promise
    if promise is None:
        return ()
    kept = report.candidate_prompt == report.incumbent_prompt
    candidate = report.current if kept else report.learned
    names = {CANDIDATE: candidate, INCUMBENT: report.current}
    limit = percent(promise.max_quality_loss)
    paragraphs = (
        f"The promise: with 95% confidence, at most {limit} of answers are worse than Tier 3's.",
        _outcome(promise, names),
    )
    return (*paragraphs, _method(promise, report.learned)) if promise.policies else paragraphs


def _outcome(promise: Promise, names: Mapping[str, str]) -> str:
    if promise.waits_for is not None:
        return (
            "It cannot be promised yet for any policy. Judged by the validation rows, about "
            f"{rounded(promise.waits_for)} more held-out rows are needed. The {promise.n:,} that "
            "are there were kept for a later run, and no look was spent. Add examples and run "
            "again."
        )
    if promise.cheapest is None:
        missing = _missing(promise, names)
        return f"It cannot be promised for any policy except all Tier 3. {missing}"
    chosen = next(each for each in promise.policies if each.policy == promise.cheapest)
    known = (
        f"The cheapest policy with this promise is {_named(chosen, names)}: cost "
        f"{fixed(chosen.cost)}, {share(chosen.loss)} of answers worse on {promise.n:,} rows, at "
        f"most {share(chosen.at_most or 0.0)} with confidence."
    )
    return known if promise.candidate_holds else f"{known} {_missing(promise, names)}"


def _missing(promise: Promise, names: Mapping[str, str]) -> str:
    """Say what the first policy that failed would need."""
    failed = next((p for p in promise.policies if p.at_most is not None and not p.certified), None)
    if failed is None:
        return ""
    if failed.rests_on is not None:
        return (
            f"{_sentence_start(_named(failed, names))} would pass only with the rows of one client "
            f"({failed.rests_on}). No promise rests on one client: it needs more rows of others."
        )
    if failed.needed is None:
        return (
            f"For {_named(failed, names)}, no reachable number of rows is enough if "
            f"{share(failed.loss)} of its answers stay worse."
        )
    return (
        f"For {_named(failed, names)}, a look needs about {rounded(failed.needed)} new rows if "
        f"the share of worse answers stays {share(failed.loss)}."
    )


def rounded(rows: int) -> str:
    """Return the number, rounded up to two digits: it is an estimate."""
    unit = 10 ** max(len(str(rows)) - 2, 0)
    return f"{-(-rows // unit) * unit:,}"


def _named(policy: PromisedPolicy, names: Mapping[str, str]) -> str:
    return names.get(policy.policy, f"“{policy.policy}”")


def _sentence_start(text: str) -> str:
    return text[0].upper() + text[1:]


def _method(promise: Promise, learned: str) -> str:
    return (
        "Validation rows chose the order of the test, and rows that nothing was chosen by decide. "
        "The safest policy comes first, and the first failure ends the test. This look spends "
        f"{promise.alpha:.3g} of the promises' own error budget of 0.05 over all looks. “candidate "
        f"--tiers 2,3” is {learned} for keys that are created with these tiers, and "
        "“tier-2” is 'route-switch switch pin-tier 2'."
    )


def promise_table(promise: Promise) -> ReportTable:
    return ReportTable(
        caption=f"Policies in the order of the test, on {promise.n:,} held-out rows that no "
        "earlier look used. “At most” is the upper bound at this look's level.",
        head=("Policy", "Promise", "Cost", "Worse", "At most", "Rows needed"),
        rows=tuple(_row(policy) for policy in promise.policies),
        texts=2,
        strong=frozenset(
            i for i, policy in enumerate(promise.policies) if policy.policy == promise.cheapest
        ),
    )


def _row(policy: PromisedPolicy) -> tuple[str, ...]:
    tested = policy.at_most is not None
    failed = "cannot be promised" if tested else NOT_TESTED
    return (
        policy.policy,
        PROMISED if policy.certified else failed,
        fixed(policy.cost),
        share(policy.loss),
        share(policy.at_most) if policy.at_most is not None else NOT_TESTED,
        "—" if policy.needed is None else f"about {rounded(policy.needed)}",
    )


def _figures(policy: PolicyPromise) -> PromisedPolicy:
    return PromisedPolicy(
        policy=policy.name,
        cost=policy.cost,
        loss=policy.loss,
        certified=policy.certified,
        at_most=policy.at_most,
        needed=policy.needed,
        rests_on=policy.rests_on,
    )
