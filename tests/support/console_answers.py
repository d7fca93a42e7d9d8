"""Answers of the API for a team's month, made up: the figures of the console's screenshots, and
what its tests of states begin with. What belongs together is derived from one figure. A test
compares the answers' form with docs/openapi.json, and their sums with each other."""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from pydantic import JsonValue

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.steering_strings import packaged_score
from route_switch.api.prompt_answers import evidence_body
from route_switch.domain.operations.switch_effects import SWITCH_EFFECTS, WHEN_SWITCHED
from route_switch.domain.prompt_document import parse_prompt, to_markdown
from route_switch.domain.prompts.stated_evidence import stated_origin
from route_switch.domain.prompts.steering_figures import known_score

Answer = dict[str, JsonValue]

KeyRow = tuple[str, str, str, Mapping[str, str], float | None, int]
"""Id, name, role, tags, monthly budget, and this month's requests."""

NOW = datetime(2026, 11, 30, 14, 20, tzinfo=UTC)
MODELS = ("openai/gpt-4.1-nano", "openai/gpt-4.1-mini", "openai/gpt-4.1")
ROUTER = MODELS[0]
KEYS: tuple[KeyRow, ...] = (
    ("key_7b1f20c4", "search", "client", {"team": "search"}, 10.0, 4_960),
    ("key_91ae55d0", "support-bot", "client", {"team": "support", "stage": "beta"}, 12.0, 6_325),
    ("key_c2d80e11", "notebooks", "client", {"team": "research"}, None, 925),
    ("key_03f4a9be", "owner", "admin", {}, None, 190),
)
REQUESTS = sum(row[5] for row in KEYS)
USD_A_REQUEST, TIER_3_USD_A_REQUEST = 0.00161, 0.00448
"""What this month's requests cost on average, and what they would have cost on Tier 3."""
RUN = "2026-11-29T030000Z"
FIRST_RUN = "2026-11-01T030000Z"
WAITING = "2026-11-30T091500Z-manual"
LEARNING_USD = {
    WAITING: 1.52,
    RUN: 1.61,
    "2026-11-22T030000Z": 1.58,
    "2026-11-15T030000Z": 1.66,
    "2026-11-08T030000Z": 1.71,
    FIRST_RUN: 1.54,
}
"""What each of this month's runs spent."""
LEARNING_BUDGET_USD = 25.0
HELDOUT_ROWS = 1204
LAMBDA = 0.2
HALF = 0.012
"""Half of the interval of a gain."""
TIER_3_USD = 0.00481
"""An answer of Tier 3 in the examples of the runs."""
FOUND = {
    WAITING: ((0.979, 0.00186), (0.961, 0.00198)),
    RUN: ((0.961, 0.00198), (0.943, 0.00236)),
    FIRST_RUN: ((0.943, 0.00236), (0.925, 0.0026)),
}
"""Quality and cost of an answer with a run's candidate, and with the prompt that was live."""
PROMISE = "at most 5% of answers are worse than Tier 3's (95% confidence, 1,204 rows)"
STEERING: Answer = {
    "proposed": {
        "up": {"mean": 0.0625, "worst": "up-22", "moved": 11, "n": 96},
        "down": {"mean": 0.021, "worst": "down-3", "moved": 4, "n": 96},
    },
    "incumbent": {
        "up": {"mean": 0.071, "worst": "up-22", "moved": 13, "n": 96},
        "down": {"mean": 0.024, "worst": "down-3", "moved": 4, "n": 96},
    },
    "refused": None,
}
HAND_WRITTEN = to_markdown(packaged_prompt())
EDITED = HAND_WRITTEN.replace("a greeting, thanks, small talk", "a greeting, thanks, chit-chat")


def iso(days: float = 0.0) -> str:
    """The time this many days ago."""
    return (NOW - timedelta(days=days)).isoformat(timespec="seconds")


def gain_of(run: str) -> float:
    """By how much a run's candidate is better: quality, less what the quality costs."""
    (quality, usd), (incumbent, incumbent_usd) = FOUND[run]
    return round(quality - incumbent + LAMBDA * (incumbent_usd - usd) / TIER_3_USD, 3)


def second() -> str:
    """The prompt of the month's first run, which `learned` replaced."""
    basic = "what a basic command does, or how to do one basic thing in a program"
    return changed_by(
        FIRST_RUN, HAND_WRITTEN, {basic: "what a command does, or how to do one thing in a program"}
    )


def learned() -> str:
    """The prompt of `RUN`, which is live: it differs from `second` in a few words."""
    return changed_by(
        RUN,
        second(),
        {
            "- one step of arithmetic, a percentage, rounding or a unit conversion": (
                "- one or two steps of arithmetic, a percentage, rounding or a unit conversion\n"
                "- a question about opening hours, prices or return policies of the shop"
            ),
            "- a specialized question of law or medicine": "- any question of tax, law or medicine",
        },
    )


def proposed() -> str:
    """The prompt that `WAITING` proposes in place of `learned`."""
    changes = {
        "- summarizing a document or comparing options that are given": (
            "- summarizing a document, or comparing products or options that are given"
        ),
        "- creative writing where style and originality matter": (
            "- creative writing where style and originality matter\n"
            "- a complaint that mentions a lawyer, an injury or the press"
        ),
    }
    return changed_by(WAITING, learned(), changes)


def changed_by(run: str, document: str, changes: Mapping[str, str]) -> str:
    """A prompt as a run writes it, with what the run found about it."""
    before = parse_prompt(document)
    instruction = before.instruction
    for old, new in changes.items():
        instruction = instruction.replace(old, new)
    changed = before.model_copy(update={"instruction": instruction})
    (quality, usd), gain = FOUND[run][0], gain_of(run)
    provenance: dict[str, str | int | float | bool] = {
        "origin": "learned",
        "incumbent": before.version,
        "verdict": "better",
        "optimizer": "mipro",
        "router": ROUTER,
        "content": changed.version,
        "heldout_rows": HELDOUT_ROWS,
        "quality": quality,
        "cost": round(usd / TIER_3_USD, 3),
        "gain": gain,
        "gain_low": round(gain - HALF, 3),
        "gain_high": round(gain + HALF, 3),
        "promise": PROMISE,
        "promise_for": changed.version,
        "promised_loss": 0.05,
        "steering": "router 24 7f3a 0.0625:11/96:up-22 0.021:4/96:down-3 0.01",
    }
    return to_markdown(changed.model_copy(update={"provenance": provenance}))


def prompt(number: int, document: str, days: float, by: str, live: int = 3) -> Answer:
    parsed = parse_prompt(document)
    score = known_score(parsed, packaged_score())
    return {
        "object": "prompt",
        **version(number, document, days, by),
        "serving": f"live@{live}",
        "document": document,
        "steering": None if score is None else score.model_dump(mode="json"),
        "origin": stated_origin(parsed),
        "evidence": evidence_body(parsed),
    }


def version(number: int, document: str, days: float, by: str) -> Answer:
    return {
        "version": f"live@{number}",
        "digest": parse_prompt(document).version,
        "strategy": "prompt",
        "local_model": None,
        "ask_below": None,
        "bypass_tokens": None,
        "profiles": None,
        "bytes": len(document.encode()),
        "written_at": iso(days),
        "written_by": by,
        "valid": True,
        "reason": None,
    }


PERSON = "arn:aws:sts::123456789012:assumed-role/Developer/ann"
PROMOTER = "arn:aws:sts::123456789012:assumed-role/route-switch-promote/promote"
VERSIONS = (
    (3, learned(), 1.4, PROMOTER),
    (2, second(), 29.4, PROMOTER),
    (1, HAND_WRITTEN, 44.0, PERSON),
)


def prompts() -> dict[str, Answer]:
    live = {"/v1/prompt": prompt(*VERSIONS[0])}
    old = {f"/v1/prompt?version={each[0]}": prompt(*each) for each in VERSIONS}
    listed: list[JsonValue] = [{"object": "prompt.version", **version(*each)} for each in VERSIONS]
    return {**live, **old, "/v1/prompt/history": {"object": "list", "data": listed}}


def key(row: KeyRow) -> Answer:
    key_id, name, role, tags, budget, requests = row
    return {
        "key_id": key_id,
        "name": name,
        "role": role,
        "tiers": [1, 2, 3],
        "tags": dict(tags),
        "requests_per_minute": 120 if role == "client" else None,
        "monthly_budget_usd": budget,
        "when_spent": "refuse" if budget is None else "downgrade",
        "profile": "cost" if name == "support-bot" else None,
        "max_upgrade_share": 0.4 if name == "search" else None,
        "created_at": iso(61.0),
        "revoked_at": None,
        "rotated_at": iso(3.0) if name == "notebooks" else None,
        "former_secrets_end_at": [iso(-1.0)] if name == "notebooks" else [],
        "limited_until": None,
        "month": {
            "spent_usd": round(requests * USD_A_REQUEST, 6),
            "reserved_usd": 0.0 if budget is None else 0.04,
            "requests": requests,
            "requests_of_unknown_cost": 0,
        },
    }


def run(
    name: str, state: str, outcome: str | None, message: str | None, live: int | None = None
) -> Answer:
    """A run starts at the time that its name says."""
    begun = datetime.strptime(name.partition("Z")[0], "%Y-%m-%dT%H%M%S").replace(tzinfo=UTC)
    return {
        "object": "run",
        "run": name,
        "started_at": begun.isoformat(),
        "trigger": "manual" if name.endswith("manual") else "schedule",
        "reason": None,
        "outcome": outcome,
        "state": state,
        "message": message,
        "live_version": live,
        "progress": None,
        "left_out": [],
    }


RUNS = (
    run(WAITING, "waits_for_approval", None, None),
    run(RUN, "ended", "promoted", "The candidate is better and is live as version 3.", 3),
    run("2026-11-22T030000Z", "ended", "not enough evidence", "The gain may be chance."),
    run("2026-11-15T030000Z", "ended", "not better", "The incumbent stays."),
    run("2026-11-08T030000Z", "ended", "not enough evidence", "The gain may be chance."),
    run(FIRST_RUN, "ended", "promoted", "The candidate is better and is live as version 2.", 2),
)


def interval(mean: float, half: float, n: int | None = HELDOUT_ROWS) -> Answer:
    return {"mean": mean, "low": round(mean - half, 4), "high": round(mean + half, 4), "n": n}


def measured(name: str) -> dict[str, tuple[float, float]]:
    """Quality and cost of an answer, by policy."""
    candidate, incumbent = FOUND.get(name, FOUND[RUN])
    return {
        "candidate": candidate,
        "incumbent": incumbent,
        "tier-1": (0.791, 0.00024),
        "tier-2": (0.902, 0.00131),
        "tier-3": (1.0, TIER_3_USD),
        "random": (0.894, 0.00198),
    }


def run_detail(which: Answer) -> Answer:
    name = str(which["run"])
    gain = gain_of(name if name in FOUND else RUN)
    told = f"The candidate is better than the incumbent, with a gain of {gain}."
    policies: list[JsonValue] = [
        {
            "policy": policy,
            "quality": interval(quality, 0.0 if quality == 1 else 0.011),
            "cost": interval(round(usd / TIER_3_USD, 3), 0.014),
            "cost_usd_per_query": usd,
            "mix": {"1": 0.46, "2": 0.31, "3": 0.23},
        }
        for policy, (quality, usd) in measured(name).items()
    ]
    return {
        **which,
        "examples": {"read": 4000, "merged": 112, "left_out": left_out(), "used": 3871},
        "summary": {
            "verdict": "better" if name in FOUND else which["outcome"],
            "message": told if name in FOUND else which["message"],
            "needs_approval": None,
            "gain": interval(gain, HALF),
            "smallest_visible_gain": 0.011,
            "lambda": LAMBDA,
            "rows": {"train": 1700, "validation": 967, "heldout": HELDOUT_ROWS},
            "policies": policies,
            "steering": STEERING,
            "promise": {
                "max_quality_loss": 0.05,
                "n": HELDOUT_ROWS,
                "policies": [],
                "candidate": PROMISE,
                "candidate_holds": True,
                "waits_for": None,
            },
            "judge": {"model": "openai/gpt-5", "agreement": 0.93, "kappa": 0.85, "n": 200},
            "spent_usd": LEARNING_USD.get(name, 0.0),
            "simulated": [],
        },
        "frontier": {"points": frontier(name)},
        "candidate_document": proposed() if name == WAITING else learned(),
        "artifacts": ["report.html", "report.json", "candidate.md"],
        "left_out": left_out(),
    }


def left_out() -> list[JsonValue]:
    return [
        {"reason": "requests with attachments", "examples": 14},
        {"reason": "requests without text from the user", "examples": 3},
    ]


def frontier(name: str) -> list[JsonValue]:
    """What `RUN` proposed is live, so it is the incumbent of `WAITING`."""
    live = {RUN: "candidate", WAITING: "incumbent"}.get(name)
    curve: list[JsonValue] = [
        point(f"λ = {lambda_:g}", 1 - 0.24 * math.exp(-cost * 900), cost, lambda_)
        for lambda_, cost in (
            (0.05, 0.0039),
            (0.1, 0.003),
            (0.3, 0.0016),
            (0.5, 0.0011),
            (0.7, 0.0006),
        )
    ]
    named: list[JsonValue] = [
        {
            **point(policy, *figures, LAMBDA if policy == "candidate" else None),
            "is_live": policy == live,
            "is_candidate": policy == "candidate",
        }
        for policy, figures in measured(name).items()
        if policy != "random"
    ]
    return [*curve, *named]


def point(name: str, quality: float, cost: float, lambda_: float | None) -> Answer:
    return {
        "name": name,
        "strategy": "constant" if name.startswith("tier-") else "prompt",
        "quality": round(quality, 4),
        "cost": round(cost / TIER_3_USD, 4),
        "cost_usd": cost,
        "lambda": lambda_,
        "is_live": False,
        "is_candidate": False,
    }


def learning() -> Answer:
    noise = random.Random(3)  # noqa: S311 (no secret)
    spent = round(sum(LEARNING_USD.values()), 2)
    drift: list[JsonValue] = [
        {
            "day": f"{NOW - timedelta(days=days):%Y-%m-%d}",
            "prompt_version": "live@3" if days < 2 else "live@2",
            "requests": 380 + noise.randrange(90),
            "tiers_distance": round(0.02 + 0.002 * (28 - days) + noise.random() * 0.01, 4),
            "tiers_p_value": round(max(0.0004, 0.6 - 0.0225 * (28 - days)), 4),
            "lengths_distance": round(0.015 + noise.random() * 0.012, 4),
            "lengths_p_value": round(0.3 + noise.random() * 0.5, 4),
            "drifted": days < 2,
        }
        for days in range(28, 0, -1)
    ]
    return {
        "object": "learning",
        "month": "2026-11",
        "budget_usd": LEARNING_BUDGET_USD,
        "spent_usd": spent,
        "remaining_usd": LEARNING_BUDGET_USD - spent,
        "next_run_at": (NOW + timedelta(days=6, hours=-11, minutes=-20)).isoformat(),
        "rows": {
            "replayable": 3871,
            "days": 28,
            "needed_for_verdict": 0,
            "verdict_unit": "heldout_rows",
            "needed_for_promise": 0,
            "note": "Verdict: The last run reached a verdict on 1,204 held-out rows. Promise: The "
            "last run's candidate has the promise.",
        },
        "drift": drift,
        "quality_drop": [
            {
                "at": iso(5.0),
                "prompt_version": "live@2",
                "state": "asked",
                "message": "People rated live@2 lower than live@1: 84% against 91%. The drop rests "
                "on one client, so nothing was changed.",
            }
        ],
        "left_out": left_out(),
        "notes": [],
    }


def switches() -> Answer:
    return {
        "object": "switches",
        "pin_tier": None,
        "routing": "on",
        "learning": "on",
        "effects": {**SWITCH_EFFECTS},
        "note": WHEN_SWITCHED,
    }


def audit() -> Answer:
    entries = (
        (1.4, PROMOTER, "prompt", "promote", "live", "version 2 (1f0c)", "version 3 (8ab2)"),
        (2.0, "key:key_03f4a9be (owner)", "switches", "set", "routing", "shadow", "on"),
        (29.4, PROMOTER, "prompt", "promote", "live", "version 1 (98aa)", "version 2 (1f0c)"),
        (61.0, PERSON, "keys", "create", "key_7b1f20c4 (search)", None, "tiers 1, 2, 3"),
    )
    names = ("by", "what", "action", "subject", "before", "after")
    data: list[JsonValue] = [
        {"at": iso(days), **dict(zip(names, values, strict=True)), "confirmed": True}
        for days, *values in entries
    ]
    return {"object": "list", "data": data, "cursor": None}


def preview() -> Answer:
    moved: list[JsonValue] = [
        {
            "request_id": None,
            "requests": 1,
            "from": 2,
            "to": tier,
            "query_text": text,
            "cost_usd_before": 0.0013,
            "cost_usd_after": after,
        }
        for tier, text, after in (
            (1, "How long do I have to send the shoes back?", 0.0002),
            (1, "What time do you close on Saturdays?", 0.0002),
            (3, "Is the gift from my aunt taxable, and at which rate?", 0.0048),
        )
    ]
    return {
        "object": "prompt.preview",
        "compared": 25,
        "queries": 25,
        "moves": [{"from": 2, "to": 1, "requests": 2}, {"from": 2, "to": 3, "requests": 1}],
        "moved": moved,
        "cost_usd_before": 0.0412,
        "cost_usd_after": 0.0425,
        "unknown_cost": 0,
        "router_cost_usd": 0.0031,
        "notes": [],
    }


def published(number: int | None) -> Answer:
    return {
        "object": "prompt.published",
        "version": number,
        "digest": "45cc4297d29e",
        "warnings": [],
        "steering": None,
    }


@cache
def owners() -> dict[str, Answer]:
    """Answers to GET requests, by path and query."""
    return {
        **prompts(),
        "/v1/keys": {"object": "list", "data": [key(each) for each in KEYS]},
        "/v1/runs": {"object": "list", "data": [*RUNS]},
        **{f"/v1/runs/{each['run']}": run_detail(each) for each in RUNS},
        "/v1/learning": learning(),
        "/v1/switches": switches(),
        "/v1/audit": audit(),
    }
