"""`POST /v1/keys`, `PATCH /v1/keys/{id}` and `POST /v1/keys/{id}/rotate`: requests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from route_switch.api.owner.strict_body import (
    CHANGES,
    STRICT,
    TierNumber,
    read_fields,
    read_strict,
    refusal,
)
from route_switch.api.owner.words import API_WORDS
from route_switch.domain.api_keys import ApiKey, Role, WhenSpent
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.key_settings import (
    MAX_LENGTH,
    MAX_TAGS,
    MOST_REQUESTS,
    MOST_USD,
    KeySettings,
    problems_of,
)
from route_switch.domain.operations.refused_changes import SettingProblem
from route_switch.domain.operations.stored_keys import LONGEST_GRACE
from route_switch.domain.profiles import Profile
from route_switch.domain.tiers import Tier

Name = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
Tiers = Annotated[list[TierNumber], Field(min_length=1, max_length=3)]
Tags = Annotated[dict[Name, Name], Field(max_length=MAX_TAGS)]
RequestsPerMinute = Annotated[int, Field(ge=1, le=MOST_REQUESTS)]
MonthlyBudget = Annotated[float, Field(gt=0, le=MOST_USD)]
Share = Annotated[float, Field(gt=0, le=1)]


class NewKeyRequest(BaseModel):
    """Settings of a new key. `requests_per_minute`, `monthly_budget_usd`, `profile` and
    `max_upgrade_share` are null for no limit, or for the stage's. Texts have printable characters
    only. `when_spent` needs a budget."""

    model_config = STRICT

    name: Name
    role: Role = "client"
    tiers: Tiers = [1, 2, 3]
    tags: Tags = {}
    requests_per_minute: RequestsPerMinute | None = None
    monthly_budget_usd: MonthlyBudget | None = None
    when_spent: WhenSpent | None = None
    profile: Profile | None = None
    max_upgrade_share: Share | None = None


class KeyChangeRequest(BaseModel):
    """What is not sent stays as it is; null removes a setting. `tags` replaces all tags."""

    model_config = CHANGES

    name: Name = ""
    tiers: Tiers = [1, 2, 3]
    tags: Tags = {}
    requests_per_minute: RequestsPerMinute | None = None
    monthly_budget_usd: MonthlyBudget | None = None
    when_spent: WhenSpent | None = None
    profile: Profile | None = None
    max_upgrade_share: Share | None = None


class RotateKeyRequest(BaseModel):
    """How long the former secret stays valid; 0 ends it now."""

    model_config = STRICT

    grace_hours: Annotated[float, Field(ge=0, le=LONGEST_GRACE / timedelta(hours=1))] = 24


def parse_new_key(body: bytes) -> KeySettings:
    """Raise `RequestRefusedError` (400) that names every bad value."""
    fields, problems = read_fields(NewKeyRequest, body)
    named = fields.get("name", "?")  # if it is missing, it is among the problems
    return _checked(replace(KeySettings(str(named)), **_settings(fields)), problems)


def parse_key_change(body: bytes, key: ApiKey) -> KeySettings:
    """Return the key's settings after the change. Raise like `parse_new_key`."""
    fields, problems = read_fields(KeyChangeRequest, body)
    if not fields and not problems:
        raise RequestRefusedError(
            f"The body changes nothing. Send one of {', '.join(KeyChangeRequest.model_fields)}.",
            code="invalid_value",
        )
    before = KeySettings.of(key)
    if fields.get("monthly_budget_usd", 0) is None:
        before = replace(before, when_spent=None)  # it belongs to the budget
    return _checked(replace(before, **_settings(fields)), problems)


def parse_rotation(body: bytes) -> timedelta:
    request = read_strict(RotateKeyRequest, body, may_be_empty=True)
    return timedelta(hours=request.grace_hours)


def _settings(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields as `KeySettings` has them. They are valid, so each has its type."""
    settings: dict[str, Any] = {**fields}
    if "tiers" in settings:
        settings["allowed_tiers"] = frozenset(map(Tier, settings.pop("tiers")))
    return settings


def _checked(settings: KeySettings, problems: tuple[SettingProblem, ...]) -> KeySettings:
    """Raise for the problems, and for those of the settings that have none yet."""
    wrong = {problem.setting for problem in problems}
    more = (
        problem
        for problem in problems_of(settings, API_WORDS)
        if not wrong & {problem.setting, *problem.also}
    )
    found = (*problems, *more)
    if found:
        fields = NewKeyRequest.model_fields
        raise refusal(found, unknown=all(p.setting not in fields for p in found))
    return settings
