"""Which requests in shadow get a router call, within the stage's budget."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta

from route_switch.domain.ports import DayCounters
from route_switch.domain.pricing import cost_usd
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.shadow import ROUTER_USD, RouterDay, is_sampled, sampled_share
from route_switch.services.deadline import Clock
from route_switch.services.estimate_router_calls import router_usage
from route_switch.services.refreshed_value import RefreshedValue

logger = logging.getLogger(__name__)

LIKE_TODAY = (1, 7)
"""Days back whose traffic predicts today's: yesterday, and the same weekday."""


class ShadowBudget(RefreshedValue[float]):
    """Keeps the share of requests that are sampled, read from the counters every minute. So a
    budget can be exceeded by what a minute costs.

    If the counters cannot be read, the last share stays; in a new process, no call is made. A
    router LLM without a known price is never called.
    """

    def __init__(
        self,
        days: DayCounters,
        config: RouterConfig,
        pool: Executor,
        now: Callable[[], datetime],
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(self._read_share, pool, clock)
        self._days = days
        self._monthly_usd = config.shadow_monthly_usd
        price = config.models.price(config.models.router)
        self._typical_usd = cost_usd(router_usage(config), price)
        self._now = now

    def allows(self, request_id: str) -> bool:
        """Wait for the counters if they have not been read lately: call this in parallel with an
        answer."""
        if self._monthly_usd is None or self._typical_usd == 0:
            return True
        return self._typical_usd is not None and is_sampled(request_id, self.current())

    def _read_share(self, before: float | None) -> tuple[float, bool]:
        today = self._now().date()
        earlier = [today - timedelta(days=back) for back in LIKE_TODAY]
        try:
            counters = self._days.of_days([today, *earlier])
        except Exception as error:  # noqa: BLE001, RUF100 (an answer must not fail because of it)
            logger.warning("The budget of shadow cannot be read: %s", type(error).__name__)
            return before or 0.0, False
        share = sampled_share(
            self._monthly_usd or 0.0,
            counters[today].get(ROUTER_USD, 0.0),
            [RouterDay.from_counters(counters[day]) for day in earlier],
            self._typical_usd or 0.0,
        )
        return share, True
