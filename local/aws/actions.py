"""Find the IAM actions, resources and condition keys of a request to AWS.

It follows the Service Authorization Reference, for the calls that functions make. Any other call is
an error until it is added here.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from local.aws.policies import Access, UnsupportedRequestError

Schema = Callable[[str, str | None], str]
"""Returns the name of the partition key of a table, or of one of its indexes."""
Json = dict[str, Any]

INVOCATION = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations/?")
EXPRESSION_NAME = re.compile(r"(?<![:\w#])[#\w]+\b(?!\s*\()")
EXPRESSION_WORDS = frozenset({"ADD", "AND", "DELETE", "NOT", "OR", "REMOVE", "SET"})
KEY_CONDITION = r"(?:^|[\s(])(?P<name>[#\w]+)\s*=\s*(?P<value>:\w+)"


@dataclass(frozen=True)
class Call:
    """The parts of a request that determine its permissions."""

    service: str
    """The service as in the credential scope of the signature."""
    region: str
    account: str
    method: str
    path: str
    query: str
    target: str
    """The header X-Amz-Target; empty if there is none."""
    body: bytes
    partition_key: Schema
    machine_of: Callable[[str], str | None] = lambda _: None
    """Returns the ARN of the state machine that waits for an answer to a task token."""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Parameters of the query string, or of the form in the body (query protocol)."""
        text = self.query or ("" if self.target else self.body.decode())
        return {name: values[0] for name, values in parse_qs(text, True).items()}

    @cached_property
    def json(self) -> Json:
        found: Json = json.loads(self.body or b"{}")
        return found

    @cached_property
    def operation(self) -> str:
        """`service:Operation`. Lambda and S3 identify operations by method and path instead."""
        if self.service == "lambda":
            invokes = self.method == "POST" and INVOCATION.fullmatch(self.path)
            return "lambda:Invoke" if invokes else f"lambda:{self.method} {self.path}"
        name = self.target.rpartition(".")[2] or self.parameters.get("Action", "")
        return f"{self.service}:{name}"

    def arn(self, resource: str) -> str:
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{resource}"


def accesses(call: Call) -> list[Access]:
    """Return every access that the request needs permission for.

    Raise `UnsupportedRequestError` if the operation is unknown.
    """
    find = find_objects if call.service == "s3" else CALLS.get(call.operation)
    if find is None:
        raise unsupported(call.operation)
    return list(find(call))


def unsupported(operation: str) -> UnsupportedRequestError:
    return UnsupportedRequestError(
        f"The local stack's IAM does not support {operation}. Add its actions and resources to "
        "local/aws/actions.py."
    )


def given_arn(key: str) -> Callable[[Call], Iterator[Access]]:
    """Read the resource's ARN from a parameter of the call, in JSON or in a form."""

    def find(call: Call) -> Iterator[Access]:
        resource = call.json[key] if call.target else call.parameters[key]
        yield Access(call.operation, resource)

    return find


def find_waiting_machine(call: Call) -> Iterator[Access]:
    """The reference names no resource, but AWS checks the state machine that waits
    (https://github.com/aws/aws-cdk/pull/8486)."""
    yield Access(call.operation, call.machine_of(call.json["taskToken"]) or "*")


def find_anything(call: Call) -> Iterator[Access]:
    """Return the access to any resource, for actions that have no resources."""
    yield Access(call.operation, "*")


def find_nothing(_: Call) -> Iterator[Access]:
    """Return no access, for operations that need credentials but no permission."""
    return iter(())


def find_function(call: Call) -> Iterator[Access]:
    found = INVOCATION.fullmatch(call.path)
    function = found["function"] if found else ""
    arn = function if function.startswith("arn:") else call.arn(f"function:{function}")
    qualifier = call.parameters.get("Qualifier")
    yield Access("lambda:InvokeFunction", f"{arn}:{qualifier}" if qualifier else arn)


def find_parameter(call: Call) -> Iterator[Access]:
    name = call.json["Name"]
    yield Access(call.operation, call.arn(f"parameter/{name.partition(':')[0].lstrip('/')}"))


def find_parameters(call: Call) -> Iterator[Access]:
    for name in call.json["Names"]:
        yield Access(call.operation, call.arn(f"parameter/{name.partition(':')[0].lstrip('/')}"))


def find_secret(call: Call) -> Iterator[Access]:
    """Support ARNs only: names lack the ARN's random suffix, which policies often contain."""
    if not call.json["SecretId"].startswith("arn:"):
        raise unsupported(f"{call.operation} with a secret's name instead of its ARN")
    yield Access(call.operation, call.json["SecretId"])


def find_log_group(call: Call) -> Iterator[Access]:
    yield Access(call.operation, call.arn(f"log-group:{call.json['logGroupName']}:*"))


def find_queue(call: Call) -> Iterator[Access]:
    yield Access(call.operation, call.arn(call.json["QueueUrl"].rpartition("/")[2]))


def find_objects(call: Call) -> Iterator[Access]:
    """Expect the bucket in the path."""
    bucket, _, key = call.path.lstrip("/").partition("/")
    parameters = call.parameters.keys()
    arn = f"arn:aws:s3:::{bucket}"
    match call.method:
        case "GET" | "HEAD" if key and parameters <= {"x-id"}:
            yield Access("s3:GetObject", f"{arn}/{key}")
        case "PUT" | "DELETE" if key and parameters <= {"x-id"}:
            yield Access(f"s3:{call.method.capitalize()}Object", f"{arn}/{key}")
        case "GET" if bucket and not key and call.parameters.get("list-type") == "2":
            prefix = call.parameters.get("prefix")
            conditions = {} if prefix is None else {"s3:prefix": (prefix,)}
            yield Access("s3:ListBucket", arn, conditions)
        case "HEAD" if bucket and not key:
            yield Access("s3:ListBucket", arn)
        case "POST" if bucket and not key and parameters == {"delete"}:
            for each in ElementTree.fromstring(call.body).iterfind(".//{*}Object/{*}Key"):  # noqa: S314 - trusted
                yield Access("s3:DeleteObject", f"{arn}/{each.text}")
        case _:
            raise unsupported(f"s3:{call.method} {call.path}?{call.query}")


def items(call: Call, name: str, table: str, found: Iterable[Json]) -> Access:
    """Return the access to these items, or item keys, of a table."""
    key = call.partition_key(table, None)
    return Access(f"dynamodb:{name}", table_arn(call, table), leading_keys(i[key] for i in found))


def table_arn(call: Call, table: str) -> str:
    return table if table.startswith("arn:") else call.arn(f"table/{table}")


def leading_keys(values: Iterable[Json]) -> dict[str, tuple[str, ...]]:
    """Return the condition key for these DynamoDB values, such as {"S": "RUNS"}."""
    texts = tuple(str(next(iter(value.values()))) for value in values)
    return {"dynamodb:leadingkeys": texts}


def find_item(call: Call) -> Iterator[Access]:
    item = call.json["Key"] if "Key" in call.json else call.json["Item"]
    yield items(call, call.operation.partition(":")[2], call.json["TableName"], [item])


def find_update(call: Call) -> Iterator[Access]:
    for access in find_item(call):
        yield with_attributes(access, call.json)


def with_attributes(access: Access, update: Json) -> Access:
    named = {"dynamodb:attributes": attributes(update, update["Key"])}
    return replace(access, conditions={**access.conditions, **named})


def attributes(request: Json, key: Json) -> tuple[str, ...]:
    """Return the attributes that a request names, the key's included."""
    names = request.get("ExpressionAttributeNames", {})
    kinds = ("Condition", "Projection", "Update")
    texts = (request.get(f"{kind}Expression", "") for kind in kinds)
    words = {word for text in texts for word in EXPRESSION_NAME.findall(text)} - EXPRESSION_WORDS
    return tuple(sorted({*key, *(names.get(word, word) for word in words)}))


def find_batch(call: Call) -> Iterator[Access]:
    for table, wanted in call.json["RequestItems"].items():
        access = items(call, "BatchGetItem", table, wanted["Keys"])
        yield replace(access, conditions={**access.conditions, **selection(wanted)})


def selection(wanted: Json) -> dict[str, tuple[str, ...]]:
    if "ProjectionExpression" not in wanted:
        return {"dynamodb:select": ("ALL_ATTRIBUTES",)}
    named = attributes(wanted, wanted["Keys"][0])
    return {"dynamodb:attributes": named, "dynamodb:select": ("SPECIFIC_ATTRIBUTES",)}


def find_transaction(call: Call) -> Iterator[Access]:
    """A transaction needs the permissions of its parts and no other."""
    for each in call.json["TransactItems"]:
        for kind, part in each.items():
            name = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            access = items(call, name, part["TableName"], [part.get("Key") or part["Item"]])
            yield with_attributes(access, part) if kind == "Update" else access


def find_query(call: Call) -> Iterator[Access]:
    table, index = call.json["TableName"], call.json.get("IndexName")
    wanted, names = call.partition_key(table, index), call.json.get("ExpressionAttributeNames", {})
    for found in re.finditer(KEY_CONDITION, call.json.get("KeyConditionExpression", "")):
        if names.get(found["name"], found["name"]) == wanted:
            value = call.json["ExpressionAttributeValues"][found["value"]]
            yield Access(call.operation, index_arn(call), leading_keys([value]))
            return
    raise unsupported("dynamodb:Query without 'partition_key = :value' in a KeyConditionExpression")


def find_scan(call: Call) -> Iterator[Access]:
    yield Access(call.operation, index_arn(call))


def index_arn(call: Call) -> str:
    arn, index = table_arn(call, call.json["TableName"]), call.json.get("IndexName")
    return f"{arn}/index/{index}" if index else arn


CALLS: dict[str, Callable[[Call], Iterator[Access]]] = {
    **{f"dynamodb:{kind}Item": find_item for kind in ("Get", "Put", "Delete")},
    "dynamodb:UpdateItem": find_update,
    "dynamodb:BatchGetItem": find_batch,
    "dynamodb:Query": find_query,
    "dynamodb:Scan": find_scan,
    "dynamodb:TransactGetItems": find_transaction,
    "dynamodb:TransactWriteItems": find_transaction,
    "lambda:Invoke": find_function,
    "logs:FilterLogEvents": find_log_group,
    "secretsmanager:GetSecretValue": find_secret,
    "sns:Publish": given_arn("TopicArn"),
    "sqs:DeleteMessage": find_queue,
    "sqs:ReceiveMessage": find_queue,
    "sqs:SendMessage": find_queue,
    "ssm:GetParameter": find_parameter,
    "ssm:GetParameterHistory": find_parameter,
    "ssm:GetParameters": find_parameters,
    "ssm:PutParameter": find_parameter,
    "states:DescribeExecution": given_arn("executionArn"),
    "states:SendTaskSuccess": find_waiting_machine,
    "states:StartExecution": given_arn("stateMachineArn"),
    "states:StopExecution": given_arn("executionArn"),
    "sts:GetCallerIdentity": find_nothing,
}
