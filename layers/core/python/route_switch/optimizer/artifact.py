"""The candidate as an artifact: the prompt with its provenance."""

from textwrap import shorten

from route_switch.domain.learning import promise
from route_switch.domain.learning.drift import Prediction, as_provenance
from route_switch.domain.learning.outcome import measured_output_ratios
from route_switch.domain.learning.ratio_provenance import ratios_as_provenance
from route_switch.domain.prompts.steering_figures import as_provenance as as_steering_provenance
from route_switch.domain.prompts.verdict_scope import CONTENT, scope_of
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.promise_section import candidate_sentence

MAX_REASON = 180
"""Characters of the reason for an approval. The report has all of it."""


def candidate_prompt(found: Findings, plan: Plan, examples_digest: str) -> RoutingPrompt:
    """Return the candidate with its provenance.

    The provenance names no time and no machine, so the same run gives the same bytes even if it was
    interrupted.
    """
    provenance: Provenance = {
        "origin": "learned" if found.candidate.version != found.incumbent.version else "kept",
        "incumbent": found.incumbent.version,
        "examples": examples_digest,
        "proposer": plan.proposer_model if plan.searches else "none",
        "seed": plan.seed,
        "optimizer": plan.optimizer if plan.searches else "none",
        **(OPTIMIZERS[plan.optimizer].versions if plan.searches else {}),
        "verdict": found.verdict,
        CONTENT: found.candidate.version,
        **scope_of(plan.models, plan.prices, plan.config, plan.lambda_),
    }
    if found.needs_approval is not None:
        provenance["needs_approval"] = shorten(found.needs_approval, MAX_REASON, placeholder=" …")
    if found.promise is not None:
        limit = found.promise.limit if found.promise.candidate_holds else None
        sentence = candidate_sentence(found.promise)
        provenance |= promise.as_provenance(sentence, limit, found.candidate)
    provenance |= _steering(found)
    if found.built is not None:
        measured = measured_output_ratios(found.built.table)
        provenance |= ratios_as_provenance(measured, plan.models)
    if found.comparison is not None:
        provenance |= _measured(found) | _predicted(found)
    return found.candidate.model_copy(update={"provenance": provenance})


def _measured(found: Findings) -> Provenance:
    """Return the figures on held-out rows."""
    comparison, gate = found.comparison, found.gate
    assert comparison is not None  # noqa: S101 (the caller checked; for the type checker)
    figures = next(p for p in comparison.policies if p.policy == CANDIDATE)
    measured: Provenance = {
        "heldout_rows": comparison.n,
        "objective": round(figures.objective.mean, 6),
        "quality": round(figures.quality.mean, 6),
        "cost": round(figures.cost.mean, 6),
        "tier_3_usd": round(comparison.tier_3_usd, 9),
    }
    if gate is not None:
        measured |= {
            "gain": round(gate.mean, 6),
            "gain_low": round(gate.low, 6),
            "gain_high": round(gate.high, 6),
        }
    return measured


def _steering(found: Findings) -> Provenance:
    """Return the steering score of the candidate, if it was measured."""
    measured, version = found.steering, found.candidate.version
    scores = () if measured is None else (measured.proposed, measured.incumbent)
    own = next((figures for figures in scores if figures.prompt == version), None)
    return {} if own is None else as_steering_provenance(own)


def _predicted(found: Findings) -> Provenance:
    """Return the predicted tiers and lengths of traffic, from held-out rows of traffic only."""
    comparison, tables = found.comparison, found.tables
    assert comparison is not None and tables is not None  # noqa: S101 (as above)
    choices = comparison.measured[CANDIDATE].choice.argmax(axis=1)
    prediction = Prediction.from_rows(
        (comparison.arrays.tiers[choice], example.as_query.tokens, example.weight)
        for example, choice in zip(tables.heldout.examples, choices, strict=True)
        if example.from_traffic
    )
    return {} if prediction is None else as_provenance(prediction, found.candidate)
