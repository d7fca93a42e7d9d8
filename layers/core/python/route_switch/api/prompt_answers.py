"""`GET /v1/prompt` and `GET /v1/prompt/history`: query parameter and responses."""

import re
from http import HTTPStatus

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.learning.promise import promise_of, promised_loss
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.decided_by import strategy_facts
from route_switch.domain.prompts.stated_evidence import evidence_about, stated_origin
from route_switch.domain.prompts.steering_figures import SteeringFigures, known_score
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.services.prompts.show_prompt import ShownPrompt

_GAIN = (("mean", ""), ("low", "_low"), ("high", "_high"))


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


def prompt_body(shown: ShownPrompt, serving: str, packaged: SteeringFigures) -> JsonObject:
    """`packaged` is the steering score of the packaged prompt, which carries none itself."""
    score = None if shown.prompt is None else known_score(shown.prompt, packaged)
    return {
        "object": "prompt",
        **_facts(shown),
        "serving": serving,
        "document": shown.document,
        "steering": None if score is None else score.model_dump(mode="json"),
        "origin": None if shown.prompt is None else stated_origin(shown.prompt),
        "evidence": None if shown.prompt is None else evidence_body(shown.prompt),
    }


def evidence_body(prompt: RoutingPrompt) -> JsonObject | None:
    """Return what a run found about exactly this text. None if no run made it, or if somebody
    edited it since."""
    said = evidence_about(prompt)
    if "verdict" not in said:
        return None
    rows = _number(said, "heldout_rows")
    gain = {side: _number(said, f"gain{end}") for side, end in _GAIN}
    return {
        "verdict": str(said["verdict"]),
        "gain": None if None in gain.values() else {**gain},
        "heldout_rows": None if rows is None else int(rows),
        "quality": _number(said, "quality"),
        "cost": _number(said, "cost"),
        "promise": promise_of(prompt),
        "promised_loss": promised_loss(prompt),
    }


def _number(said: Provenance, name: str) -> float | None:
    value = said.get(name)
    return value if isinstance(value, int | float) else None


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
