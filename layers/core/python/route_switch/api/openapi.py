"""The OpenAPI document: requests as they are checked, answers as `openapi_answers` forms them."""

from functools import lru_cache

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from route_switch.api import openapi_answers as answers
from route_switch.api.chat_request import ChatRequest
from route_switch.api.feedback_request import FeedbackRequest
from route_switch.api.openapi_operations import TAGS, paths
from route_switch.api.openapi_parts import ERRORS, PARAMETERS, REFUSED
from route_switch.domain.ports import JsonObject

REQUESTS: tuple[type[BaseModel], ...] = (ChatRequest, FeedbackRequest)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.Error,
    answers.ChatCompletion,
    answers.ChatCompletionChunk,
    answers.RouteDecision,
    answers.Model,
    answers.ModelList,
    answers.Result,
    answers.DeletedResult,
    answers.DeletedUser,
    answers.Feedback,
    answers.Costs,
    answers.Prompt,
    answers.PromptHistory,
    answers.Health,
)
SCHEMAS = "#/components/schemas/"
ABOUT = (
    "An LLM router that OpenAI's clients can talk to: the model `auto` lets the routing prompt "
    "choose the tier whose model answers."
)


@lru_cache(maxsize=1)
def document() -> JsonObject:
    """Made once in a process; not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "route-switch", "version": "1", "description": ABOUT},
        "servers": [{"url": ".", "description": "Where this document was found."}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "security": [{"key": []}],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of this deployment: `route-switch keys create`.",
                }
            },
            "schemas": _schemas(),
            "parameters": PARAMETERS,
            "responses": {str(status): _error(status) for status in ERRORS},
        },
    }


class _Schemas(GenerateJsonSchema):
    """Without a title for each field: it would repeat the name."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 (inherited)
        return False


def _schemas() -> JsonObject:
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in REQUESTS),
        *((model, "serialization") for model in ANSWERS),
    ]
    _, found = models_json_schema(
        modes, ref_template=SCHEMAS + "{model}", schema_generator=_Schemas
    )
    schemas: JsonObject = found["$defs"]
    return schemas


def _error(status: int) -> JsonObject:
    return {
        "description": ERRORS[status],
        "headers": REFUSED,
        "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}Error"}}},
    }
