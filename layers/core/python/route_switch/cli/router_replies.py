"""Count the router LLM's replies that name no tier: what they measure is the safe tier."""

import threading
from collections.abc import Mapping

from pydantic import JsonValue

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.ports import JsonObject
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply
from route_switch.domain.strategies.prompt_strategy import read_reply
from route_switch.services.learning.paid_calls import PaidCalls, Purpose, Reply


class CountedReplies:
    """`PaidCalls` that counts what the router LLM replies."""

    def __init__(self, calls: PaidCalls, config: RouterConfig) -> None:
        self._calls = calls
        self._config = config
        self._lock = threading.Lock()
        self.replies = 0
        self.unread = 0

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> Reply:
        reply = self._calls(name, messages, params, purpose)
        if purpose is Purpose.ROUTER:
            named = read_reply(RouterReply(reply.text, reply.cut_off)).tier is not None
            with self._lock:
                self.replies += 1
                self.unread += not named
        return reply

    @property
    def remark(self) -> str | None:
        """Return a warning about replies without a tier, or None. Raise `RouteSwitchError` if no
        reply named one."""
        if not self.unread:
            return None
        router, safe = self._config.models.router, self._config.safe_tier.value
        if self.unread == self.replies:
            raise RouteSwitchError(
                f"None of {self.replies} replies of {router} named a tier, so nothing but always "
                f"Tier {safe}, the safe tier, could be measured. Check the model, its output limit "
                "and the prompt, or use another router model."
            )
        return (
            f"{100 * self.unread / self.replies:.1f}% of the replies of {router} "
            f"({self.unread} of {self.replies}) named no tier. Those queries went to Tier {safe}, "
            "the safe tier."
        )
