"""Refusals of the owner's routes: what a change's error means as an HTTP answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from route_switch.api.owner.strict_body import refusal
from route_switch.api.owner.switch_shapes import unreadable_switches
from route_switch.domain.errors import ConfigurationError, RequestRefusedError
from route_switch.domain.operations.refused_changes import (
    ChangeRefusedError,
    InvalidSettingsError,
    UnknownSubjectError,
)
from route_switch.domain.operations.stored_keys import StoredKey

Refusal = RequestRefusedError


@contextmanager
def refusals() -> Iterator[None]:
    """Turn errors about keys, switches and runs into `RequestRefusedError`. An error about settings
    of the function itself is raised before this block."""
    try:
        yield
    except InvalidSettingsError as error:
        raise refusal(error.problems) from error
    except ChangeRefusedError as error:
        raise Refusal(str(error), status=HTTPStatus.CONFLICT, code=error.conflict) from error
    except ConfigurationError as error:  # nothing else that these routes read can be broken
        raise unreadable_switches() from error
    except UnknownSubjectError as error:
        raise Refusal(str(error), status=HTTPStatus.NOT_FOUND, code="not_found") from error


def own_key(stored: StoredKey) -> RequestRefusedError:
    return Refusal(
        f"{stored.label} is the key that you sent: it cannot revoke itself. Send another admin "
        "key, or use 'route-switch keys revoke'.",
        status=HTTPStatus.CONFLICT,
        code="own_key",
    )
