"""How the local stack's moto identifies callers."""

import io
from pathlib import Path
from typing import Any

import pytest
from moto.iam.models import iam_backends

from local.aws.moto_iam import Guard, assume

ALLOW = (
    '{"Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*parameter/a"}]}'
)
ACCOUNT = "123456789012"


@pytest.fixture
def role() -> str:
    """A role for one test. Sessions of deleted roles remain, so its name contains the test's."""
    iam = iam_backends[ACCOUNT]["aws"]
    if "reader" not in {each.name for each in iam.get_roles()}:
        made = iam.create_role("reader", "{}", "/", "", "", [], "3600")
        made.put_policy("own", ALLOW)
    return f"arn:aws:iam::{ACCOUNT}:role/reader"


class Moto:
    """Accepts every request, and counts them."""

    calls = 0

    def __call__(self, _: object, start: Any) -> list[bytes]:
        self.calls += 1
        start("200 OK", [])
        return [b"{}"]


def status_of(guard: Guard, access_key: str, parameter: str, agent: str = "Boto3") -> str:
    body = b'{"Name": "/%s"}' % parameter.encode()
    answered: list[str] = []
    environ = {
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/eu-west-1/ssm/"
        "aws4_request, SignedHeaders=host, Signature=none",
        "HTTP_USER_AGENT": agent,
        "HTTP_X_AMZ_TARGET": "AmazonSSM.GetParameter",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REQUEST_METHOD": "POST",
        "wsgi.input": io.BytesIO(body),
    }
    guard(environ, lambda status, *_: answered.append(status))  # type: ignore[arg-type]  # `write` is history
    return answered[0].partition(" ")[0]


def test_a_session_has_the_permissions_of_its_role(role: str, tmp_path: Path) -> None:
    moto, key = Moto(), assume(role, "test")["AWS_ACCESS_KEY_ID"]
    guard = Guard(moto, tmp_path / "denials.log")
    assert [status_of(guard, key, parameter) for parameter in "ab"] == ["200", "400"]
    assert moto.calls == 1
    assert (tmp_path / "denials.log").read_text() == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/test is not authorized to perform: "
        f"ssm:GetParameter on resource: arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/b "
        "because no identity-based policy allows the ssm:GetParameter action\n"
    )


def test_other_credentials_belong_to_the_owner(tmp_path: Path) -> None:
    moto = Moto()
    guard = Guard(moto, tmp_path / "denials.log")
    assert [status_of(guard, key, "b") for key in ("local", "AKIA0123456789ABCDEF")] == ["200"] * 2
    assert moto.calls == 2


def test_with_model_credentials_the_user_agent_identifies_the_session(
    role: str, tmp_path: Path
) -> None:
    """PROFILE=bedrock sets AWS_SDK_UA_APP_ID for this."""
    agent = f"Boto3/1.40 app/{assume(role, 'test')['AWS_ACCESS_KEY_ID']} Botocore/1.40"
    guard = Guard(Moto(), tmp_path / "denials.log")
    found = [status_of(guard, "AKIA0123456789ABCDEF", parameter, agent) for parameter in "ab"]
    assert found == ["200", "400"]


def test_a_session_of_a_deleted_role_has_no_permissions(tmp_path: Path) -> None:
    key = assume(f"arn:aws:iam::{ACCOUNT}:role/gone", "test")["AWS_ACCESS_KEY_ID"]
    assert status_of(Guard(Moto(), tmp_path / "denials.log"), key, "a") == "400"
