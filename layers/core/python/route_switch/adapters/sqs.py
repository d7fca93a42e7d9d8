"""The queue for records that DynamoDB did not accept."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from route_switch.domain.lost_record import lost_record_as_json
from route_switch.domain.request_record import RequestRecord

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsLostRecords:
    """`connect` creates the client when the first record is lost, which is rare."""

    def __init__(self, connect: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._connect = connect
        self._queue_url = queue_url

    def send(self, record: RequestRecord) -> None:
        body = json.dumps(lost_record_as_json(record))
        self._connect().send_message(QueueUrl=self._queue_url, MessageBody=body)
