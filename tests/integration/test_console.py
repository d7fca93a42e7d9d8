"""The function `console`, called with API Gateway's events."""

import base64
import gzip
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.console import handler
from tests.support.context import FakeContext


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    file: str | None = None, method: str = "GET", path: str | None = None, **headers: str
) -> Answer:
    event: dict[str, object] = {
        "resource": "/console" if file is None else "/console/{file+}",
        "path": path or ("/console" if file is None else f"/console/{file}"),
        "httpMethod": method,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()} or None,
        "pathParameters": None if file is None else {"file": file},
    }
    told = handler.lambda_handler(event, FakeContext())
    named, body = told["headers"], str(told["body"])
    assert isinstance(named, dict)
    content = base64.b64decode(body, validate=True) if told["isBase64Encoded"] else body.encode()
    return Answer(int(str(told["statusCode"])), named, content)


def script() -> str:
    found = re.search(rb'src="console/(index-[\w-]+\.js)"', ask().body)
    assert found
    return found[1].decode()


def test_the_index_is_checked_for_changes_on_every_visit() -> None:
    answer = ask()
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    again = ask(If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert ask(If_None_Match='"other", ' + answer.headers["etag"]).status == 304
    assert ask(If_None_Match='W/"other"').status == 200


def test_files_with_a_digest_in_their_names_are_kept_for_a_year() -> None:
    answer = ask(script())
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert ask("THIRD-PARTY.txt").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.000, *", "gzip"),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("", None),
        ("br;q=0, gzip;q=0", None),
    ],
)
def test_a_client_gets_an_encoding_that_it_takes(accepted: str, encoding: str | None) -> None:
    answer = ask(accept_encoding=accepted)
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "accept-encoding"
    if encoding == "gzip":
        assert gzip.decompress(answer.body) == ask().body
    assert answer.headers["etag"] == ask().headers["etag"]


def test_head_has_the_headers_of_get_and_no_body() -> None:
    got, asked = ask(), ask(method="HEAD")
    assert (asked.status, asked.headers, asked.body) == (200, got.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(method: str) -> None:
    answer = ask(method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "name",
    [
        *("nothing.js", "../handler.py", "..%2fhandler.py", "/etc/passwd", "static/index.html"),
        *("index.html", "index.html.br", "", ".", "..", "%00", "a" * 5000, "CON", "<script>"),
    ],
)
def test_anything_but_a_file_of_the_page_is_unknown(name: str) -> None:
    answer = ask(name)
    assert answer.status == 404
    assert name not in answer.body.decode() or len(name) < 3


@given(st.text())
def test_no_name_fails_or_reads_another_file(name: str) -> None:
    assert ask(name).status == (200 if name in handler.files() and name != "index.html" else 404)


def test_every_answer_has_the_security_headers() -> None:
    for answer in (ask(), ask(script()), ask("nothing"), ask(method="POST"), ask(path="/console/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/console/", "/llm/console/"])
def test_a_slash_at_the_end_leads_to_the_page(path: str) -> None:
    answer = ask(path=path)
    assert (answer.status, answer.headers["location"]) == (308, "../console")


def test_every_file_of_the_page_is_served_in_every_encoding() -> None:
    assert {name.rpartition(".")[2] for name in handler.files()} == {
        "html",
        "js",
        "css",
        "svg",
        "txt",
    }
    for name in set(handler.files()) - {"index.html"}:
        plain, packed = ask(name), ask(name, accept_encoding="gzip")
        assert gzip.decompress(packed.body) == plain.body
        assert len(ask(name, accept_encoding="br").body) > 0
