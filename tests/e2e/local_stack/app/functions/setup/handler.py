"""A custom resource that stores the first keys in a parameter. It uses no SDK."""

import json
import os
import urllib.request
from typing import Any

KEYS = {"client": "rs-client", "admin": "rs-admin"}
KEY, REGION = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_REGION")
CREDENTIAL = f"{KEY}/20260101/{REGION}/ssm/aws4_request"


def handle(event: dict[str, Any], context: object) -> None:
    parameter = event["ResourceProperties"]["Parameter"]
    if event["RequestType"] == "Create":
        call_ssm("PutParameter", Name=parameter, Type="SecureString", Value=json.dumps(KEYS))
    else:
        greeting = event["ResourceProperties"]["Greeting"]
        before = event["OldResourceProperties"]["Greeting"]
        call_ssm("PutParameter", Name="/small/update", Type="String", Value=f"{before}, {greeting}")
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": parameter,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Parameter": parameter},
    }
    send(event["ResponseURL"], answer, method="PUT", headers={"Content-Type": ""})


def call_ssm(action: str, **body: str) -> None:
    headers = {
        "X-Amz-Target": f"AmazonSSM.{action}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, Signature=none",
    }
    send(os.environ["AWS_ENDPOINT_URL_SSM"], body, method="POST", headers=headers)


def send(url: str, body: object, method: str, headers: dict[str, str]) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
    urllib.request.urlopen(request).read()  # noqa: S310
