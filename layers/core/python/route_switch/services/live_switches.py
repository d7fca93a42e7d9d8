"""The switches in effect."""

import logging
import time
from concurrent.futures import Executor

from route_switch.domain.ports import SwitchStore
from route_switch.domain.switches import Switches
from route_switch.services.deadline import Clock
from route_switch.services.refreshed_value import RefreshedValue

logger = logging.getLogger(__name__)


class LiveSwitches(RefreshedValue[Switches]):
    """Keeps the last known switches when they cannot be read. A new process then uses `unread`."""

    def __init__(
        self,
        store: SwitchStore,
        pool: Executor,
        clock: Clock = time.monotonic,
        *,
        unread: Switches | None = None,
    ) -> None:
        super().__init__(self._read_switches, pool, clock)
        self._store = store
        self._unread = unread or Switches()

    def _read_switches(self, before: Switches | None) -> tuple[Switches, bool]:
        try:
            return self._store.read(), True
        except Exception as error:  # noqa: BLE001, RUF100 (keep serving, whatever the store raises)
            logger.warning("The switches cannot be read: %s", type(error).__name__)
            return before or self._unread, False
