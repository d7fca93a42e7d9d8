"""Timeouts and retries of AWS calls, by kind of caller."""

from botocore.config import Config

IN_REQUEST = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    # AWS validates parameters itself; validating them here as well took 0.5 ms per record.
    parameter_validation=False,
)
"""A client is waiting, and its deadline includes these calls."""

IN_REQUEST_ONCE = IN_REQUEST.merge(Config(retries={"total_max_attempts": 1}))
"""For updates that must not be applied twice."""

FOR_OWNER = IN_REQUEST.merge(Config(read_timeout=5, max_pool_connections=32))
"""A person is waiting: costs, dashboards, deletions of up to 1,000 objects at a time."""

SCHEDULED = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})
"""Nobody is waiting, but the function times out soon."""

UNDER_LOCK = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Fails before the lease of the prompt lock expires, and before a deployment gives up."""

WORKFLOW = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 6},
    max_pool_connections=64,
)
"""The weekly run: nobody is waiting, and many threads call at once."""


def invoke_once(read_timeout_s: float) -> Config:
    """For invoking a function that must not be started twice."""
    return Config(connect_timeout=3, read_timeout=read_timeout_s, retries={"total_max_attempts": 1})
