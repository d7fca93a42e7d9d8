"""The cap on a key's upgrades: how many of its requests routing may send to Tier 3.

The share is that of Tier 3 among the requests of a calendar month (UTC) that routing itself decided
(`key_watch.upgrades_of`). Requests that name a tier or a model, bypassed ones, failures of the
router, turns that stay in their session and dry runs do not count, and the cap does not limit them:
the key's holder may name a tier, and its allowed tiers and its budget bound that. The cap is for
what users write into queries.

A key is limited once its share is clearly above the cap, and until its share is back at the cap. If
each request goes to Tier 3 with a probability of at most the cap, whatever happened before, a key
is ever limited in a month with a probability of at most `key_watch.FALSE_ALARM_RATE`. Limits do not
change that: a limited request goes to Tier 3 with probability 0.
"""

from datetime import timedelta

from route_switch.domain.operations.key_watch import Share, is_above

LIMIT_LASTS = timedelta(hours=3)
"""The monitor renews a limit every hour. Without the monitor it ends by itself."""


def is_limited(share: Share, cap: float, *, was_limited: bool) -> bool:
    """Return whether routing keeps the key's requests off Tier 3 from now on. A cap of 1 never
    does."""
    if cap >= 1:
        return False
    if was_limited:
        return share.hits > cap * share.n
    return is_above(share, cap)
