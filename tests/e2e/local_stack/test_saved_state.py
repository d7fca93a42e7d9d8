"""What a stack holds comes back with the next start, completely or with an error that says why."""

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import StackInfo, read_stack_file
from local.aws.errors import LocalStackError
from local.aws.ports import last_ports
from local.aws.saver import PAUSE_S, written
from local.aws.state_file import FORMAT_KEY, StateFile
from tests.e2e.local_stack.conftest import synthesize
from tests.e2e.local_stack.test_lifecycle import start
from tests.support.executions import aws, wait_until

ITEM = {
    "pk": {"S": "kept"},
    "sk": {"S": "1"},
    "n": {"N": "1.50"},
    "m": {"M": {"b": {"BOOL": True}}},
}


LIVE = "/small/prompt/live"
REPORT = b"\n# \xff\n"
PROVIDERS_KEY = '{"OPENAI_API_KEY": "sk-of-a-provider"}'


class Kept:
    """A running stack that keeps its data in a file."""

    def __init__(self, info: StackInfo, process: "subprocess.Popen[bytes]", file: Path) -> None:
        self.info = info
        self.file = StateFile(file)
        self._process = process

    def end(self, number: int) -> bytes:
        """Send the signal, and return what went to standard error."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.communicate(timeout=60)[1]

    def items(self) -> list[dict[str, Any]]:
        found = aws(self.info, "dynamodb").scan(TableName=self.info.results_table)
        items: list[dict[str, Any]] = found["Items"]
        return items

    def put(self, item: dict[str, Any] = ITEM) -> None:
        aws(self.info, "dynamodb").put_item(TableName=self.info.results_table, Item=item)


@contextmanager
def kept(assembly: Path, folder: Path, *options: str) -> Iterator[Kept]:
    saved = folder / "saved" / "state.db"
    process = start(assembly, folder, "--saved", str(saved), *options)
    info = wait_until(lambda: process.poll() is not None or read_stack_file(folder))
    assert isinstance(info, StackInfo), process.communicate()
    stack = Kept(info, process, saved)
    try:
        yield stack
    finally:
        stack.end(signal.SIGTERM)


def refusal(assembly: Path, folder: Path) -> str:
    saved = folder / "saved" / "state.db"
    process = start(assembly, folder, "--saved", str(saved))
    problem = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    return problem


def test_data_and_keys_come_back_after_a_shutdown_and_after_a_kill(
    assembly: Path, tmp_path: Path
) -> None:
    with kept(assembly, tmp_path) as first:
        keys = (first.info.api_key, first.info.admin_key)
        fill(first)
        history = history_of(first)
        assert first.end(signal.SIGINT) == b""
    check_that_only_the_owner_reads(first.file.path)
    with kept(assembly, tmp_path) as second:
        assert (second.info.api_key, second.info.admin_key) == keys
        ports = last_ports(tmp_path)
        assert second.info.endpoint.endswith(f":{ports.api}"), "the next start takes it again"
        assert [item["sk"]["S"] for item in second.items()] == ["1", "2", "3"]
        assert history_of(second) == history
        found = aws(second.info, "s3").get_object(**report_of(second))
        assert (found["Body"].read(), found["ContentType"]) == (REPORT, "text/markdown")
        change(second)
        wait_until(lambda: b"2.5" in saved_items(second), PAUSE_S + 10)
        second.end(signal.SIGKILL)
    with kept(assembly, tmp_path) as third:
        assert third.items() == [ITEM | {"n": {"N": "2.5"}}]
        assert history_of(third)[-1]["Version"] == 103
        listed = aws(third.info, "s3").list_objects_v2(Bucket=third.info.learning_bucket)
        assert listed["KeyCount"] == 0
        names = [p["Name"] for p in aws(third.info, "ssm").describe_parameters()["Parameters"]]
        assert "/gone" not in names


def fill(stack: Kept) -> None:
    for number in "123":
        stack.put(ITEM | {"sk": {"S": number}})
    ssm = aws(stack.info, "ssm")
    for version in range(102):  # SSM keeps 100 of them
        ssm.put_parameter(Name=LIVE, Type="String", Value=f"v{version}", Overwrite=True)
    ssm.put_parameter(Name="/gone", Type="String", Value="x")
    aws(stack.info, "s3").put_object(**report_of(stack), Body=REPORT, ContentType="text/markdown")
    secrets = aws(stack.info, "secretsmanager")
    [secret] = secrets.list_secrets()["SecretList"]
    secrets.put_secret_value(SecretId=secret["ARN"], SecretString=PROVIDERS_KEY)


def change(stack: Kept) -> None:
    """Change and delete what `fill` made, also with SQL, whose statements name no key."""
    dynamodb, table = aws(stack.info, "dynamodb"), stack.info.results_table
    sql = "DELETE FROM \"{}\" WHERE pk='kept' AND sk='3'"
    dynamodb.execute_statement(Statement=sql.format(table))
    keys = [{"pk": ITEM["pk"], "sk": {"S": number}} for number in "12"]
    add = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    dynamodb.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": table, "Key": keys[1]}},
            {"Update": {"TableName": table, "Key": keys[0], **add}},
        ]
    )
    aws(stack.info, "s3").delete_object(**report_of(stack))
    ssm = aws(stack.info, "ssm")
    ssm.delete_parameter(Name="/gone")
    assert ssm.put_parameter(Name=LIVE, Value="new", Overwrite=True)["Version"] == 103


def history_of(stack: Kept) -> list[dict[str, Any]]:
    pages = aws(stack.info, "ssm").get_paginator("get_parameter_history")
    return [each for page in pages.paginate(Name=LIVE) for each in page["Parameters"]]


def report_of(stack: Kept) -> dict[str, str]:
    return {"Bucket": stack.info.learning_bucket, "Key": "runs/ä b/report.md"}


def saved_items(stack: Kept) -> bytes:
    return b"".join(value for key, value in stack.file.read().items() if key[0] == "item")


def check_that_only_the_owner_reads(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
    assert PROVIDERS_KEY.encode() not in path.read_bytes()


def test_data_goes_into_a_newer_template_or_is_refused_and_a_fresh_start_has_none(
    assembly: Path, tmp_path: Path
) -> None:
    with kept(assembly, tmp_path) as first:
        first.put()
    newer = tmp_path / "newer"
    synthesize(newer, greeting="good evening", route="later")
    with kept(newer, tmp_path) as second:
        assert second.items() == [ITEM]
        seed = aws(second.info, "ssm").get_parameter(Name="/small/prompt/seed")["Parameter"]
        assert seed["Value"] == "good evening", "the template's own parameters are the newer ones"
    second.file.write({("table", "Dropped", ""): b'["pk"]'})
    before = second.file.read()
    problem = refusal(newer, tmp_path)
    assert "the table Dropped, which the template no longer has" in problem
    assert "FRESH=1" in problem
    assert second.file.read() == before
    with kept(newer, tmp_path, "--fresh") as third:
        assert third.items() == []


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "saved" / "state.db")


def test_state_of_another_format_is_refused(file: StateFile) -> None:
    file.write({("item", "Table", "key"): b"{}"})
    with closing(sqlite3.connect(file.path)) as connection, connection:
        connection.execute("UPDATE entries SET value = X'30' WHERE kind = ?", FORMAT_KEY[:1])
    with pytest.raises(LocalStackError, match=r"format 0, but .* reads format 1.*FRESH=1"):
        file.read()


def test_a_damaged_file_is_refused_and_stays(file: StateFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(LocalStackError, match="FRESH=1"):
        file.read()
    assert file.path.exists()


def test_a_write_that_fails_changes_nothing(file: StateFile) -> None:
    file.write({("item", "Table", "key"): b"before"})
    with pytest.raises(sqlite3.Error):
        file.write({("item", "Table", "key"): b"after", ("item", "Table", "x"): object()})  # type: ignore[dict-item]  # cannot be stored
    assert file.read() == {("item", "Table", "key"): b"before"}


def test_a_batch_of_writes_names_its_items() -> None:
    requests = [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"pk": {"S": "x"}}}}]
    found = [*written("BatchWriteItem", {"RequestItems": {"Table": requests}})]
    assert found == [("Table", ITEM), ("Table", {"pk": {"S": "x"}})]
