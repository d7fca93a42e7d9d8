"""What a request would have cost on Tier 3: never unknown for want of a copied number."""

import math
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.baseline import Baseline, SavingBasis, estimate_baseline
from route_switch.domain.learning.ratio_provenance import ratios_as_provenance, ratios_in
from route_switch.domain.needs import Capabilities
from route_switch.domain.output_ratio import (
    MAX_BYTES,
    MAX_KEPT,
    MIN_ROWS,
    NOTHING_MEASURED,
    PRIOR,
    MeasuredRatio,
    OutputRatios,
    ratio_of_sums,
)
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.prompt_document import parse_prompt, to_markdown
from route_switch.domain.request_record import Attempt, record_as_json
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from tests.support.records import RECORD

PRICE = Price(input_usd_per_million=3, output_usd_per_million=15, cached_input_usd_per_million=0.3)
CATALOG = ModelCatalog(
    tiers={t: TierModels(model=f"x/{t.value}", fallbacks=("y/other",)) for t in Tier},
    router="x/r",
    prices={"x/3": PRICE},
)
USAGE = Usage(100, 10)


def measured(ratio: float, model: str = "x/1", large: str = "x/3") -> MeasuredRatio:
    return MeasuredRatio(
        ratio=ratio, low=ratio / 1.1, high=ratio * 1.1, model=model, tier_3_model=large, rows=200
    )


def estimate(
    tier: Tier = Tier.SMALL,
    model: str | None = "x/1",
    usage: Usage | None = USAGE,
    catalog: ModelCatalog = CATALOG,
    ratios: Iterable[MeasuredRatio] = (),
) -> Baseline:
    return estimate_baseline(usage, tier, model, catalog, OutputRatios(measured=tuple(ratios)))


def with_ratio(**ratios: float) -> ModelCatalog:
    known = {Tier[tier]: ratio for tier, ratio in ratios.items()}
    return CATALOG.model_copy(update={"tier_3_output_ratio": known})


def test_the_baseline_scales_the_output_and_assumes_a_ratio_that_was_not_measured() -> None:
    catalog = with_ratio(SMALL=2.0)
    small = estimate(catalog=catalog)
    assert small.cost_usd == cost_usd(Usage(100, 20), PRICE)
    medium = estimate(Tier.MEDIUM, "x/2", catalog=catalog)
    assert (medium.basis, medium.cost_usd) == (SavingBasis.PRIOR, cost_usd(USAGE, PRICE))
    assert medium.low_usd == cost_usd(Usage(100, 4), PRICE)
    assert medium.high_usd == cost_usd(Usage(100, 25), PRICE)
    large = estimate(Tier.LARGE, "x/3", catalog=catalog)
    assert large.cost_usd == large.low_usd == large.high_usd == cost_usd(USAGE, PRICE)
    assert large.basis is SavingBasis.TIER_3


def test_a_configured_ratio_wins_over_a_measured_one_and_has_no_bounds() -> None:
    found = estimate(catalog=with_ratio(SMALL=2.0), ratios=[measured(3.0)])
    assert (found.basis, found.cost_usd) == (
        SavingBasis.CONFIGURED,
        cost_usd(Usage(100, 20), PRICE),
    )
    assert found.low_usd == found.high_usd == found.cost_usd


def test_a_measured_ratio_is_used_for_the_models_that_it_was_measured_on() -> None:
    found = estimate(ratios=[measured(3.0)], usage=Usage(100, 1000))
    expected = (cost_usd(Usage(100, tokens), PRICE) for tokens in (3000, 2727, 3300))
    assert found == Baseline(SavingBasis.MEASURED, *expected)


@pytest.mark.parametrize(
    ("tier", "model", "ratio"),
    [
        (Tier.SMALL, "x/new", measured(3.0)),
        (Tier.SMALL, "y/other", measured(3.0)),
        (Tier.SMALL, "x/1", measured(3.0, large="x/former")),
        (Tier.LARGE, "y/other", measured(3.0)),
    ],
    ids=["new model", "fallback", "new Tier 3", "Tier 3's fallback"],
)
def test_a_ratio_measured_for_other_models_is_not_used(
    tier: Tier, model: str, ratio: MeasuredRatio
) -> None:
    assert estimate(tier, model, ratios=[ratio]).basis is SavingBasis.PRIOR


def test_an_unknown_baseline_says_why() -> None:
    assert estimate(model=None) == Baseline(SavingBasis.NO_ANSWER)
    assert estimate(usage=None) == Baseline(SavingBasis.NO_TOKENS)
    unpriced = CATALOG.model_copy(update={"prices": {}})
    assert estimate(catalog=unpriced) == Baseline(SavingBasis.NO_PRICE)


def test_after_a_change_of_the_model_tier_3_would_have_had_the_history_in_its_cache() -> None:
    moved = Usage(5000, 10)
    as_kept = Usage(5000, 10, cached_input_tokens=4000)
    for tier, model in ((Tier.SMALL, "x/1"), (Tier.LARGE, "x/3")):
        baseline = estimate_baseline(moved, tier, model, CATALOG, OutputRatios(), 4000)
        assert baseline.cost_usd == pytest.approx(cost_usd(as_kept, PRICE))


def test_what_tier_3_does_not_cache_is_not_read_from_its_cache() -> None:
    on_request = PRICE.model_copy(update={"cache_write_usd_per_million": 3.75})
    priced = CATALOG.model_copy(update={"prices": {"x/3": on_request}})
    shortest = {"x/3": Capabilities(cache_min_tokens=4096)}
    limited = priced.model_copy(update={"capabilities": shortest})
    for catalog, usage in (
        (CATALOG, Usage(5000, 10)),  # the history below is too short for any cache
        (priced, Usage(5000, 10)),  # the request has used no cache
        (limited, Usage(5000, 10, cache_write_tokens=5000)),
    ):
        alone = estimate_baseline(usage, Tier.SMALL, "x/1", catalog, OutputRatios())
        history = 1000 if catalog is CATALOG else 4000
        assert estimate_baseline(usage, Tier.SMALL, "x/1", catalog, OutputRatios(), history) == (
            alone
        )
    read = Usage(2000, 10, cached_input_tokens=1500)  # by a model that caches shorter prefixes
    baseline = estimate_baseline(read, Tier.SMALL, "x/1", limited, OutputRatios())
    assert baseline.cost_usd == pytest.approx(cost_usd(Usage(2000, 10), on_request))


def test_tier_3_would_have_read_the_same_tokens_from_its_cache() -> None:
    cached = Usage(1000, 10, cached_input_tokens=800)
    assert estimate(Tier.LARGE, "x/3", cached).cost_usd == cost_usd(cached, PRICE)
    assert estimate(usage=cached).cost_usd == cost_usd(cached, PRICE)


def test_a_request_of_unknown_cost_says_why_its_saving_is_unknown() -> None:
    known = replace(RECORD, baseline_cost_usd=1.0, baseline_basis=SavingBasis.MEASURED)
    unpriced = Attempt("m", Tier.SMALL, "answered", 1.0, usage=USAGE)
    uncounted = replace(unpriced, usage=None)
    for attempt, basis in ((unpriced, "no_price"), (uncounted, "no_tokens")):
        shown = record_as_json(replace(known, attempts=(attempt,)))
        assert (shown["saved_usd"], shown["saving_basis"]) == (None, basis)
        assert shown["baseline_estimated"] is False


def test_the_saving_lies_between_its_bounds() -> None:
    record = replace(
        RECORD,
        attempts=(Attempt("m", Tier.SMALL, "answered", 1.0, cost_usd=0.25),),
        baseline_cost_usd=1.0,
        baseline_low_usd=0.5,
        baseline_high_usd=2.0,
        baseline_basis=SavingBasis.PRIOR,
    )
    shown = record_as_json(record)
    saved = [shown[name] for name in ("saved_usd_low", "saved_usd", "saved_usd_high")]
    assert saved == [0.25, 0.75, 1.75]
    assert shown["baseline_estimated"] is True


Rows = list[tuple[float, int, int]]
rows = st.lists(
    st.tuples(st.floats(0.1, 10), st.integers(1, 4000), st.integers(1, 4000)),
    min_size=MIN_ROWS,
    max_size=60,
)


@given(rows)
def test_the_ratio_times_the_tokens_is_what_tier_3_wrote(drawn: Rows) -> None:
    found = ratio_of_sums("x/1", "x/3", drawn)
    assert found is not None
    written = math.fsum(weight * tokens for weight, tokens, _ in drawn)
    large = math.fsum(weight * tokens for weight, _, tokens in drawn)
    assert found.ratio * written == pytest.approx(large)
    assert 0 < found.low <= found.ratio <= found.high


@given(rows, st.integers(2, 9))
def test_longer_answers_of_tier_3_scale_the_ratio_and_its_bounds(drawn: Rows, times: int) -> None:
    one = ratio_of_sums("x/1", "x/3", drawn)
    other = ratio_of_sums("x/1", "x/3", [(w, x, times * y) for w, x, y in drawn])
    assert one is not None
    assert other is not None
    for name in ("ratio", "low", "high"):
        assert getattr(other, name) == pytest.approx(times * getattr(one, name))


def test_the_interval_covers_the_true_ratio_as_often_as_it_says() -> None:
    """Log-normal answer lengths, as of real models, 100 queries, true ratio of sums 1.5."""
    chance = random.Random(1)  # noqa: S311 (a simulation)
    inside = 0
    for _ in range(400):
        sample = []
        for _ in range(100):
            tokens = chance.lognormvariate(5, 0.8)
            longer = 1.5 * chance.lognormvariate(-0.125, 0.5)
            sample.append((1.0, round(tokens), round(tokens * longer)))
        found = ratio_of_sums("x/1", "x/3", sample)
        assert found is not None
        inside += found.low <= 1.5 <= found.high
    assert inside / 400 >= 0.91


def test_few_queries_or_empty_answers_measure_nothing() -> None:
    assert ratio_of_sums("x/1", "x/3", [(1.0, 10, 20)] * (MIN_ROWS - 1)) is None
    assert ratio_of_sums("x/1", "x/3", [(1.0, 0, 20)] * MIN_ROWS) is None
    assert ratio_of_sums("x/1", "x/3", [(1.0, 10, 0)] * MIN_ROWS) is None
    same = ratio_of_sums("x/1", "x/3", [(1.0, 10, 20)] * MIN_ROWS)
    assert same is not None
    assert (same.low, same.ratio, same.high) == (2.0, 2.0, 2.0)


def test_a_new_measurement_replaces_that_of_its_models_and_keeps_others() -> None:
    before = OutputRatios(measured=(measured(2.0), measured(3.0, "x/2")))
    after = before.updated([measured(4.0)])
    assert after.measured == (measured(4.0), measured(3.0, "x/2"))
    for number in range(3 * MAX_KEPT):
        after = after.updated([measured(1.0, f"x/m{number}")])
    assert len(after.measured) == MAX_KEPT
    assert len(after.to_json()) < 4096, "a standard parameter of Parameter Store"


def test_long_names_of_models_with_parameters_fit_the_parameter() -> None:
    ratios, name = OutputRatios(), "x/" + "m" * 400
    for number in range(MAX_KEPT):
        ratios = ratios.updated([measured(1.0, f"{name}{number}")])
    assert len(ratios.to_json()) <= MAX_BYTES
    assert len(ratios.measured) >= 2, "what a stage needs"
    assert ratios.measured[0].model == f"{name}{MAX_KEPT - 1}", "the newest are kept"


def test_ratios_survive_as_json_and_nothing_else_is_read() -> None:
    ratios = OutputRatios((measured(2.0), measured(3.0, "x/2")))
    assert OutputRatios.from_json(ratios.to_json()) == ratios
    for broken in ("?", "[]", "{}", '{"measured": [{"ratio": 1}]}', '{"measured": 5}'):
        with pytest.raises(ValueError, match=r"output ratios|Expecting"):
            OutputRatios.from_json(broken)
    reversed_bounds = ratios.to_json().replace('"low"', '"LOW"').replace('"high"', '"low"')
    with pytest.raises(ValueError, match="between low and high"):
        OutputRatios.from_json(reversed_bounds.replace('"LOW"', '"high"'))


def test_ratios_survive_in_a_prompts_provenance() -> None:
    models = {tier: f"x/{tier.value}" for tier in Tier}
    figures = ratios_as_provenance([measured(1.5), measured(2.5, "x/2")], models)
    provenance = {"tiers": "x/1,x/2,x/3", **figures}
    prompt = RoutingPrompt(instruction="Tier 1:\n- all", provenance=provenance)
    found = ratios_in(parse_prompt(to_markdown(prompt)).provenance)
    assert [(each.pair, each.ratio, each.rows) for each in found] == [
        (("x/1", "x/3"), 1.5, 200),
        (("x/2", "x/3"), 2.5, 200),
    ]
    two = ratios_as_provenance([measured(1.5)], {Tier.SMALL: "x/1", Tier.LARGE: "x/3"})
    assert [each.pair for each in ratios_in({"tiers": "x/1,x/3", **two})] == [("x/1", "x/3")]


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"tiers": "x/1,x/3"},
        {"tiers": "x/1,x/3", "output_ratio_1": "much"},
        {"tiers": "x/1,x/3", "output_ratio_1": 1.5},
        {"output_ratio_1": 1.5, "output_ratio_1_low": 1, "output_ratio_1_high": 2},
    ],
)
def test_a_provenance_without_whole_ratios_has_none(provenance: dict[str, str | float]) -> None:
    assert ratios_in({**provenance}) == ()


def test_the_prior_is_wide_and_nothing_is_measured_at_first() -> None:
    assert (PRIOR.low, PRIOR.ratio, PRIOR.high) == (0.4, 1.0, 2.5)
    assert NOTHING_MEASURED.of("x/1", "x/3") is None
