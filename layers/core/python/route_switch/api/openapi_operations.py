"""What each route takes, and everything that it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from route_switch.api.openapi_parts import ANSWERED, DECISION
from route_switch.domain.ports import JsonObject

TAGS = {
    "chat": "Answers, and the decisions behind them.",
    "records": "What is kept of a request: shown, rated, deleted.",
    "owner": "For admin keys: what it costs, and the prompt that routes.",
    "service": "For everybody, without a key.",
}
ANYWHERE = (429, 500, 502, 503, 504)
"""What API Gateway answers by itself, a defect, or a store that is down."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` and `body` name schemas, `parameters` parts; `event` is the schema of one event,
    where the answer may be a stream of them: OpenAPI 3.1 cannot describe the whole."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    answer: str | None
    errors: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()
    body: str | None = None
    headers: JsonObject = field(default_factory=dict)
    event: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        operation: JsonObject = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": [_ref("parameters", name) for name in self.parameters],
            "responses": {
                "200": self._answer(),
                **{str(s): _ref("responses", str(s)) for s in sorted({*self.errors, *ANYWHERE})},
            },
        }
        if self.body is not None:
            content: JsonObject = {"application/json": {"schema": _ref("schemas", self.body)}}
            operation["requestBody"] = {"required": True, "content": content}
        if self.tag == "service":
            operation["security"] = []
        return operation

    def _answer(self) -> JsonObject:
        schema = _ref("schemas", self.answer) if self.answer else _ANY_OBJECT
        content: JsonObject = {"application/json": {"schema": schema}}
        if self.event is not None:
            content["text/event-stream"] = {"schema": _event(self.event)}
        return {
            "description": "As asked.",
            "headers": self.headers,
            "content": content,
            "links": {
                operation: {"operationId": operation, "parameters": {"id": request_id}}
                for operation, request_id in self.links.items()
            },
        }


_ANY_OBJECT: JsonObject = {"type": "object"}
OF_REQUEST = "$response.header.x-request-id"

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "createChatCompletion",
        "chat",
        "Routes a query, and lets the tier's model answer",
        "ChatCompletion",
        (400, 401, 403, 404, 409, 413),
        ("debug", "idempotency-key"),
        body="ChatRequest",
        headers=ANSWERED,
        event="ChatCompletionChunk",
        links={"getResult": OF_REQUEST, "deleteResult": OF_REQUEST},
    ),
    Operation(
        "POST",
        "/v1/route",
        "decideRoute",
        "chat",
        "Decides where a query would go; no tier is called",
        "RouteDecision",
        (400, 401, 403, 404, 413),
        ("debug",),
        body="ChatRequest",
        headers=DECISION,
        links={"getResult": OF_REQUEST},
    ),
    Operation(
        "GET", "/v1/models", "listModels", "chat", "What `model` may name", "ModelList", (401,)
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "getModel",
        "chat",
        "One of these names",
        "Model",
        (401, 403, 404),
        ("model",),
    ),
    Operation(
        "GET",
        "/v1/results/{id}",
        "getResult",
        "records",
        "The record of a request of one's own; for an admin key, of any",
        "Result",
        (401, 404),
        ("request",),
    ),
    Operation(
        "DELETE",
        "/v1/results/{id}",
        "deleteResult",
        "records",
        "Deletes a request of one's own everywhere; for an admin key, any",
        "DeletedResult",
        (401, 404),
        ("request",),
    ),
    Operation(
        "DELETE",
        "/v1/users/{user}",
        "deleteUser",
        "records",
        "Deletes this user's requests with one's own key; for an admin key, with any",
        "DeletedUser",
        (400, 401),
        ("user",),
    ),
    Operation(
        "POST",
        "/v1/feedback",
        "giveFeedback",
        "records",
        "Rates an answer to a request of one's own, in place of an earlier rating",
        "Feedback",
        (400, 401, 404, 409, 413),
        body="FeedbackRequest",
    ),
    Operation(
        "GET",
        "/v1/costs",
        "sumCosts",
        "owner",
        "What was spent and saved; of the current month, unless asked otherwise",
        "Costs",
        (400, 401, 403),
        ("from", "to", "group_by"),
    ),
    Operation(
        "GET",
        "/v1/prompt",
        "getPrompt",
        "owner",
        "The live routing prompt, or an earlier version",
        "Prompt",
        (400, 401, 403, 404),
        ("version",),
    ),
    Operation(
        "GET",
        "/v1/prompt/history",
        "listPromptVersions",
        "owner",
        "The versions of the live prompt that are kept",
        "PromptHistory",
        (401, 403),
    ),
    Operation("GET", "/health", "getHealth", "service", "Whether it is up", "Health"),
    Operation("GET", "/openapi.json", "getDocument", "service", "This document", None),
)


def paths() -> JsonObject:
    found: dict[str, JsonObject] = {}
    for operation in OPERATIONS:
        methods = found.setdefault(operation.path, {})
        methods[operation.method.lower()] = operation.as_json()
    return {**found}


def _event(schema: str) -> JsonObject:
    """A server-sent event as an object, and its data as JSON."""
    said: JsonObject = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": _ref("schemas", schema),
    }
    return {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [said, {"const": "[DONE]"}]}},
    }


def _ref(kind: str, name: str) -> JsonObject:
    return {"$ref": f"#/components/{kind}/{name}"}
