"""The one tree of errors. Every message says what happened, why, and what to do about it."""

from http import HTTPStatus
from typing import Literal

from route_switch.domain.usage import Usage

FailureKind = Literal["failed", "timed_out", "rate_limited", "unusable"]


class RouteSwitchError(Exception):
    """Root of every error that this package raises on purpose."""


class ConfigurationError(RouteSwitchError):
    """A setting is missing or wrong; the message names the field."""


class PromptError(RouteSwitchError):
    """A routing prompt cannot be read, or must not go live."""


class PromptConflictError(PromptError):
    """The live prompt is no longer the one that a change was made from, or is being changed."""


class PromptLockedError(PromptConflictError):
    """Somebody is changing the live prompt in this moment; later it may be tried again."""


class PromptReplacedError(PromptConflictError):
    """A change went live and replaced somebody else's of the same moment."""


class StoreError(RouteSwitchError):
    """A store refused a write; the message holds no user text."""


class InvocationError(RouteSwitchError):
    """Another function of the stack failed, or cannot be invoked; its log says more."""


class ModelError(RouteSwitchError):
    """A model did not answer.

    `status` is the provider's HTTP status, None if there was none (connection, timeout, an error
    inside an answer). `code` and `param` are the provider's own. `retry_after_s` is the provider's
    advice. `usage` is what the provider reports to have used: it is charged for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
        self.usage = usage


class ModelTimeoutError(ModelError):
    """A model did not answer before its deadline."""


class InvalidModelRequestError(ModelError):
    """The provider refused the request itself (400, 413, 422)."""


class ModelUnusableError(ModelError):
    """No repetition helps: the owner's key, account, quota, model name or address is wrong."""


class AllTiersFailedError(RouteSwitchError):
    """Every tier that the key may use, and every fallback, failed or ran out of time.

    `kind` says how. `retry_after_s` is the least that a provider asked for; None if none did, and
    then a repetition at once would only repeat the same calls.
    """

    def __init__(
        self, message: str, *, kind: FailureKind, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s


class RunStoppedError(BaseException):
    """A learning run ends here, resumable. Not an `Exception`: libraries swallow those and would
    take a missing answer for a bad one.

    `detail` is what a provider said, which may quote a query: for a terminal, and for no log.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class BudgetReachedError(RunStoppedError):
    """The next call could cost more than what is left of the cap."""


class DeadlineReachedError(RunStoppedError):
    """The time that this slice of the run has is over."""


class ProviderDownError(RunStoppedError):
    """A provider kept failing for longer than the run is willing to wait."""


class ProviderUnusableError(ProviderDownError):
    """A provider refuses for good: the key, the model or the address is wrong."""


def describe_defect(error: BaseException) -> str:
    """Kind and place of an unexpected error, for a log; its message may quote a request."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "no place"
    return f"{type(error).__name__} in {place}"


class RequestRefusedError(RouteSwitchError):
    """The caller's request cannot be served as it is.

    The fields are those of an OpenAI error body: `status` is the HTTP status, `kind` its `type`.
    `retry_after_s` is None where the same request would be refused again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s


def no_such_result(request_id: str) -> RequestRefusedError:
    """Also for another key's result: whether there is one is not told."""
    return RequestRefusedError(
        f"There is no result '{request_id}' of this key. It may have expired.",
        status=HTTPStatus.NOT_FOUND,
        code="result_not_found",
    )
