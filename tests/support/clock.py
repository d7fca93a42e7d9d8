"""A clock that stands still, for tests that compare their own moment with that of the product.

Otherwise such a test fails when it runs over the end of an hour, a day or a month.
"""

from datetime import UTC, datetime, tzinfo
from types import ModuleType
from typing import Self

import pytest

from functions.management import handler as management_handler
from route_switch.wiring import router

NOW = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
"""A second before the hour, the day and the month end."""


class _Stopped(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(NOW.timestamp(), tz)


def stop_clock(patch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Make it always `NOW` for the API's handlers and for these modules."""
    for module in (router, management_handler, *modules):
        patch.setattr(module, "datetime", _Stopped)
