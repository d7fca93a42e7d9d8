"""API Gateway events."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl


def api_event(
    method: str,
    path: str,
    body: object = None,
    key: str | None = None,
    more_headers: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """A REST API's proxy event. `path` may have a query. A string `body` is sent unchanged, and any
    other value as JSON."""
    path, _, query = path.partition("?")
    headers = {"content-type": "application/json", **(more_headers or {})}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) or None,
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
        "pathParameters": None,
        "requestContext": {"requestId": "api-gateway-id", "stage": "local"},
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def chat_event(content: object, key: str, model: str = "auto") -> dict[str, object]:
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    return api_event("POST", "/v1/chat/completions", body, key)
