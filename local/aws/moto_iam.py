"""Enforce the policies of roles in moto: see `install`.

moto's own evaluator ignores resources and conditions. Only sessions of roles are restricted. All
other credentials belong to the account's owner, who may do everything; so may the roles of
`cdk bootstrap`, which deploy.
"""

import io
import json
import re
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.sts.models import sts_backends

from local.aws.actions import Call, accesses
from local.aws.cloud import ACCOUNT, Cloud
from local.aws.policies import Access, UnsupportedRequestError, denial_reason

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PARTITION = "aws"
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
AGENT = re.compile(r"\bapp/(?P<key>ASIA\w+)")
"""The part of the User-Agent header that `AWS_SDK_UA_APP_ID` sets."""
BOOTSTRAPPED = ":role/cdk-"
HOURS_12 = 12 * 60 * 60
CODES = {"s3": "AccessDenied", "sns": "AuthorizationError", "sqs": "AccessDenied"}
"""Error codes of services that do not use AccessDeniedException."""
Headers = list[tuple[str, str]]


def install(cloud: Cloud, denials: Path) -> None:
    """Restrict sessions of roles to what their policies allow.

    Each denial is also written to the file `denials`, because a function may ignore the error.
    """
    cloud.put_before(lambda app: Guard(app, denials))


def assume(role_arn: str, session_name: str) -> dict[str, str]:
    """Return credentials of a new session of the role, by environment variable."""
    session = sts_backends[ACCOUNT][PARTITION].assume_role(
        region_name=PARTITION,
        role_session_name=session_name[:64],
        role_arn=role_arn,
        policy=None,
        duration=HOURS_12,  # moto's sessions never expire
        external_id=None,
    )
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def session_of(access_key: str, agent: str) -> Any:
    """Return moto's session for the access key, or else for the key in the User-Agent; None if
    there is none."""
    named = AGENT.search(agent)
    keys = iam_backends[ACCOUNT][PARTITION].access_keys
    for key in (access_key, *([named["key"]] if named else [])):
        if key in keys:
            return known_session(key)
    return None


@lru_cache(maxsize=4096)
def known_session(access_key: str) -> Any:
    session = sts_backends[ACCOUNT][PARTITION].get_assumed_role_from_access_key(access_key)
    return None if BOOTSTRAPPED in session.role_arn else session


def session_denial_reason(session: Any, wanted: Iterable[Access]) -> str | None:
    """Return AWS's message for the first access that the session lacks; None if it has all."""
    policies = policies_of(session.role_arn)
    for access in wanted:
        reason = denial_reason(policies, access)
        if reason is not None:
            return (
                f"User: {session.arn} is not authorized to perform: {access.action} "
                f"on resource: {access.resource} {reason}"
            )
    return None


def policies_of(role_arn: str) -> list[str]:
    """Return the role's inline and attached policies as JSON."""
    roles = iam_backends[ACCOUNT][PARTITION].get_roles()
    role = next((each for each in roles if each.arn == role_arn), None)
    if role is None:
        return []
    attached = (
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    )
    inline = (
        each if isinstance(each, str) else json.dumps(each) for each in role.policies.values()
    )
    return [*inline, *attached]


class Guard:
    """WSGI middleware that checks permissions before moto sees a request."""

    def __init__(self, app: "WSGIApplication", denials: Path) -> None:
        self._app = app
        self._denials = denials

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        signed = CREDENTIAL.search(
            environ.get("HTTP_AUTHORIZATION") or unquote(environ["QUERY_STRING"])
        )
        session = signed and session_of(signed["key"], environ.get("HTTP_USER_AGENT", ""))
        if signed is None or session is None:
            return self._app(environ, start)
        call = read_call(environ, signed["region"], signed["service"])
        try:
            refused = session_denial_reason(session, accesses(call))
        except UnsupportedRequestError as error:
            return self._refuse(call, "UnsupportedRequestError", str(error), start)
        if refused is not None:
            return self._refuse(call, denial_code(call), refused, start)
        if call.service == "s3":
            return self._hide_missing(session, call, environ, start)
        return self._app(environ, start)

    def _hide_missing(
        self, session: Any, call: Call, environ: "WSGIEnvironment", start: "StartResponse"
    ) -> Iterable[bytes]:
        """Deny access to a missing object, as S3 does, unless the session may list the bucket."""
        answered: list[tuple[str, Headers]] = []
        body = self._app(environ, lambda status, headers, *_: answered.append((status, headers)))  # type: ignore[arg-type]  # no `write`
        [(status, headers)] = answered
        if status.startswith("404"):
            bucket = call.path.split("/")[1]
            listing = Access("s3:ListBucket", f"arn:{PARTITION}:s3:::{bucket}")
            refused = session_denial_reason(session, [listing])
            if refused is not None:
                return self._refuse(call, denial_code(call), refused, start)
        start(status, headers)
        return body

    def _refuse(
        self, call: Call, code: str, message: str, start: "StartResponse"
    ) -> Iterable[bytes]:
        with self._denials.open("a") as file:
            file.write(f"{message}\n")
        headers, body = denial(call, code, message)
        headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
        status = "403 Forbidden" if call.service in {"lambda", "s3", "sns"} else "400 Bad Request"
        start(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if call.method == "HEAD" else [body]


def read_call(environ: "WSGIEnvironment", region: str, service: str) -> Call:
    """Parse the request. A body that is read here can be read again by moto."""
    query, target = environ["QUERY_STRING"], environ.get("HTTP_X_AMZ_TARGET", "")
    body = b""
    if service != "s3" or query == "delete":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
    return Call(
        service=service,
        region=region,
        account=ACCOUNT,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode(),  # as WSGI has it
        query=query,
        target=target,
        body=body,
        partition_key=lambda table, index: partition_key(region, table, index),
        machine_of=lambda token: machine_of(region, token),
    )


def machine_of(region: str, token: str) -> str | None:
    """Return the state machine with a running execution that waits for an answer to the token."""
    for machine in stepfunctions_parser_backends[ACCOUNT][region].state_machines:
        for execution in machine.executions:
            if execution.status != "RUNNING" or execution.exec_worker is None:
                continue
            if execution.exec_worker.env.callback_pool_manager.get(token) is not None:
                return str(machine.arn)
    return None


def partition_key(region: str, table: str, index: str | None) -> str:
    schema = dynamodb_backends[ACCOUNT][region].get_schema(table, index)
    return str(next(key["AttributeName"] for key in schema if key["KeyType"] == "HASH"))


def denial_code(call: Call) -> str:
    return CODES.get(call.service, "AccessDeniedException")


def denial(call: Call, code: str, message: str) -> tuple[Headers, bytes]:
    """Return headers and body in the service's protocol."""
    if call.service in {"s3", "sns", "sts"}:
        error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        wrapped = (
            f"<Error>{error}</Error>"
            if call.service == "s3"
            else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        )
        return [("Content-Type", "text/xml")], wrapped.encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("x-amzn-ErrorType", code),
        ("x-amzn-query-error", f"{code};Sender"),
    ]
    return headers, json.dumps({"__type": code, "message": message}).encode()
