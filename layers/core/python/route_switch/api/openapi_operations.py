"""The parameters and all possible responses of each route."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.api.openapi_parts import ANSWERED, DECISION
from route_switch.api.openapi_results import RESULT_PARAMETERS
from route_switch.domain.ports import JsonObject

TAGS = {
    "chat": "Answers and routing decisions.",
    "records": "Show, rate and delete stored requests.",
    "owner": "For admin keys: requests, costs, the routing prompt, keys, switches, learning and "
    "the audit trail.",
    "service": "Public; no key required.",
}
ANYWHERE = (429, 500, 502, 503, 504)
"""API Gateway's own responses, a defect, or a store that is unavailable."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` and `body` name schemas, `parameters` named parts. `event` is the schema of a single
    event for answers that may be streamed, because OpenAPI 3.1 cannot describe the whole stream.
    Without `answers`, a route only explains why it cannot answer."""

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
    answers: bool = True
    error: str = "Error"
    """The schema of the operation's errors."""
    status: int = 200
    """The status of a success."""
    media: str = "application/json"

    def as_json(self) -> JsonObject:
        operation: JsonObject = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": [_ref("parameters", name) for name in self.parameters],
            "responses": {
                **({str(self.status): self._answer()} if self.answers else {}),
                **{str(s): self._refusal(s) for s in sorted({*self.errors, *ANYWHERE})},
            },
        }
        if self.body is not None:
            content: JsonObject = {"application/json": {"schema": _ref("schemas", self.body)}}
            operation["requestBody"] = {"required": True, "content": content}
        if self.tag == "service":
            operation["security"] = []
        return operation

    def _refusal(self, status: int) -> JsonObject:
        return _ref("responses", refusal_name(self.error, status))

    def _answer(self) -> JsonObject:
        schema = _ref("schemas", self.answer) if self.answer else _ANYTHING[self.media]
        content: JsonObject = {self.media: {"schema": schema}}
        if self.event is not None:
            content["text/event-stream"] = {"schema": _event(self.event, self.error)}
        return {
            "description": "Success.",
            "headers": self.headers,
            "content": content,
            "links": {
                operation: {"operationId": operation, "parameters": {"id": request_id}}
                for operation, request_id in self.links.items()
            },
        }


_ANYTHING: Mapping[str, JsonObject] = {
    "application/json": {"type": "object"},
    "text/html": {"type": "string"},
}
OF_REQUEST = "$response.header.x-request-id"

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "createChatCompletion",
        "chat",
        "Route a query and answer it with the tier's model",
        "ChatCompletion",
        (400, 401, 403, 404, 409, 413),
        ("debug", "profile", "idempotency-key"),
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
        "Decide where a query would go, without calling the tier's model",
        "RouteDecision",
        (400, 401, 403, 404, 413),
        ("debug", "profile"),
        body="ChatRequest",
        headers=DECISION,
        links={"getResult": OF_REQUEST},
    ),
    Operation(
        "GET", "/v1/models", "listModels", "chat", "List the values of `model`", "ModelList", (401,)
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "getModel",
        "chat",
        "Get one of these values",
        "Model",
        (401, 403, 404),
        ("model",),
    ),
    Operation(
        "GET",
        "/v1/results",
        "listResults",
        "owner",
        "List requests, newest first, with filters",
        "Results",
        (400, 401, 403),
        tuple(RESULT_PARAMETERS),
    ),
    Operation(
        "GET",
        "/v1/results/{id}",
        "getResult",
        "records",
        "Get the record of your own request; with an admin key, of any request",
        "Result",
        (400, 401, 404),
        ("request",),
    ),
    Operation(
        "DELETE",
        "/v1/results/{id}",
        "deleteResult",
        "records",
        "Delete your own request everywhere; with an admin key, any request",
        "DeletedResult",
        (400, 401, 404),
        ("request",),
    ),
    Operation(
        "DELETE",
        "/v1/users/{user}",
        "deleteUser",
        "records",
        "Delete this user's requests made with your key; with an admin key, with any key",
        "DeletedUser",
        (400, 401),
        ("user", "cursor"),
    ),
    Operation(
        "POST",
        "/v1/feedback",
        "giveFeedback",
        "records",
        "Rate an answer to your own request; replaces an earlier rating",
        "Feedback",
        (400, 401, 404, 409, 413),
        body="FeedbackRequest",
    ),
    Operation(
        "GET",
        "/v1/costs",
        "sumCosts",
        "owner",
        "Get spending and savings, by default of the current month",
        "Costs",
        (400, 401, 403),
        ("from", "to", "group_by"),
    ),
    Operation(
        "GET",
        "/v1/prompt",
        "getPrompt",
        "owner",
        "Get the live routing prompt, or an earlier version",
        "Prompt",
        (400, 401, 403, 404),
        ("version",),
    ),
    Operation(
        "GET",
        "/v1/prompt/history",
        "listPromptVersions",
        "owner",
        "List the stored versions of the live prompt",
        "PromptHistory",
        (400, 401, 403),
    ),
    Operation(
        "GET",
        "/v1/audit",
        "listChanges",
        "owner",
        "List who changed the prompt, keys and switches or deleted requests, newest first",
        "AuditedChanges",
        (400, 401, 403),
        ("what", "limit", "older"),
    ),
    Operation(
        "GET", "/health", "getHealth", "service", "Check whether the service is up", "Health"
    ),
    Operation("GET", "/openapi.json", "getDocument", "service", "Get this document", None),
)


def paths(*more: Operation) -> JsonObject:
    found: dict[str, JsonObject] = {}
    for operation in (*OPERATIONS, *more):
        methods = found.setdefault(operation.path, {})
        methods[operation.method.lower()] = operation.as_json()
    return {**found}


def refusal_name(error: str, status: int) -> str:
    """Return the name of the response with this status and schema."""
    return str(status) if error == "Error" else f"{error}{status}"


def _event(schema: str, error: str) -> JsonObject:
    """Return the schema of a server-sent event as an object, with its data as JSON."""
    data: list[JsonValue] = [
        {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": _ref("schemas", name),
        }
        for name in (schema, error)
    ]
    return {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [*data, {"const": "[DONE]"}]}},
    }


def _ref(kind: str, name: str) -> JsonObject:
    return {"$ref": f"#/components/{kind}/{name}"}
