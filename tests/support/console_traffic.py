"""Answers of the API about requests and their costs, made up: see `console_answers`."""

import random
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from tests.support.console_answers import KEYS, MODELS, NOW, REASONS, Answer

DAYS = 30
BASIS: dict[str, JsonValue] = {"tier_3": 118, "measured": 241, "configured": 0, "prior": 0}


def rows(number: int) -> list[Answer]:
    """Rows of `GET /v1/results`, newest first."""
    noise = random.Random(7)  # noqa: S311 (no secret)
    return [row(n, noise) for n in range(number)]


def row(number: int, noise: random.Random) -> Answer:
    tier = noise.choices((1, 2, 3), (46, 31, 23))[0]
    status = noise.choices(("answered", "partial", "failed", "dry_run"), (95, 1, 2, 2))[0]
    answered = status in ("answered", "partial")
    thumb = noise.choices((None, "up", "down"), (80, 16, 4))[0] if answered else None
    first_token_ms = round(noise.lognormvariate(5.9, 0.4), 1)
    return {
        "request_id": f"req-{number:06d}-{noise.randrange(16**8):08x}",
        "created_at": (NOW - timedelta(seconds=41 * number + noise.randrange(30))).isoformat(),
        "status": status,
        "tier": tier,
        "decided_tier": tier,
        "reason": noise.choice(REASONS),
        "model": MODELS[tier - 1],
        "key_id": KEYS[noise.randrange(3)][0],
        "prompt_version": "live@3",
        "profile": "balanced",
        "cost_usd": round((0.0002, 0.0013, 0.0048)[tier - 1] * noise.uniform(0.4, 2), 6),
        "saved_usd": round((0.0046, 0.0035, 0.0)[tier - 1] * noise.uniform(0.4, 2), 6),
        "saving_basis": "tier_3" if tier == 3 else "measured",
        "latency_ms": round(first_token_ms + noise.lognormvariate(6.1, 0.7), 1),
        "first_token_ms": first_token_ms if noise.random() < 0.7 else None,
        "thumb": thumb,
        "score": None if thumb is None else float(thumb == "up"),
        "error": "upstream: 503 overloaded" if status == "failed" else None,
    }


def results(listed: list[Answer], limit: int, cursor: str | None) -> Answer:
    """A page of the listing; the cursor is the number of the next row."""
    first = int(cursor or 0)
    page = listed[first : first + limit]
    more = first + limit < len(listed)
    return {
        "object": "list",
        "data": [*page],
        "has_more": more,
        "cursor": str(first + limit) if more else None,
        "examined": len(page),
    }


def sums(requests: int, noise: random.Random, share: float = 1.0) -> dict[str, Any]:
    small, medium = round(requests * 0.46), round(requests * 0.31)
    spent = requests * 0.00161 * share
    saved = requests * 0.00287 * share
    return {
        "requests": requests,
        "answered": requests - 3,
        "failed": 3,
        "dry_runs": 0,
        "spent_usd": round(spent, 6),
        "router_usd": round(spent * 0.03, 6),
        "learning_usd": 0.0,
        "baseline_estimated_usd": round(spent + saved, 6),
        "saved_estimated_usd": round(saved, 6),
        "saved_usd_low": round(saved * 0.91, 6),
        "saved_usd_high": round(saved * 1.08, 6),
        "estimated": True,
        "saving_basis": BASIS,
        "requests_without_cost": 0,
        "requests_without_baseline": 0,
        "requests_without_saving": 0,
        "unpriced": {"spent": None, "baseline": None, "saved": None},
        "input_tokens": requests * 412,
        "cached_input_tokens": requests * 96,
        "cache_write_tokens": 0,
        "tiers": {"1": small, "2": medium, "3": requests - 3 - small - medium},
        "latency_ms": {"mean": 903 + noise.randrange(60), "p50": 720, "p95": 2350},
        "first_token_ms": {"mean": 412, "p50": 380, "p95": 910},
        "quality": {"people": {"mean": round(0.9 + noise.random() * 0.06, 3), "n": requests // 40}},
    }


def costs(group_by: str, requests: int = 12_400) -> Answer:
    noise = random.Random(11)  # noqa: S311 (no secret)
    days = [NOW - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    total = sums(requests, noise)
    total["learning_usd"] = 9.62
    groups: dict[str, list[dict[str, Any]]] = {
        "day": [
            {"day": f"{day:%Y-%m-%d}", **sums(360 + noise.randrange(120), noise, 1.35 - n / 80)}
            for n, day in enumerate(days)
        ],
        "tier": [{"tier": name, **sums(4_000, noise)} for name in ("1", "2", "3", "router")],
        "model": [{"model": name, **sums(4_100, noise)} for name in MODELS],
        "key": [
            {"key_id": each[0], "name": each[1], "tags": dict(each[3]), **sums(4_000, noise)}
            for each in KEYS[:3]
        ],
        "tag": [
            {"tag": name, **sums(4_000, noise)} for name in ("team=search", "team=support", None)
        ],
    }
    return {
        "object": "costs",
        "from": f"{days[0]:%Y-%m-%d}",
        "to": f"{days[-1]:%Y-%m-%d}",
        "group_by": group_by,
        "total": total,
        "data": [*groups[group_by]],
        "note": "Savings are estimates: see docs/costs.md.",
    }


def no_costs() -> Answer:
    """The sums of a stage that has answered nothing."""
    zero: dict[str, Any] = {
        **sums(0, random.Random(1)),  # noqa: S311 (no secret)
        "answered": 0,
        "failed": 0,
        "tiers": {"1": 0, "2": 0, "3": 0},
        "latency_ms": None,
        "first_token_ms": None,
        "quality": {"people": None},
    }
    return {**costs("day"), "total": zero, "data": []}


def models() -> Answer:
    names = ("auto", "tier-1", "tier-2", "tier-3", *MODELS)
    data: list[JsonValue] = [
        {"id": name, "object": "model", "created": 0, "owned_by": "route-switch"} for name in names
    ]
    return {"object": "list", "data": data}


def record(request_id: str, listed: list[Answer]) -> Answer:
    """The record of a listed request, on a stage that stores texts."""
    found = next((each for each in listed if each["request_id"] == request_id), listed[0])
    attempt: Answer = {
        "model": found["model"],
        "tier": found["tier"],
        "status": "answered",
        "usage": None,
        "estimated": False,
        "adjusted": [],
        "first_token_ms": found["first_token_ms"],
        "purpose": None,
        "latency_ms": found["latency_ms"],
        "cost_usd": found["cost_usd"],
        "error": None,
    }
    return {
        **{name: found[name] for name in found if name not in ("thumb", "score", "error")},
        "request_id": request_id,
        "routed_tier": found["tier"],
        "provider_model": "gpt-4.1-2025-04-14",
        "why": "the router LLM answered 2",
        "shadow_tier": None,
        "shadow_reason": None,
        "shadow_cost_usd": None,
        "attempts": [attempt],
        "query_tokens": 212,
        "router_tokens": 1043,
        "routing_ms": 182.0,
        "router_cost_usd": 0.00005,
        "baseline_cost_usd": 0.0049,
        "baseline_estimated": True,
        "saved_usd_low": 0.0031,
        "saved_usd_high": 0.0038,
        "skipped_models": [],
        "user": "customer-17",
        "query_text": "Compare the two offers, and say which is cheaper over three years.",
        "answer_text": "Over three years the second offer is cheaper.",
        "feedback": {"score": 1.0, "thumb": "up", "comment": "Right."},
    }


def route() -> Answer:
    """A decision of `POST /v1/route`, explained."""
    text = "any question of tax, law or medicine, where a mistake is costly"
    return {
        "id": "req-decided",
        "object": "route",
        "tier": 3,
        "reason": "router",
        "model": MODELS[2],
        "profile": "balanced",
        "prompt_version": "live@3",
        "why": "the router LLM answered 3",
        "router_tokens": 1043,
        "query_tokens": 14,
        "bypass_tokens": 0,
        "assumed_output_tokens": 312,
        "shadow_tier": None,
        "shadow_reason": None,
        "session": "new",
        "session_saved_usd": None,
        "estimated_cost_usd": {"1": 0.000127, "2": 0.000508, "3": 0.00254},
        "explanation": {
            "sentences": [
                "The router LLM sends the query to Tier 3.",
                f"Criterion 3 of Tier 3 speaks most for it: {text}.",
            ],
            "changes": ["Without that criterion the query would go to Tier 2."],
            "evidence": {
                "text": {"kind": "criterion", "number": 3, "tier": 3, "text": text},
                "scores": {"1": 0.118, "2": 0.297, "3": 0.514},
                "without_text": 2,
                "was_asked": False,
                "calls": 0,
                "cost_usd": 0.0,
            },
            "local": None,
        },
    }
