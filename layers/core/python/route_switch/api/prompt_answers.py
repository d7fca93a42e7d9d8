"""`GET /v1/prompt` and `GET /v1/prompt/history`: query parameter and responses."""

import re
from http import HTTPStatus

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.decided_by import strategy_facts
from route_switch.services.prompts.show_prompt import ShownPrompt


def version_number(text: str) -> int:
    """Raise `RequestRefusedError` (400) when the text is not a version number."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise RequestRefusedError(
            f"'version' is not a number: '{text}'. GET /v1/prompt/history lists the versions; for "
            "live@7, send 7.",
            code="invalid_value",
            param="version",
        )
    return int(text)


def no_such_version(number: int) -> RequestRefusedError:
    return RequestRefusedError(
        f"There is no version {number} of the prompt. GET /v1/prompt/history lists the stored "
        "versions.",
        status=HTTPStatus.NOT_FOUND,
        code="prompt_version_not_found",
        param="version",
    )


def prompt_body(shown: ShownPrompt, serving: str) -> JsonObject:
    return {
        "object": "prompt",
        **_facts(shown),
        "serving": serving,
        "document": shown.document,
    }


def history_body(versions: list[ShownPrompt]) -> JsonObject:
    data = [{"object": "prompt.version", **_facts(each)} for each in versions]
    return {"object": "list", "data": [*data]}


def _facts(shown: ShownPrompt) -> JsonObject:
    at = shown.written_at
    return {
        "version": shown.version,
        "digest": None if shown.prompt is None else shown.prompt.version,
        **strategy_facts(shown.prompt),
        "bytes": shown.size,
        "written_at": None if at is None else at.isoformat(timespec="seconds"),
        "written_by": shown.written_by,
        "valid": shown.broken is None,
        "reason": shown.broken,
    }
