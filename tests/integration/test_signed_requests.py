"""Requests signed for IAM: the signature is in Authorization, and the key in x-api-key."""

import pytest

from tests.integration.conftest import CLIENT_KEY, Api

SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=0123456789abcdef"
)


def signed(key: str | None) -> dict[str, str]:
    return {"Authorization": SIGNATURE, **({} if key is None else {"x-api-key": key})}


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("DELETE", "/v1/users/ann")])
def test_a_signed_request_is_identified_by_its_key(api: Api, method: str, path: str) -> None:
    assert api(method, path, key=None, headers=signed(CLIENT_KEY)).status == 200
    for key in (None, "rs-unknown", ""):
        answer = api(method, path, key=None, headers=signed(key))
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


def test_a_bearer_key_comes_before_x_api_key(api: Api) -> None:
    assert api("GET", "/v1/models", headers={"x-api-key": "rs-unknown"}).status == 200
