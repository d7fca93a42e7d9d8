"""`POST /v1/feedback`: requests in, answers out."""

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

MAX_ID_LENGTH = 200

CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "json_invalid": "invalid_json",
    "model_type": "invalid_json",
}


ONE_OF_THE_TWO: list[JsonValue] = [
    {"required": [said], "properties": {said: {"type": kind}, other: {"type": "null"}}}
    for said, kind, other in (("score", "number", "thumb"), ("thumb", "string", "score"))
]


class FeedbackRequest(BaseModel):
    """Says it with a thumb or with a score, which counts as a thumb up from `MIN_ADEQUATE_SCORE` on."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={"oneOf": ONE_OF_THE_TWO},
    )

    request_id: Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    thumb: Literal["up", "down"] | None = None
    gold: Gold | None = None
    comment: Comment | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.score is None) == (self.thumb is None):
            raise ValueError("give either 'score' or 'thumb'")
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
    """Raises `RequestRefusedError`."""
    try:
        return FeedbackRequest.model_validate_json(body)
    except ValidationError as error:
        _refuse(error)


def feedback_body(request: FeedbackRequest, text_kept: bool | None) -> JsonObject:
    """`text_kept` is null where no text was sent, and false where the request's own text is not
    there to learn from: then neither is that of its feedback."""
    return {
        "object": "feedback",
        "request_id": request.request_id,
        "score": request.rating,
        "adequate": request.feedback.adequate,
        "text_kept": text_kept,
    }


def _refuse(error: ValidationError) -> NoReturn:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join(map(str, problem["loc"])) or None
    raise RequestRefusedError(
        f"{param or 'The feedback'} is wrong: {problem['msg']}. Send a JSON object with "
        "'request_id', either 'score' (0 to 1) or 'thumb' ('up' or 'down'), and if you like "
        "'gold' and 'comment'.",
        code=CODES.get(problem["type"], "invalid_value"),
        param=param,
    ) from error
