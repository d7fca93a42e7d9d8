"""API Gateway's proxy events, proxy responses and own errors."""

import base64
import binascii
import json
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.aws.cloud import ACCOUNT
from local.aws.routes import RestApi, Route

Json = dict[str, Any]
Headers = list[tuple[str, str]]
DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'
ERRORS = {
    "DEFAULT_4XX": (400, "Bad Request"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "DEFAULT_5XX": (502, "Internal server error"),
}
"""The possible errors of API Gateway itself: type, status, message."""

SEPARATOR = b"\0" * 8
MAX_PRELUDE_BYTES = 1024 * 1024
ANSWER_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


@dataclass(frozen=True)
class HttpRequest:
    """A request as received."""

    method: str
    target: str
    headers: Headers
    body: bytes
    source_ip: str

    def header(self, name: str) -> str:
        """Return the header's last value, ignoring case; empty if there is none."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class StreamedResponse:
    """A response whose body is still being made. Closing `chunks` ends it."""

    status: int
    headers: Headers
    chunks: Generator[bytes]


class MalformedAnswerError(Exception):
    """API Gateway cannot turn the function's answer into a response."""


def proxy_event(
    api: RestApi, route: Route, parameters: Mapping[str, str], request: HttpRequest, request_id: str
) -> Json:
    """Return the event of a Lambda proxy integration, payload version 1.0."""
    url = urlsplit(request.target)
    query = group_values(parse_qsl(url.query, keep_blank_values=True))
    headers = group_values(request.headers)
    binary = bool(request.body) and api.is_binary(request.header("content-type"))
    body = base64.b64encode(request.body) if binary else request.body
    return {
        "resource": route.path,
        "path": url.path,
        "httpMethod": request.method,
        "headers": last_values(headers) or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {name: unquote(value) for name, value in parameters.items()} or None,
        "stageVariables": None,
        "requestContext": request_context(api, route, request, request_id),
        "body": body.decode(errors="replace") if body else None,
        "isBase64Encoded": binary,
    }


def request_context(api: RestApi, route: Route, request: HttpRequest, request_id: str) -> Json:
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": api.id,
        "domainName": request.header("host"),
        "extendedRequestId": request_id,
        "httpMethod": request.method,
        "identity": {
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or None,
        },
        "path": urlsplit(request.target).path,
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": route.resource_id,
        "resourcePath": route.path,
        "stage": api.stage,
    }


def group_values(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def last_values(grouped: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}


def proxy_response(api: RestApi, request: HttpRequest, payload: bytes) -> HttpResponse:
    """Convert the function's answer into a response; raise `MalformedAnswerError` if invalid."""
    answer = json.loads(payload)
    if not isinstance(answer, dict) or not answer.keys() <= ANSWER_KEYS:
        raise MalformedAnswerError(f"not a proxy response: {payload[:200]!r}")
    try:
        status = int(answer["statusCode"])
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswerError("no statusCode") from error
    body = "" if answer.get("body") is None else answer["body"]
    if not isinstance(body, str):
        raise MalformedAnswerError("the body is not a string")
    content = body.encode()
    if answer.get("isBase64Encoded") and api.is_binary(request.header("accept").split(",")[0]):
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise MalformedAnswerError("the body is not base64") from error
    return HttpResponse(status, answer_headers(answer), content)


def streamed_response(answer: Iterator[bytes]) -> StreamedResponse:
    """Read the beginning of a streamed answer; raise `MalformedAnswerError` if it is invalid.

    It is JSON with status and headers, then eight NUL bytes, then the body.
    """
    start = b""
    for chunk in answer:
        start += chunk
        if SEPARATOR in start or len(start) > MAX_PRELUDE_BYTES:
            break
    prelude, separator, body = start.partition(SEPARATOR)
    try:
        head: Json = json.loads(prelude) if separator else {}
        status = int(head["statusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedAnswerError(f"not a streamed response: {start[:200]!r}") from error
    return StreamedResponse(status, answer_headers(head), _rest(body, answer))


def _rest(body: bytes, answer: Iterator[bytes]) -> Generator[bytes]:
    if body:
        yield body
    yield from answer


def answer_headers(answer: Json) -> Headers:
    """Merge both kinds of headers. For a name in both, the multi-value header wins."""
    multiple = answer.get("multiValueHeaders") or {}
    names = {name.lower() for name in multiple}
    headers = [(name, header_text(value)) for name, values in multiple.items() for value in values]
    headers += [
        (name, header_text(value))
        for name, value in (answer.get("headers") or {}).items()
        if name.lower() not in names
    ]
    return [(name, value) for name, value in headers if name.lower() != "content-length"]


def header_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def gateway_response(api: RestApi, kind: str, request_id: str) -> HttpResponse:
    """Return one of API Gateway's own errors in the shape of the template's GatewayResponses."""
    status, message = ERRORS[kind]
    general = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
    custom = api.gateway_responses.get(kind) or api.gateway_responses.get(general) or {}
    templates = custom.get("ResponseTemplates", {})
    body = templates.get("application/json", DEFAULT_TEMPLATE)
    for variable, value in (
        ("$context.error.messageString", json.dumps(message)),
        ("$context.error.message", message),
        ("$context.error.responseType", kind),
        ("$context.requestId", request_id),
    ):
        body = body.replace(variable, value)
    headers = [("Content-Type", "application/json")]
    for name, value in custom.get("ResponseParameters", {}).items():
        headers.append((name.removeprefix("gatewayresponse.header."), value.strip("'")))
    return HttpResponse(int(custom.get("StatusCode", status)), headers, body.encode())
