"""AWS clients that tests share: a test needs a dozen, and making one takes 5 to 10 ms."""

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

_CLIENTS: dict[tuple[object, ...], Any] = {}  # clients are made at run time: they have no type
_ONE_AT_A_TIME = threading.Lock()
_CREATE = Session.create_client


def share_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give tests inside `mock_aws` the same client for the same arguments and environment.

    Clients keep nothing of moto's state. Elsewhere they stay apart: a stub belongs to one test.
    """
    monkeypatch.setattr(Session, "create_client", _shared)
    monkeypatch.setattr(botocore.session, "get_session", _new_session)


def _shared(session: Session, *args: Any, **options: Any) -> Any:
    key = (
        session.user_agent_name,  # boto3 adds methods to the clients that its own sessions make
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
    """Configurations have no equality."""
    return repr(vars(option)) if isinstance(option, Config) else option


def _new_session(env_vars: dict[str, Any] | None = None) -> Session:
    handlers = copy.copy(_builtin_handlers())
    return Session(env_vars, event_hooks=handlers, include_builtin_handlers=False)


@lru_cache(maxsize=1)
def _builtin_handlers() -> HierarchicalEmitter:
    """A new session registers 150 handlers, moto's among them; copying them takes a tenth."""
    handlers = HierarchicalEmitter()
    Session(event_hooks=handlers)
    return handlers
