"""Errors of steps: named, so that Step Functions can tell them apart, and without users' texts.

Lambda logs the message of any exception that a handler raises, and handles only subclasses of
`Exception`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import (
    ModelError,
    ProviderDownError,
    ProviderUnusableError,
    RouteSwitchError,
    RunStoppedError,
    StoreError,
    describe_defect,
)
from route_switch.services.attempts import reason


class ProviderDown(RouteSwitchError):  # noqa: N818 - the state machine retries this name
    """A model provider fails for now; waiting may help."""


class ProviderUnusable(RouteSwitchError):  # noqa: N818 - as above
    """A model provider refuses permanently, its replies are not understood, or the run has no money
    left."""


class UnexpectedError(RouteSwitchError):
    """A defect. The message says where, but quotes nothing."""


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn every error into one that the state machine knows by name."""
    try:
        yield
    except ModelError as error:  # its message may have the provider's words, which quote requests
        raise ProviderUnusable(f"A call of a model failed: {reason(error)}") from None
    except RouteSwitchError:
        raise
    except ProviderUnusableError as error:
        raise ProviderUnusable(str(error)) from None
    except ProviderDownError as error:
        raise ProviderDown(str(error)) from None
    except RunStoppedError as error:
        raise ProviderUnusable(str(error)) from None
    except ClientError as error:
        code, operation = error.response["Error"].get("Code", "unknown"), error.operation_name
        raise StoreError(f"AWS refused {operation}: {code}") from None
    except BotoCoreError as error:
        raise StoreError(f"AWS could not be reached: {type(error).__name__}") from None
    except Exception as error:  # noqa: BLE001, RUF100 (its message may quote a query)
        raise UnexpectedError(describe_defect(error)) from None
