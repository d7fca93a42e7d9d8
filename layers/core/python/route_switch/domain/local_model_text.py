"""A local model in a prompt's Markdown: keys of the front matter, and a section to read.

    strategy = "hybrid"
    local_model = "<SHA-256 of the numbers>"
    ask_below = 0.05
    bypass_tokens = 12
    profile_quality = [2, 3, 3]
    profile_cost = [1, 1, 2]

    # Local model

    ## Tier 1

    - refund (+0.82)

The keys of the profiles have the tier that each of Tiers 1, 2 and 3 means for that profile, if the
router LLM names it. The numbers themselves are kept elsewhere, under their digest.
"""

import re
from collections.abc import Mapping

from route_switch.domain.local_model import LocalModel, StrongFeature
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

SECTION = "Local model"
RESERVED = (
    *("strategy", "local_model", "ask_below", "bypass_tokens"),
    *("profile_quality", "profile_cost"),
)
"""Keys of the front matter that are not provenance."""

_NOTE = "Strongest features for each tier, in log-odds. `local_model` names the numbers behind it."
_TIER = re.compile(r"^## Tier ([123])[ \t]*$", re.MULTILINE)
_FEATURE = re.compile(r"^- (.+) \(([+-]\d+\.\d\d)\)[ \t]*$", re.MULTILINE)


def front_of(prompt: RoutingPrompt) -> dict[str, str | float | list[int]]:
    """Return the reserved keys that the prompt needs; none for a prompt without a local model,
    tables of profiles and a bypass of its own."""
    model, tables = prompt.local_model, prompt.profiles
    values: dict[str, str | float | list[int] | None] = {
        "strategy": None if prompt.strategy == "prompt" else prompt.strategy,
        "local_model": None if model is None else model.sha256,
        "ask_below": None if model is None else model.ask_below,
        "bypass_tokens": prompt.bypass_tokens,
        "profile_quality": None if tables is None else [tier.value for tier in tables.quality],
        "profile_cost": None if tables is None else [tier.value for tier in tables.cost],
    }
    return {name: value for name, value in values.items() if value is not None}


def section_of(model: LocalModel) -> list[str]:
    """Return the section as blocks of Markdown; none without strong features."""
    if not model.strongest:
        return []
    blocks = [f"# {SECTION}", _NOTE]
    for tier in Tier:
        own = [each for each in model.strongest if each.tier is tier]
        if own:
            lines = (f"- {each.name} ({each.weight:+.2f})" for each in own)
            blocks += [f"## Tier {tier.value}", "\n".join(lines)]
    return blocks


def parse_reserved(front: Mapping[str, object], section: str) -> dict[str, object]:
    """Return the fields of a prompt that the reserved keys of its front matter and the section
    say. Raise `ValueError`."""
    fields: dict[str, object] = {n: front[n] for n in ("strategy", "bypass_tokens") if n in front}
    if "local_model" in front:
        fields["local_model"] = {
            "sha256": front["local_model"],
            "ask_below": front.get("ask_below"),
            "strongest": _strongest(section),
        }
    elif "ask_below" in front:
        raise ValueError("its front matter has ask_below, which needs local_model")
    tables = {n: front[f"profile_{n}"] for n in ("quality", "cost") if f"profile_{n}" in front}
    return {**fields, "profiles": tables} if tables else fields


def _strongest(section: str) -> tuple[StrongFeature, ...]:
    _, *rest = _TIER.split(section)
    return tuple(
        StrongFeature(tier=Tier(int(tier)), name=name, weight=float(weight))
        for tier, text in zip(rest[::2], rest[1::2], strict=True)
        for name, weight in _FEATURE.findall(text)
    )
