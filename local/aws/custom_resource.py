"""Custom resources: a function creates, updates and deletes them, and responds over HTTP."""

import json
import uuid
from typing import Any

from local.aws.errors import LocalStackError
from local.aws.logs import see
from local.aws.request import Attributes, Request

BUCKET = "local-cloudformation-custom-resource-responses"


def put_custom_resource(request: Request) -> Attributes:
    previous = request.previous
    if previous is None:
        answer = call_function(request, {"RequestType": "Create"})
    else:
        known = {"OldResourceProperties": previous.properties}
        known["PhysicalResourceId"] = previous.attributes["Ref"]
        answer = call_function(request, {"RequestType": "Update", **known})
    return {**answer.get("Data", {}), "Ref": answer["PhysicalResourceId"]}


def delete_custom_resource(request: Request) -> None:
    call_function(request, {"RequestType": "Delete", "PhysicalResourceId": request.name})


def call_function(request: Request, question: dict[str, Any]) -> dict[str, Any]:
    """Run the function and read the response that it puts at a presigned URL, as in AWS."""
    s3 = request.cloud.client("s3")
    place = {"Bucket": BUCKET, "Key": str(uuid.uuid4())}
    s3.create_bucket(Bucket=BUCKET)
    event = {
        **question,
        "ResponseURL": s3.generate_presigned_url("put_object", Params=place),
        "StackId": request.stack_id,
        "RequestId": place["Key"],
        "ResourceType": request.type,
        "LogicalResourceId": request.logical_id,
        "ResourceProperties": request.properties,
    }
    function = request.properties["ServiceToken"]
    result = request.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    try:
        answer: dict[str, Any] = json.loads(s3.get_object(**place)["Body"].read())
    except (s3.exceptions.NoSuchKey, json.JSONDecodeError):
        raise LocalStackError(
            f"{function} did not PUT JSON with an empty Content-Type to its ResponseURL. It "
            f"returned {result['Payload'].read().decode()}. "
            f"{see(request.cloud.function_log(function))}"
        ) from None
    if answer["Status"] != "SUCCESS":
        raise LocalStackError(f"{function} reported a failure: {answer.get('Reason', answer)}")
    return answer
