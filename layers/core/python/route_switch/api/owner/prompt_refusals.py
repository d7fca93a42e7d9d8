"""Refusals of changes of the live prompt."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from route_switch.domain.errors import (
    LocalModelError,
    NoSuchVersionError,
    PromptChangedError,
    PromptConflictError,
    PromptError,
    PromptLockedError,
    PromptReplacedError,
    RequestRefusedError,
    UnprovenEvidenceError,
)

_NEXT = {
    "document": "Merge that version into your change, and send it",
    "version": "Look at that version, and if you still want to roll back, send the same request",
}
LOCKED_S = 2
"""When to try again while another change is under way."""


@contextmanager
def prompt_refusals(param: str) -> Iterator[None]:
    """Turn errors about the prompt into `RequestRefusedError`. `param` is the field that names the
    content: `document` or `version`."""
    try:
        yield
    except NoSuchVersionError as error:
        raise _not_found() from error
    except PromptConflictError as error:
        raise _conflict(error, param) from error
    except LocalModelError as error:
        raise _numbers_missing(param) from error
    except UnprovenEvidenceError as error:
        raise _unproven(error, param) from error
    except PromptError as error:
        raise RequestRefusedError(str(error), code="invalid_prompt", param=param) from error


def _not_found() -> RequestRefusedError:
    return RequestRefusedError(
        "There is no such version of the prompt. GET /v1/prompt/history lists the stored versions.",
        status=HTTPStatus.NOT_FOUND,
        code="prompt_version_not_found",
        param="version",
    )


def _numbers_missing(param: str) -> RequestRefusedError:
    return RequestRefusedError(
        "The prompt needs a local model whose numbers are not stored, are broken or may not be "
        "read. This route stores none: approve the learning run that trained the model, or use "
        "'route-switch prompt promote' with its candidate.json.",
        code="local_model_unknown",
        param=param,
    )


def _unproven(error: UnprovenEvidenceError, param: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"{error.problem} The candidate of one of the newest runs may be sent as it is.",
        code="invalid_prompt",
        param=param,
    )


def _conflict(error: PromptConflictError, param: str) -> RequestRefusedError:
    message, code, retry_after_s = str(error), "prompt_changed", None
    match error:
        case PromptLockedError():
            code, retry_after_s = "prompt_locked", LOCKED_S
        case PromptChangedError(version=None):
            message = (
                "Nothing was changed: no prompt is live any more. Deploy the stage to create one, "
                "or send null as 'base_version'."
            )
        case PromptChangedError(base=base, version=version, live=live):
            based_on = "no live prompt" if base is None else f"version {base}"
            message = (
                f"Nothing was changed: this change is based on {based_on}, but {live}. "
                f"{_NEXT[param]} with 'base_version': {version}."
            )
        case PromptReplacedError(version=version, overwritten=overwritten):
            code = "prompt_replaced"
            message = (
                f"The prompt is live as version {version}, but it overwrote version {overwritten}, "
                "which was written at the same moment without the lock, for example in the AWS "
                "console. Compare the two; to restore the other one, use POST /v1/prompt/rollback "
                f"with 'version': {overwritten}."
            )
    return RequestRefusedError(
        message,
        status=HTTPStatus.CONFLICT,
        code=code,
        param="base_version",
        retry_after_s=retry_after_s,
    )
