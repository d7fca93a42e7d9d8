"""The measured output ratios as figures in a prompt's provenance.

A candidate that a person promotes from a file brings its measurement along.
"""

from collections.abc import Iterable, Mapping

from route_switch.domain.output_ratio import MeasuredRatio
from route_switch.domain.routing_prompt import Provenance
from route_switch.domain.tiers import Tier


def ratios_as_provenance(
    measured: Iterable[MeasuredRatio], models: Mapping[Tier, str]
) -> Provenance:
    """Return the ratios of these tiers' models as figures of a prompt's provenance."""
    return {
        f"output_ratio_{tier.value}{suffix}": value
        for each in measured
        for tier, model in models.items()
        if tier is not Tier.LARGE and each.pair == (model, models[Tier.LARGE])
        for suffix, value in (
            ("", round(each.ratio, 4)),
            ("_low", round(each.low, 4)),
            ("_high", round(each.high, 4)),
            ("_rows", each.rows),
        )
    }


def ratios_in(provenance: Provenance) -> tuple[MeasuredRatio, ...]:
    """Return what `ratios_as_provenance` wrote next to `tiers`, the models that were measured."""
    *models, large = str(provenance.get("tiers", "")).split(",")
    tiers = (Tier.SMALL, Tier.MEDIUM)[: len(models)]
    found = (
        _ratio_in(provenance, f"output_ratio_{tier.value}", model, large)
        for tier, model in zip(tiers, models, strict=False)
    )
    return tuple(each for each in found if each is not None)


def _ratio_in(
    provenance: Provenance, name: str, model: str, tier_3_model: str
) -> MeasuredRatio | None:
    """Return None without a valid ratio: people may edit the provenance."""
    figures = (provenance.get(f"{name}{suffix}") for suffix in ("", "_low", "_high", "_rows"))
    ratio, low, high, rows = (0 if isinstance(each, str | None) else each for each in figures)
    try:
        return MeasuredRatio(
            ratio=ratio,
            low=low,
            high=high,
            rows=int(rows),
            model=model,
            tier_3_model=tier_3_model,
        )
    except ValueError:
        return None
