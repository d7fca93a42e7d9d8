"""What each switch does, in one sentence."""

from collections.abc import Mapping

SWITCH_EFFECTS: Mapping[str, str] = {
    "pin_tier": "Send every routed request to this tier, as far as the tiers of its key allow; "
    "null lets routing decide.",
    "routing": "on: routing decides; shadow: one tier answers, and decisions are only recorded; "
    "off: no router LLM is called, and longer queries go to the safe tier.",
    "learning": "off: no learning run starts, and an active run ends without promoting a prompt.",
}
WHEN_SWITCHED = (
    "Warm processes read a switch again within a minute; an active learning run reads it at its "
    "next slice, within 15 minutes."
)
