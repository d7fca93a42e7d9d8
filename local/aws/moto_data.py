"""Copy the data of a deployed stack out of moto and back.

The template's resources are not part of it: each start deploys them again, and the data follows.
Entries are named by logical ids, because some physical names differ between deployments:

    table      <table>    <none>   its key attributes
    item       <table>    <key>    an item in DynamoDB's JSON; the key is JSON as well
    object     <bucket>   <key>    a line of JSON with its metadata, and its content
    parameter  <none>     <name>   all versions of a parameter that the template does not define
    secret     <secret>   <none>   a value that was generated at deployment

Secrets that people fill in, such as providers' keys, are left out: they are kept only in memory.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.ssm.models import Parameter, ssm_backends

from local.aws.cloud import ACCOUNT, Cloud
from local.aws.deploy import find_stack
from local.aws.errors import LocalStackError
from local.aws.moto_cloudformation import resources_of
from local.aws.moto_dynamodb import ONE_AT_A_TIME
from local.aws.state_file import FRESH, Entries, Key

TABLES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
BUCKET, PARAMETER = "AWS::S3::Bucket", "AWS::SSM::Parameter"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
Item = dict[str, Any]  # DynamoDB's JSON
Stamps = dict[Key, str]
"""What identifies the content of each object, without reading it."""


class StackData:
    """The data of the stack that is deployed to the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._dynamodb: Any = dynamodb_backends[ACCOUNT][cloud.region]
        self._s3: Any = s3_backends[ACCOUNT]["aws"]
        self._ssm: Any = ssm_backends[ACCOUNT][cloud.region]

    def _resources(self, *types: str) -> dict[str, Any]:
        stack = find_stack(self._cloud)
        every = {} if stack is None else resources_of(stack)
        return {name: each for name, each in every.items() if each.cf_resource_type in types}

    def _named(self, *types: str) -> dict[str, str]:
        """Return physical ids by logical ids."""
        return {name: each.physical_resource_id for name, each in self._resources(*types).items()}

    def tables(self) -> dict[str, str]:
        return self._named(*TABLES)

    def key_of(self, table: str, attributes: Item) -> str:
        """Return the item's key as an entry's name. `table` is a physical name."""
        names = sorted(each["AttributeName"] for each in self._dynamodb.get_schema(table, None))
        return json.dumps({name: attributes[name] for name in names})

    def item(self, table: str, key: str) -> bytes | None:
        found = self._dynamodb.get_item(table, json.loads(key))
        return None if found is None else as_json(found.to_json()["Attributes"])

    def all_items(self, logical_id: str, table: str) -> Entries:
        """Return the entries of a whole table."""
        schema = sorted(each["AttributeName"] for each in self._dynamodb.get_schema(table, None))
        entries: Entries = {("table", logical_id, ""): as_json(schema)}
        for item in self._dynamodb.get_table(table).all_items():
            attributes = item.to_json()["Attributes"]
            entries["item", logical_id, self.key_of(table, attributes)] = as_json(attributes)
        return entries

    def parameters(self) -> Entries:
        owned = set(self._named(PARAMETER).values())
        return {
            ("parameter", "", name): as_json([described(each) for each in versions])
            for name, versions in tuple(self._ssm._parameters.items())
            if name not in owned and versions
        }

    def secrets(self) -> Entries:
        client = self._cloud.client("secretsmanager")
        return {
            ("secret", name, ""): client.get_secret_value(SecretId=each.physical_resource_id)[
                "SecretString"
            ].encode()
            for name, each in self._resources(SECRET).items()
            if "GenerateSecretString" in each.resolved.get("Properties", {})
        }

    def stamps(self) -> Stamps:
        return {key: f"{each.last_modified} {id(each)}" for key, each in self._objects()}

    def object(self, key: Key) -> bytes | None:
        bucket = self._s3.buckets[self._named(BUCKET)[key[1]]]
        found = bucket.keys.get(key[2])
        if found is None:
            return None
        about = {"metadata": dict(found.metadata), "modified": found.last_modified.isoformat()}
        content: bytes = found.value
        return as_json(about) + b"\n" + content

    def _objects(self) -> Iterator[tuple[Key, Any]]:
        for logical_id, name in self._named(BUCKET).items():
            keys = self._s3.buckets[name].keys
            for key in tuple(dict.keys(keys)):
                if (found := keys.get(key)) is not None:
                    yield ("object", logical_id, key), found

    def load(self, entries: Entries) -> None:
        """Replace the stack's data. Raise before any change if the template has no place for it."""
        self._check(entries)
        with ONE_AT_A_TIME:
            self._empty_tables(of_kind("table", entries))
            self._load_items(of_kind("item", entries))
        self._load_objects(of_kind("object", entries))
        self._load_parameters(of_kind("parameter", entries))
        self._load_secrets(of_kind("secret", entries))

    def _check(self, entries: Entries) -> None:
        tables = self.tables()
        here = {
            "table": {*tables},
            "object": {*self._named(BUCKET)},
            "secret": {*self._named(SECRET)},
        }
        for (kind, owner, _), value in entries.items():
            if owner not in here.get(kind, {owner}):
                raise misfit(f"the {kind} {owner}, which the template no longer has")
            if kind == "table":
                schema = self._dynamodb.get_schema(tables[owner], None)
                if json.loads(value) != sorted(each["AttributeName"] for each in schema):
                    raise misfit(f"items of the table {owner} with other keys than the template's")

    def _empty_tables(self, entries: Entries) -> None:
        for _, logical_id, _ in entries:
            self._dynamodb.get_table(self.tables()[logical_id]).items.clear()

    def _load_items(self, entries: Entries) -> None:
        tables = {name: self._dynamodb.get_table(of) for name, of in self.tables().items()}
        for (_, logical_id, _), value in entries.items():
            tables[logical_id].put_item(json.loads(value), overwrite=True)

    def _load_objects(self, entries: Entries) -> None:
        buckets = self._named(BUCKET)
        for (_, logical_id, name), value in entries.items():
            about, _, content = value.partition(b"\n")
            saved = json.loads(about)
            put = self._s3.put_object(buckets[logical_id], name, content)
            for header, text in saved["metadata"].items():
                put.metadata[header] = text
            put.last_modified = datetime.fromisoformat(saved["modified"])

    def _load_parameters(self, entries: Entries) -> None:
        owned = set(self._named(PARAMETER).values())
        for name in [name for name in self._ssm._parameters if name not in owned]:
            del self._ssm._parameters[name]
        for (_, _, name), value in entries.items():
            versions = [restored(each) for each in json.loads(value)]
            self._ssm._parameters[name] = versions

    def _load_secrets(self, entries: Entries) -> None:
        named, client = self._named(SECRET), self._cloud.client("secretsmanager")
        for (_, logical_id, _), value in entries.items():
            client.put_secret_value(SecretId=named[logical_id], SecretString=value.decode())


def of_kind(kind: str, entries: Entries) -> Entries:
    return {key: value for key, value in entries.items() if key[0] == kind}


def described(parameter: Any) -> dict[str, Any]:
    """Return the arguments that create this version of a parameter."""
    return {
        **{name: getattr(parameter, name) for name in PARAMETER_FIELDS},
        "value": parameter.decrypt(parameter.value),
        "last_modified_date": parameter.last_modified_date.isoformat(),
    }


PARAMETER_FIELDS = (
    "account_id",
    "name",
    "parameter_type",
    "description",
    "allowed_pattern",
    "keyid",
    "version",
    "data_type",
    "labels",
    "tier",
    "policies",
)


def restored(fields: dict[str, Any]) -> Any:  # moto's Parameter
    modified = datetime.fromisoformat(fields["last_modified_date"])
    return Parameter(**{**fields, "last_modified_date": modified})


def as_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def misfit(what: str) -> LocalStackError:
    return LocalStackError(
        f"The saved state does not fit this template: it has {what}. Nothing was loaded. {FRESH}; "
        "or check out the version that wrote it."
    )
