"""The function behind the console: the files of its page, which need no key.

It uses the standard library only, so it needs no layer and starts fast. The page itself asks for a
key and calls the API with it.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""The encodings in which the build compresses files, best first, with the suffix of each."""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
YEAR = "public, max-age=31536000, immutable"
_HAS_DIGEST = re.compile(r".+-[\w-]{8}\.(js|css|svg)")

Answer = dict[str, object]


@dataclass(frozen=True)
class File:
    content: Mapping[str, bytes]
    """The content by encoding; `identity` is the file itself."""
    type: str
    cache: str
    etag: str


def lambda_handler(event: Mapping[str, object], _context: object) -> Answer:
    method = str(event.get("httpMethod"))
    if method not in ("GET", "HEAD"):
        told = f"The console does not take {method}. Use GET."
        return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, told, {"allow": "GET, HEAD"})
    parameters = event.get("pathParameters")
    name = parameters.get("file") if isinstance(parameters, Mapping) else None
    if name is None and str(event.get("path")).endswith("/"):
        # Addresses in the page are relative to one without a slash.
        return _answer(HTTPStatus.PERMANENT_REDIRECT, {"location": "../console"}, "")
    found = files().get(INDEX if name is None else str(name))
    if found is None or name == INDEX:
        return _refusal(HTTPStatus.NOT_FOUND, "The console has no such file. Reload the page.", {})
    return _file(found, method, _headers(event))


def _file(file: File, method: str, asked: Mapping[str, str]) -> Answer:
    headers = {"etag": file.etag, "cache-control": file.cache, "vary": "accept-encoding"}
    if _is_known(file.etag, asked.get("if-none-match", "")):
        return _answer(HTTPStatus.NOT_MODIFIED, headers, "")
    headers["content-type"] = file.type
    encoding = _encoding(asked.get("accept-encoding", ""))
    if encoding != "identity":
        headers["content-encoding"] = encoding
    return _answer(HTTPStatus.OK, headers, b"" if method == "HEAD" else file.content[encoding])


def _answer(status: HTTPStatus, headers: Mapping[str, str], body: str | bytes) -> Answer:
    """API Gateway decodes base64, which bytes of every kind survive."""
    return {
        "statusCode": int(status),
        "headers": {**HEADERS, **headers},
        "body": body if isinstance(body, str) else base64.b64encode(body).decode(),
        "isBase64Encoded": isinstance(body, bytes),
    }


def _refusal(status: HTTPStatus, message: str, headers: Mapping[str, str]) -> Answer:
    """An error in the form that the whole API has."""
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    kind = {"content-type": "application/json", "cache-control": "no-store"}
    return _answer(status, {**kind, **headers}, json.dumps({"error": told}))


@cache
def files() -> Mapping[str, File]:
    """Read all files once. A name that is not among them has no path: nothing else can be read."""
    compressed = tuple(ENCODINGS.values())
    return {
        path.name: _read(path) for path in sorted(STATIC.iterdir()) if path.suffix not in compressed
    }


def _read(path: Path) -> File:
    content = path.read_bytes()
    packed = {
        name: path.with_name(path.name + suffix).read_bytes() for name, suffix in ENCODINGS.items()
    }
    return File(
        content={"identity": content, **packed},
        type=TYPES[path.suffix],
        cache=YEAR if _HAS_DIGEST.fullmatch(path.name) else "no-cache",
        # Weak: the same for every encoding.
        etag=f'W/"{sha256(content).hexdigest()[:24]}"',
    )


def _headers(event: Mapping[str, object]) -> Mapping[str, str]:
    headers = event.get("headers")
    items = headers.items() if isinstance(headers, Mapping) else ()
    return {str(name).lower(): str(value) for name, value in items}


def _is_known(etag: str, if_none_match: str) -> bool:
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


def _encoding(accepted: str) -> str:
    """Return the best encoding that the client accepts. Weights only matter where they are 0."""
    weights = {}
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        weights[name.strip()] = re.sub(r"\s", "", weight)
    for name in ENCODINGS:
        weight = weights.get(name, weights.get("*", "q=0"))
        if not re.fullmatch(r"q=0(\.0{0,3})?", weight):
            return name
    return "identity"
