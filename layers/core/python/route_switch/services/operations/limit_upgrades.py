"""Limit the upgrades of keys whose share of Tier 3 is clearly above their cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.audit import Change
from route_switch.domain.operations.key_watch import Share, upgrades_of
from route_switch.domain.operations.upgrade_cap import LIMIT_LASTS, is_limited
from route_switch.services.operations.watch_keys import KeyMonths


@dataclass(frozen=True, slots=True)
class UpgradeLimit:
    """The new state of a key's limit: until when it holds, or None if it ends. `was_limited` says
    whether it held before; `cap` is None for a key that no longer has one."""

    key: ApiKey
    share: Share
    cap: float | None
    until: datetime | None
    was_limited: bool

    @property
    def change(self) -> Change | None:
        """Return what the audit trail says of a limit that begins or ends."""
        key_id = self.key.key_id
        if self.was_limited == (self.until is not None):
            return None
        if self.until is None:
            return Change("keys", "end limit of upgrades", key_id, "at most Tier 2", "none")
        why = f"the router sent {self.share.hits} of {self.share.n} requests to Tier 3"
        return Change("keys", "limit upgrades", key_id, "none", f"at most Tier 2: {why}")


def limit_upgrades(
    months: KeyMonths, keys: Sequence[ApiKey], stage_cap: float | None, now: datetime
) -> list[UpgradeLimit]:
    """Return the limits to write: those that begin, go on or end. Without caps it reads nothing."""
    caps = {key.key_id: key.max_upgrade_share or stage_cap for key in keys}
    concerned = [key for key in keys if caps[key.key_id] or key.upgrades_limited_until]
    if not concerned:
        return []
    counters = months.of_keys([key.key_id for key in concerned], [f"{now:%Y-%m}"])
    limits = [
        _limit(key, upgrades_of(counters[key.key_id]), caps[key.key_id], now) for key in concerned
    ]
    return [each for each in limits if each.until or each.key.upgrades_limited_until]


def _limit(key: ApiKey, share: Share, cap: float | None, now: datetime) -> UpgradeLimit:
    was_limited = key.limits_upgrades(now)
    holds = cap is not None and is_limited(share, cap, was_limited=was_limited)
    return UpgradeLimit(key, share, cap, now + LIMIT_LASTS if holds else None, was_limited)
