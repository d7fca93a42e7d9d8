"""The simulated AWS of a local stack: a moto server in this process, and clients for it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core import DEFAULT_ACCOUNT_ID

from local.aws.client import aws_client
from local.aws.ports import ANY, on_port
from local.aws.server import MotoServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

ACCOUNT: str = DEFAULT_ACCOUNT_ID
SERVICES = (
    "CLOUDFORMATION",
    "CLOUDWATCH",
    "CLOUDWATCH_LOGS",
    "DYNAMODB",
    "EVENTBRIDGE",
    "KMS",
    "LAMBDA",
    "S3",
    "SCHEDULER",
    "SECRETS_MANAGER",
    "SFN",
    "SNS",
    "SQS",
    "SSM",
    "STS",
)
"""Services that functions call here instead of in AWS, as in `AWS_ENDPOINT_URL_<SERVICE>`.

Bedrock is not among them: its model calls go to AWS.
"""


class Cloud:
    """A running moto server and clients for it. Its port is `port`, unless that is taken."""

    def __init__(self, region: str, log: Path, port: int = ANY) -> None:
        self.region = region
        self.logs = log.parent
        logger = logging.getLogger("moto")
        logger.addHandler(logging.FileHandler(log, delay=True))
        logger.setLevel(logging.ERROR)
        self._server = on_port(MotoServer, port)
        self._clients: dict[str, Any] = {}

    @property
    def endpoint(self) -> str:
        return self._server.endpoint

    @property
    def port(self) -> int:
        return self._server.port

    def client(self, service: str) -> Any:  # boto3 generates clients
        """Return the client of the service, which all threads share."""
        if service not in self._clients:
            self._clients[service] = aws_client(service, self.endpoint, self.region)
        return self._clients[service]

    def put_before(self, wrap: "Callable[[WSGIApplication], WSGIApplication]") -> None:
        """Add WSGI middleware in front of moto."""
        self._server.put_before(wrap)

    def function_log(self, arn: str) -> Path:
        """Return the log of the function with this ARN, which may have a qualifier."""
        return self.logs / f"{arn.split(':')[6]}.log"

    def stop(self) -> None:
        self._server.stop()
