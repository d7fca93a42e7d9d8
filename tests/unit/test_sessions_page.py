"""The worked conversation in docs/sessions.md follows from the rule and its prices."""

from dataclasses import dataclass
from pathlib import Path

from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.sessions import (
    CachedPart,
    Candidates,
    SessionDecision,
    SessionRule,
    SessionState,
    SessionTurn,
    state_after,
)
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from tests.support.checkout import ROOT

PAGE: Path = ROOT / "docs/sessions.md"
NAMES = {
    Tier.SMALL: "claude-haiku-4-5",
    Tier.MEDIUM: "claude-sonnet-4-5",
    Tier.LARGE: "claude-opus-4-6",
}
USD = {Tier.SMALL: 1.0, Tier.MEDIUM: 3.0, Tier.LARGE: 5.0}
CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=f"anthropic/{name}") for tier, name in NAMES.items()},
    router="anthropic/router",
    prices={
        f"anthropic/{NAMES[tier]}": Price(
            input_usd_per_million=usd,
            output_usd_per_million=5 * usd,
            cached_input_usd_per_million=usd / 10,
            cache_write_usd_per_million=1.25 * usd,
        )
        for tier, usd in USD.items()
    },
    capabilities={
        f"anthropic/{name}": Capabilities(cache_min_tokens=1024) for name in NAMES.values()
    },
)
RULE = SessionRule(CATALOG)
EVERYBODY = Candidates(ALL_TIERS, frozenset(CATALOG.names))


@dataclass(frozen=True)
class Step:
    says: str
    minute: float
    input_tokens: int
    router: Tier | None
    """What the router says; None in an open tool loop."""


STEPS = (
    Step('"Why does this test fail?", with tools', 0, 12_000, Tier.MEDIUM),
    Step("results of three tools", 0.2, 24_000, None),
    Step("results of one tool", 0.4, 30_000, None),
    Step('"Rewrite the scheduler without locks."', 3, 31_000, Tier.LARGE),
    Step('"Explain the second function."', 5, 31_800, Tier.MEDIUM),
    Step('"Thanks! A line for the change log, please."', 6, 32_500, Tier.SMALL),
    Step('"Is there a shorter name for it?"', 40, 33_000, Tier.SMALL),
)


def rows() -> list[str]:
    state: SessionState | None = None
    found = []
    for number, step in enumerate(STEPS, 1):
        turn = SessionTurn(
            step.input_tokens,
            300,
            continues=number > 1,
            tool_loop=step.router is None,
            cached=CachedPart(),
        )
        now = step.minute * 60
        decision = _decision(step, turn, state, now)
        found.append(_row(number, step, turn, state, decision))
        model = decision.model or CATALOG.tiers[decision.tier].model
        usage = Usage(step.input_tokens, 300, 0, step.input_tokens)
        state = state_after(state, turn, decision.tier, model, usage, now)
    return found


def _decision(
    step: Step, turn: SessionTurn, state: SessionState | None, now: float
) -> SessionDecision:
    held = RULE.held(turn, state, EVERYBODY)
    if held is not None:
        return held
    assert step.router is not None
    return RULE.moved(turn, state, step.router, EVERYBODY, now)


def _row(
    number: int,
    step: Step,
    turn: SessionTurn,
    state: SessionState | None,
    decision: SessionDecision,
) -> str:
    router = "not asked" if step.router is None else f"Tier {step.router.value}"
    usd = "–"
    if state is not None and decision.saved_usd is not None and step.router is not None:
        stay = RULE.expected_usd(state.model, turn, state, RULE.warm_tokens(state))
        move = RULE.expected_usd(CATALOG.tiers[step.router].model, turn, state, 0)
        usd = f"{stay:.4f} / {move:.4f}"
    cells = (
        f"{number}",
        step.says,
        f"{step.minute:g}",
        f"{step.input_tokens:,}",
        router,
        usd,
        f"**{decision.move}**: {NAMES[decision.tier]}",
        decision.ground.value,
    )
    return f"| {' | '.join(cells)} |"


def test_the_page_shows_what_the_rule_decides() -> None:
    page = PAGE.read_text("utf-8").splitlines()

    assert [line for line in page if line in rows()] == rows()
