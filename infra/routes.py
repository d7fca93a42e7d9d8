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
    ("GET", "/v1/results"): "management",
    ("GET", "/v1/results/{id}"): "management",
    ("GET", "/v1/costs"): "management",
    ("GET", "/v1/prompt"): "management",
    ("GET", "/v1/prompt/history"): "management",
    ("GET", "/v1/audit"): "management",
    ("DELETE", "/v1/results/{id}"): "management",
    ("DELETE", "/v1/users/{user}"): "management",
    ("POST", "/v1/feedback"): "management",
    ("GET", "/openapi.json"): "management",
    ("GET", "/v1/keys"): "owner",
    ("POST", "/v1/keys"): "owner",
    ("PATCH", "/v1/keys/{id}"): "owner",
    ("DELETE", "/v1/keys/{id}"): "owner",
    ("POST", "/v1/keys/{id}/rotate"): "owner",
    ("GET", "/v1/switches"): "owner",
    ("PATCH", "/v1/switches"): "owner",
    ("POST", "/v1/prompt"): "owner",
    ("POST", "/v1/prompt/rollback"): "owner",
    ("POST", "/v1/prompt/preview"): "owner",
    ("GET", "/v1/learning"): "owner",
    ("GET", "/v1/runs"): "owner",
    ("POST", "/v1/runs"): "owner",
    ("GET", "/v1/runs/{id}"): "owner",
    ("GET", "/v1/runs/{id}/report"): "owner",
    ("POST", "/v1/runs/{id}/approve"): "owner",
    ("POST", "/v1/runs/{id}/reject"): "owner",
}
"""The function that serves each method and path."""

PAGES = {
    ("GET", "/console"): "console",
    ("GET", "/console/{file+}"): "console",
}
"""The same for what browsers load. It is not part of the API, so the API's description leaves it
out."""

STREAMED = frozenset(
    ("POST", path)
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions")
)
"""Routes whose every answer has the form of a stream, errors included."""
