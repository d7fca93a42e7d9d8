"""Timeouts and retries of AWS calls, by kind of caller."""

from collections.abc import Callable

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config

from route_switch.adapters.fresh_connections import keep_fresh
from route_switch.adapters.whole_answers import refuse_malformed
from route_switch.adapters.whole_calls import limit_whole_calls

IN_REQUEST = Config(
    connect_timeout=1,
    read_timeout=2,
    # Every write of a request may be repeated: it is conditional, or recognizes its own first
    # attempt.
    retries={"mode": "standard", "total_max_attempts": 2},
    tcp_keepalive=True,
    # AWS validates parameters itself; validating them here as well took 0.5 ms per record.
    parameter_validation=False,
)
"""A client is waiting, and its deadline includes these calls."""

IN_REQUEST_S = 4.0
"""The longest such call, its repeat included, no matter how the store behaves."""

QUICK = IN_REQUEST.merge(Config(read_timeout=1))
"""The configuration for keys and secrets: the last good value is served if the store hangs."""
QUICK_S = 2.5

PARAMETERS = IN_REQUEST.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 3})
)
"""The configuration for values that a new process waits for, at a rate that Parameter Store may
throttle. botocore waits up to 1 s and 2 s, at random, before the repeats."""
PARAMETERS_S = 3.5
"""After this time, a new process serves the packaged prompt, and looks again in the background."""

LOCAL_MODELS = IN_REQUEST.merge(Config(read_timeout=1))
LOCAL_MODELS_S = 3.0
"""The longest wait of a new process for its local model: the prompt can decide without it."""

FOR_OWNER = IN_REQUEST.merge(Config(read_timeout=5, max_pool_connections=32))
"""A person is waiting: costs, dashboards, deletions of up to 1,000 objects at a time."""
FOR_OWNER_S = 8.0
"""Time for one time-out and a repeat; API Gateway gives up after 29 s."""

SCHEDULED = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})
"""Nobody is waiting, but the function times out soon."""

LOGS = Config(
    connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 2}
)
"""A page of a busy log takes seconds. One that fails is read again an hour later."""

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
    """Return a configuration for invoking a function that must not be started twice."""
    return Config(connect_timeout=3, read_timeout=read_timeout_s, retries={"total_max_attempts": 1})


def clients(config: Config, whole_call_s: float) -> Callable[[str], BaseClient]:
    """Return a factory of clients by service, for functions that Lambda freezes between requests.
    No call takes longer than `whole_call_s`.

    botocore is what boto3's clients are made of; importing boto3 itself would add 0.12 s to a cold
    start, for uploads and resources that no request uses.
    """
    session = botocore.session.get_session()

    def client(service: str) -> BaseClient:
        made = refuse_malformed(keep_fresh(session.create_client(service, config=config)))
        return limit_whole_calls(made, whole_call_s)

    return client
