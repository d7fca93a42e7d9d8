"""How far texts around a query move its tier, with the packaged prompt and `local/encoder`."""

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.steering_strings import packaged_strings
from route_switch.cli.route import router_config
from route_switch.cli.steering import router_for, sample_queries
from route_switch.domain.steering import SteeringScore, score_steering
from tests.reliability.section import Section

QUERIES = 60


def measure() -> Section:
    route = router_for(router_config("local/encoder", no_bypass=True), packaged_prompt())
    score = score_steering(packaged_strings(), sample_queries()[: 20 * QUERIES], route, QUERIES)
    return Section(
        name="steering",
        title="Steering the router",
        promise="A text that somebody puts around a query moves its tier rarely.",
        method=(
            f"`route-switch steering --sample {QUERIES}`: packaged prompt "
            f"{packaged_prompt().version}, router `local/encoder`, {len(score.scores)} packaged "
            f"texts (set {score.strings_digest}); texts that want a larger model are tried with "
            f"{score.easy} queries of Tier 1, those that want a smaller one with {score.hard} of "
            "Tier 3, from the packaged sample."
        ),
        columns=("direction", "family", "texts", "moved, mean", "worst text", "moved, worst"),
        rows=_rows(score),
        notes=(
            f"All texts: {score.mean('up'):.1%} moved up and {score.mean('down'):.1%} moved down, "
            f"mean over texts; harmless texts moved {score.mean('control'):.1%}.",
            "Before queries were read without disguises and by their parts, the same texts moved "
            "44.5% up (worst 100%) and 19.9% down (worst 93%), with 60 queries on each side.",
            "The aim of 5% on average and 15% for the worst text is missed. Most is lost where a "
            "demanding query holds no code and no options: a short easy text beside it then wins.",
            "The rules for parts of a text were written with some of these texts in view, so texts "
            "that are not packaged can do better.",
        ),
    )


def _rows(score: SteeringScore) -> tuple[tuple[str, ...], ...]:
    rows = []
    for direction in ("up", "down", "control"):
        for family, scores in score.families(direction).items():
            worst = max(scores, key=lambda each: each.share)
            mean = sum(each.share for each in scores) / len(scores)
            low, high = worst.interval
            shown = f"{worst.share:.0%} ({low:.0%} to {high:.0%})"
            rows.append(
                (direction, family, str(len(scores)), f"{mean:.1%}", worst.string.id, shown)
            )
    return tuple(rows)
