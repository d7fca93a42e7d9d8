"""The routes of the HTTP interface, readable without loading the CDK."""

ROUTES = {
    ("POST", "/v1/chat/completions"): "router",
    ("POST", "/v1/messages"): "router",
    ("POST", "/v1/messages/count_tokens"): "router",
    ("POST", "/v1/responses"): "router",
    ("GET", "/v1/responses/{id+}"): "router",
    ("POST", "/v1/responses/{id+}"): "router",
    ("DELETE", "/v1/responses/{id+}"): "router",
    ("POST", "/v1/completions"): "router",
    ("POST", "/v1/route"): "router",
    ("GET", "/v1/models"): "router",
    ("GET", "/v1/models/{id+}"): "router",
    ("GET", "/health"): "router",
    ("GET", "/v1/results/{id}"): "management",
    ("GET", "/v1/costs"): "management",
    ("GET", "/v1/prompt"): "management",
    ("GET", "/v1/prompt/history"): "management",
    ("DELETE", "/v1/results/{id}"): "management",
    ("DELETE", "/v1/users/{user}"): "management",
    ("POST", "/v1/feedback"): "management",
    ("GET", "/openapi.json"): "management",
}
"""The function that serves each method and path."""

STREAMED = frozenset(
    ("POST", path)
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions")
)
"""Routes whose every answer has the form of a stream, errors included."""
