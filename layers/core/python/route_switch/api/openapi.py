"""The OpenAPI document: requests as they are validated, responses as the `openapi_…` modules
describe them."""

from functools import lru_cache

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from route_switch.api import openapi_answers as answers
from route_switch.api.feedback_request import FeedbackRequest
from route_switch.api.openapi_management import MANAGEMENT_ANSWERS
from route_switch.api.openapi_messages import MESSAGES_ANSWERS, MESSAGES_OPERATIONS
from route_switch.api.openapi_operations import TAGS, paths, refusal_name
from route_switch.api.openapi_owner import OWNER_ANSWERS, OWNER_REQUESTS
from route_switch.api.openapi_owner_operations import OWNER_OPERATIONS
from route_switch.api.openapi_parts import ERRORS, PARAMETERS, REFUSED
from route_switch.api.openapi_responses import RESPONSES_ANSWERS, RESPONSES_OPERATIONS
from route_switch.api.openapi_results import RESULT_PARAMETERS
from route_switch.api.protocols.chat_completions.chat_request import ChatRequest
from route_switch.api.protocols.completions.text_request import CompletionRequest
from route_switch.api.protocols.messages.messages_schema import CountTokensRequest, MessagesRequest
from route_switch.api.protocols.responses.response_request import ResponsesRequest
from route_switch.domain.ports import JsonObject

REQUESTS: tuple[type[BaseModel], ...] = (
    ChatRequest,
    MessagesRequest,
    CountTokensRequest,
    ResponsesRequest,
    CompletionRequest,
    FeedbackRequest,
    *OWNER_REQUESTS,
)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.Error,
    answers.ChatCompletion,
    answers.ChatCompletionChunk,
    answers.RouteDecision,
    answers.Model,
    answers.ModelList,
    *MANAGEMENT_ANSWERS,
    *OWNER_ANSWERS,
    answers.Health,
    *MESSAGES_ANSWERS,
    *RESPONSES_ANSWERS,
)
SCHEMAS = "#/components/schemas/"
ABOUT = (
    "An LLM router for OpenAI's and Anthropic's clients. With the model `auto`, the routing "
    "prompt chooses the tier whose model answers."
)


@lru_cache(maxsize=1)
def document() -> JsonObject:
    """Built once per process. Do not modify it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "route-switch", "version": "1", "description": ABOUT},
        "servers": [{"url": ".", "description": "The location of this document."}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"key": []}],
        "paths": paths(*MESSAGES_OPERATIONS, *RESPONSES_OPERATIONS, *OWNER_OPERATIONS),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": (
                        "An API key of this deployment. Create one with `route-switch keys create`."
                    ),
                }
            },
            "schemas": _schemas(),
            "parameters": {**PARAMETERS, **RESULT_PARAMETERS},
            "responses": {
                refusal_name(error, status): _error(error, status)
                for error in ("Error", "MessagesError")
                for status in ERRORS
            },
        },
    }


class _Schemas(GenerateJsonSchema):
    """Omit field titles, which would repeat the names."""

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


def _error(schema: str, status: int) -> JsonObject:
    return {
        "description": ERRORS[status],
        "headers": REFUSED,
        "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}{schema}"}}},
    }
