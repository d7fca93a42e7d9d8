"""Share AWS clients between tests: a test needs a dozen, and creating one takes 5 to 10 ms."""

import copy
import os
import threading
from functools import lru_cache
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter
from botocore.session import Session

_CLIENTS: dict[tuple[object, ...], Any] = {}  # boto3 generates clients: they have no type
_ONE_AT_A_TIME = threading.Lock()
_CREATE = Session.create_client


def share_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give tests inside `mock_aws` the same client for the same arguments and environment.

    Clients hold none of moto's state. Other tests get their own clients, because a stub belongs to
    one test.
    """
    monkeypatch.setattr(Session, "create_client", _shared)
    monkeypatch.setattr(botocore.session, "get_session", _new_session)


def _shared(session: Session, *args: Any, **options: Any) -> Any:
    key = (
        session.user_agent_name,  # boto3's own sessions add methods to their clients
        session.get_config_variable("region"),
        *((name, value) for name, value in sorted(os.environ.items()) if name.startswith("AWS_")),
        *args,
        *((name, _content(value)) for name, value in sorted(options.items())),
    )
    with _ONE_AT_A_TIME:
        if key not in _CLIENTS:
            _CLIENTS[key] = _CREATE(session, *args, **options)
        return _CLIENTS[key]


def _content(option: object) -> object:
    """Return a comparable value: `Config` objects do not compare by content."""
    return repr(vars(option)) if isinstance(option, Config) else option


def _new_session(env_vars: dict[str, Any] | None = None) -> Session:
    handlers = copy.copy(_builtin_handlers())
    return Session(env_vars, event_hooks=handlers, include_builtin_handlers=False)


@lru_cache(maxsize=1)
def _builtin_handlers() -> HierarchicalEmitter:
    """A new session registers 150 handlers, including moto's; copying takes a tenth as long."""
    handlers = HierarchicalEmitter()
    Session(event_hooks=handlers)
    return handlers
