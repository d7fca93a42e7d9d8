"""What providers say when they fail, in every shape."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.models.provider_errors import (
    MAX_MESSAGE,
    NO_REASON,
    Problem,
    error_in_answer,
    error_of_response,
    read_problem,
)
from route_switch.adapters.models.retry_advice import MAX_RETRY_AFTER_S, retry_after_s
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelUnusableError
from route_switch.domain.usage import Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("error", "errors", "message", "detail", "details", "code", "param", "type"),
                    *("status", "metadata", "raw", "msg", "loc", "retryDelay", "title"),
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            {"error": {"message": "No.", "type": "t", "param": "p", "code": "c"}},
            Problem("No.", "c", "p", "t"),
        ),
        (
            [{"error": {"message": "No.", "status": "INVALID", "code": 400}}],
            Problem("No.", "INVALID"),
        ),
        ({"error": [{"message": "No."}]}, Problem("No.")),
        ({"error": "No."}, Problem("No.")),
        ({"error": {"message": "No.", "code": 429}}, Problem("No.", "429")),
        ({"error": {"msg": "No."}}, Problem("No.")),
        ({"error": {"code": "c"}}, Problem(NO_REASON, "c")),
        ({"error": {"metadata": {"raw": "Full."}, "message": "Failed."}}, Problem("Full.")),
        (
            {"error": {"metadata": {"raw": '{"error": {"message": "Full."}}'}, "message": "x"}},
            Problem("Full."),
        ),
        ({"error": {"metadata": {"raw": "{}"}, "message": "x"}}, Problem("{}")),
        ({"detail": "No."}, Problem("No.")),
        ({"detail": {"message": "No.", "code": "c"}}, Problem("No.", "c")),
        ({"detail": [{"loc": ["body", "n"], "msg": "No."}]}, Problem("No.", param="n")),
        ({"detail": [{"msg": "No."}]}, Problem("No.")),
        ({"detail": ["one", "two"]}, Problem("one; two")),
        ({"detail": []}, Problem(NO_REASON)),
        (
            {"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "No."}]}},
            Problem("No.", param="n"),
        ),
        ({"message": [{"loc": ["n"], "msg": "No."}]}, Problem("No.")),
        ({"errors": [{"code": 5006, "message": "No."}]}, Problem("No.", "5006")),
        ({"message": "No."}, Problem("No.")),
        ({"title": "No.", "status": 400}, Problem("No.")),
        ("No.", Problem("No.")),
        ("<html><h1>502</h1>\n<p>Bad  Gateway</p>", Problem("502 Bad Gateway")),
        ("", Problem(NO_REASON)),
        (None, Problem(NO_REASON)),
        ([], Problem(NO_REASON)),
        ({}, Problem(NO_REASON)),
        ({"error": None}, Problem(NO_REASON)),
        (7, Problem(NO_REASON)),
    ],
)
def test_every_shape_of_an_error_is_read(body: Any, problem: Problem) -> None:
    assert read_problem(body) == problem


@given(JSON, st.sampled_from([300, 400, 401, 404, 413, 422, 429, 500, 529]))
def test_any_body_is_an_error_with_valid_words(body: Any, status: int) -> None:
    for error in (
        error_of_response("m", status, {}, json.dumps(body).encode()),
        error_in_answer("m", body, None),
    ):
        for words in (str(error), error.code or "", error.param or ""):
            words.encode()
        assert len(str(error)) < MAX_MESSAGE + 100


@given(st.binary())
def test_any_bytes_are_an_error(content: bytes) -> None:
    str(error_of_response("m", 400, {}, content)).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"message": "Too many images."}}, InvalidModelRequestError),
        (413, {}, InvalidModelRequestError),
        (422, {}, InvalidModelRequestError),
        (
            400,
            {"error": {"message": "This model does not support images."}},
            InvalidModelRequestError,
        ),
        (
            400,
            {"error": {"message": "'logprobs' is not supported with this model."}},
            InvalidModelRequestError,
        ),
        (
            400,
            {"error": {"message": "The model m does not support tools."}},
            InvalidModelRequestError,
        ),
        (
            400,
            {"error": {"message": "For this model, image input is not supported."}},
            InvalidModelRequestError,
        ),
        (400, {"error": {"message": "The model `m` does not exist"}}, ModelUnusableError),
        (400, {"error": {"message": "Model m is not supported"}}, ModelUnusableError),
        (400, {"error": {"message": "This model is no longer available"}}, ModelUnusableError),
        (400, {"error": {"message": "Invalid API key"}}, ModelUnusableError),
        (400, {"error": {"message": "Your credit balance is too low"}}, ModelUnusableError),
        (400, {"message": "The provided model identifier is invalid."}, ModelUnusableError),
        (401, {}, ModelUnusableError),
        (402, {}, ModelUnusableError),
        (403, {}, ModelUnusableError),
        (404, {}, ModelUnusableError),
        (405, {}, ModelUnusableError),
        (301, {}, ModelUnusableError),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, ModelUnusableError),
        (429, {"error": {"type": "insufficient_quota", "message": "x"}}, ModelUnusableError),
        (429, {"error": {"code": "rate_limit_exceeded", "message": "x"}}, ModelError),
        (408, {}, ModelError),
        (409, {}, ModelError),
        (500, {"error": {"message": "Invalid API key"}}, ModelError),
        (503, {}, ModelError),
        (529, {}, ModelError),
    ],
)
def test_an_error_says_who_can_fix_it(status: int, body: Any, kind: type[ModelError]) -> None:
    error = error_of_response("m", status, {}, json.dumps(body).encode())
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ({"error": {"code": 429, "message": "x"}}, ModelError, 429),
        ({"error": {"code": "502", "message": "x"}}, ModelError, 502),
        ({"error": {"code": 402, "message": "x"}}, ModelUnusableError, 402),
        (
            {"error": {"type": "invalid_request_error", "message": "x"}},
            InvalidModelRequestError,
            400,
        ),
        ({"error": {"type": "authentication_error", "message": "x"}}, ModelUnusableError, 401),
        ({"error": {"type": "rate_limit_error", "message": "x"}}, ModelError, 429),
        ({"error": {"type": "overloaded_error", "message": "x"}}, ModelError, None),
        ({"error": {"code": 50002, "message": "x"}}, ModelError, None),
        ({"error": "x"}, ModelError, None),
    ],
)
def test_an_error_inside_an_answer_has_the_status_that_it_states(
    body: Any, kind: type[ModelError], status: int | None
) -> None:
    error = error_in_answer("m", body, Usage(1, 2))
    assert type(error) is kind
    assert (error.status, error.usage) == (status, Usage(1, 2))


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Input is too long for requested model.",
        "This model's maximum context length is 8192 tokens.",
        "The request exceeds the context window of the model.",
    ],
)
def test_a_conversation_that_is_too_long_has_the_code_that_clients_know(message: str) -> None:
    error = error_of_response("m", 400, {}, json.dumps({"message": message}).encode())
    assert (error.code, error.param) == ("context_length_exceeded", "messages")
    given: Any = {"error": {"message": message, "code": "its_own"}}
    assert error_of_response("m", 400, {}, json.dumps(given).encode()).code == "its_own"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "37"}, 37),
        ({"Retry-After": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "999999"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0),
        ({"retry-after": "Fri, 31 Dec 2100 23:59:59"}, MAX_RETRY_AFTER_S),
    ],
)
def test_the_time_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(httpx.Headers(headers)) == seconds


def test_a_date_is_seconds_from_now() -> None:
    later = datetime.now(UTC) + timedelta(seconds=100)
    seconds = retry_after_s({"retry-after": format_datetime(later, usegmt=True)})
    assert seconds is not None
    assert 90 < seconds <= 100


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 6m0s.", 360),
        ("Please try again in 20ms. Visit the page.", 0.02),
        ("Please retry after 7 seconds.", 7),
        ("Please wait for 1 minute 30 seconds before you repeat.", 90),
        ("Please retry in 36.4s", 36.4),
        ("Try again in 3 days.", None),
        ("Try again in a moment.", None),
        ("Limit 20, used 20.", None),
    ],
)
def test_the_time_to_wait_is_read_from_the_words(words: str, seconds: float | None) -> None:
    body: JsonValue = {"error": {"message": words}}
    assert retry_after_s({}, body, limited=True) == pytest.approx(seconds)
    assert retry_after_s({}, body) is None, "only of a rate limit"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "12", "x-ratelimit-remaining": "3"}, None),
        ({"x-ratelimit-reset": "1741305600000"}, 0),
        ({"x-ratelimit-reset": "1741305600"}, 0),
        ({"x-ratelimit-reset": "99999999999999"}, MAX_RETRY_AFTER_S),
        ({"x-ratelimit-reset-tokens": "1m2.5s", "x-ratelimit-remaining-tokens": "0"}, 62.5),
        ({"x-ratelimit-reset-tokens": "1m2.5s", "x-ratelimit-remaining-tokens": "9"}, None),
        ({"x-ratelimit-reset-tokens": "1m2.5s"}, None),
        ({"x-ratelimit-reset": "-1"}, None),
        ({"x-ratelimit-reset": "soon"}, None),
    ],
)
def test_the_reset_of_an_exhausted_limit_is_the_time_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(httpx.Headers(headers), limited=True) == seconds
    assert retry_after_s(httpx.Headers({**headers, "retry-after": "9"}), limited=True) == 9


@given(st.text(), JSON)
def test_any_advice_is_read_or_ignored(stated: str, body: Any) -> None:
    for name in ("retry-after-ms", "x-ratelimit-reset", "x-ratelimit-reset-requests"):
        headers = {name: stated, "x-ratelimit-remaining-requests": "0"}
        seconds = retry_after_s(headers, body, limited=True)
        assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S


@given(st.text())
def test_any_time_to_wait_is_read_or_ignored(stated: str) -> None:
    seconds = retry_after_s({"retry-after": stated})
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S


@pytest.mark.parametrize(
    ("delay", "seconds"), [("37s", 37), ("36.2s", 36.2), ("0s", 0), ("1m", None), (37, None)]
)
def test_geminis_delay_is_read_from_the_body(delay: Any, seconds: float | None) -> None:
    body = [{"error": {"message": "x", "details": [{"a": 1}, "b", {"retryDelay": delay}]}}]
    error = error_of_response("m", 429, {}, json.dumps(body).encode())
    assert error.retry_after_s == seconds
    assert error_of_response("m", 429, {"retry-after": "9"}, b"{}").retry_after_s == 9
