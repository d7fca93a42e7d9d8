"""The project's error tree. Each message says what happened, why, and what to do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from route_switch.domain.usage import Usage

FailureKind = Literal["failed", "timed_out", "rate_limited", "unusable"]


class RouteSwitchError(Exception):
    """Base class of every error that this package raises deliberately."""


class ConfigurationError(RouteSwitchError):
    """A setting is missing or invalid. The message names the field."""


class PromptError(RouteSwitchError):
    """A routing prompt cannot be parsed, or must not go live."""


class PromptConflictError(PromptError):
    """The live prompt, or what it runs with, is not what a change was based on, or another change
    is in progress."""


class PromptChangedError(PromptConflictError):
    """Nothing was changed: the live version is not the one that the change is based on. `live`
    describes that version, whose number is `version`; both are None if nothing is live any more."""

    def __init__(
        self, message: str, *, base: int | None, version: int | None, live: str | None
    ) -> None:
        super().__init__(message)
        self.base = base
        self.version = version
        self.live = live


class PromptLockedError(PromptConflictError):
    """Another change to the live prompt is in progress. Retry later."""


class PromptReplacedError(PromptConflictError):
    """A change went live as `version` and overwrote `overwritten`, which was made at the same
    moment."""

    def __init__(self, message: str, *, version: int, overwritten: int) -> None:
        super().__init__(message)
        self.version = version
        self.overwritten = overwritten


class NoSuchVersionError(PromptError):
    """Parameter Store does not keep this version of the prompt."""


class UnprovenEvidenceError(PromptError):
    """A document that a person publishes claims evidence that no stored version and no run has.
    `problem` says so without naming a command."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are the entries of its front matter that are added, changed or missing."""
        some = ", ".join(f"'{name[:40]}'" for name in names[:8])
        self.problem = (
            f"The front matter differs from what a learning run stated: {some}"
            f"{' and others' if len(names) > 8 else ''}. Besides what decides about queries, a "
            "person may state 'author', 'note' and 'origin = \"hand-written\"'. Remove all other "
            "lines, or keep them as a stored version has them."
        )
        super().__init__(
            f"{self.problem} To publish a run's candidate, use 'route-switch prompt promote'."
        )


class LocalModelError(PromptError):
    """The numbers of a prompt's local model are missing or broken."""


class StoreError(RouteSwitchError):
    """A store rejected a read or write. The message contains no user text."""


class InvocationError(RouteSwitchError):
    """Another function of the stack failed or cannot be invoked. See its log."""


class ModelError(RouteSwitchError):
    """A model call failed.

    `status` is the provider's HTTP status, None if there was none (connection, timeout, an error
    inside an answer). `code` and `param` are the provider's own. `retry_after_s` is the provider's
    advice. `usage` is what the provider reports to have used: it is charged for. `adjusted` has a
    note for each parameter that was changed to fit the model. `quotes_provider` means that the
    message has the provider's own words, which may quote the request: it must not be recorded or
    logged. `host` is where a server with a configured address was called.
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
        quotes_provider: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
        self.usage = usage
        self.quotes_provider = quotes_provider
        self.adjusted: tuple[str, ...] = ()
        self.host: str | None = None


class ModelTimeoutError(ModelError):
    """A model did not answer before its deadline."""


class ModelNotCalledError(ModelError):
    """The call failed before it was sent, so nothing is known of the model. `store_error` is set if
    a store that the call needs was unavailable, such as that of the provider's key."""

    def __init__(self, message: str, *, store_error: StoreError | None = None) -> None:
        super().__init__(message)
        self.store_error = store_error


class InvalidModelRequestError(ModelError):
    """The provider refused the request itself (400, 413, 422)."""


class TooCostlyRequestError(InvalidModelRequestError):
    """The request alone may cost more than a learning run lets one answer cost."""


class ModelUnusableError(ModelError):
    """A retry does not help: the owner's key, account, quota, model name or address is wrong."""


class AllTiersFailedError(RouteSwitchError):
    """Every allowed tier and fallback failed or timed out.

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
    """A learning run has stopped and can be resumed.

    This is not an `Exception`: libraries swallow those and would score a missing answer as a bad
    one.

    `detail` is the provider's message. It may quote a query, so show it on a terminal but never log
    it.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class BudgetReachedError(RunStoppedError):
    """The next call could cost more than the cap has left."""


class DeadlineReachedError(RunStoppedError):
    """This slice of the run has used up its time."""


class NotUnderstoodError(RunStoppedError):
    """Too many replies of a model or a grader are not understood. Repeating the run changes
    nothing; its settings or its data have to change."""


class ProviderDownError(RunStoppedError):
    """A provider kept failing for longer than the run's patience."""


class ProviderUnusableError(ProviderDownError):
    """A provider rejects every call because the key, model or address is wrong."""


def describe_defect(error: BaseException) -> str:
    """Return the type and location of an unexpected error, for logs. Leave out its message, which
    may quote a request."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = (
        f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "unknown location"
    )
    return f"{type(error).__name__} in {place}"


class RequestRefusedError(RouteSwitchError):
    """The caller's request cannot be served as sent.

    The fields are those of an OpenAI error body: `status` is the HTTP status, `kind` its `type`.
    `retry_after_s` is None when a retry would be refused again.
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
    """Return a 404 for a missing result. Another key's result gets the same error, so that its
    existence stays hidden."""
    return RequestRefusedError(
        f"This key has no result '{request_id}'. It may have expired. If its answer has just "
        "arrived, repeat the call.",
        status=HTTPStatus.NOT_FOUND,
        code="result_not_found",
    )
