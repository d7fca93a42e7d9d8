"""`POST /v1/feedback`: requests and responses."""

from typing import Annotated, Literal, NoReturn, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.learning.past_request import (
    MIN_ADEQUATE_SCORE,
    Comment,
    GivenFeedback,
    Gold,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.reasons import why_invalid

MAX_ID_LENGTH = 200
MAX_FEEDBACK_BYTES = 1_000_000
"""The longest valid feedback, every character escaped, has 0.7 MB."""

CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "json_invalid": "invalid_json",
    "model_type": "invalid_json",
}


SCORE_OR_THUMB: list[JsonValue] = [
    {"required": [given], "properties": {given: {"type": kind}, other: {"type": "null"}}}
    for given, kind, other in (("score", "number", "thumb"), ("thumb", "string", "score"))
]


class FeedbackRequest(BaseModel):
    """Rate an answer with a thumb or a score. A score of 0.5 or more counts as a thumb up."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={"oneOf": SCORE_OR_THUMB},
    )

    request_id: Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    thumb: Literal["up", "down"] | None = None
    gold: Gold | None = None
    comment: Comment | None = None

    @model_validator(mode="after")
    def _score_or_thumb(self) -> Self:
        if (self.score is None) == (self.thumb is None):
            raise ValueError("send either 'score' or 'thumb'")
        return self

    @property
    def rating(self) -> float:
        """The score; a thumb is 1 or 0."""
        return float(self.thumb == "up") if self.score is None else self.score

    @property
    def feedback(self) -> GivenFeedback:
        return GivenFeedback(
            adequate=self.rating >= MIN_ADEQUATE_SCORE,
            score=self.score,
            gold=self.gold,
            comment=self.comment,
        )


def parse_feedback(body: bytes) -> FeedbackRequest:
    """Raise `RequestRefusedError` when the body is invalid."""
    try:
        return FeedbackRequest.model_validate_json(body)
    except ValidationError as error:
        _refuse(error)


def feedback_body(request: FeedbackRequest, text_kept: bool | None) -> JsonObject:
    """`text_kept` is null when no text was sent, and false when the request's own text is not
    available for learning; the feedback's text is dropped then."""
    return {
        "object": "feedback",
        "request_id": request.request_id,
        "score": request.rating,
        "adequate": request.feedback.adequate,
        "text_kept": text_kept,
    }


def _refuse(error: ValidationError) -> NoReturn:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join(map(str, problem["loc"]))[:MAX_ID_LENGTH] or None
    raise RequestRefusedError(
        f"{param or 'The feedback'} {why_invalid(problem)}. Send a JSON object with "
        "'request_id', either 'score' (0 to 1) or 'thumb' ('up' or 'down'), and optionally "
        "'gold' and 'comment'.",
        code=CODES.get(problem["type"], "invalid_value"),
        param=param,
    ) from error
