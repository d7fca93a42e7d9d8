"""An AWS of its own for each local stack: a moto server in this process, and clients for it."""

import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from local.aws.client import aws_client

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
"""What functions find here instead of in AWS, as `AWS_ENDPOINT_URL_<SERVICE>` spells it.

Bedrock is not among them: calls to models leave for the real one.
"""


class Cloud:
    """A running moto server and clients for it."""

    def __init__(self, region: str, log: Path) -> None:
        self.region = region
        handler = logging.FileHandler(log, delay=True)
        for name in ("moto", "werkzeug"):
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(logging.ERROR)
        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._clients: dict[str, Any] = {}

    @cached_property
    def endpoint(self) -> str:
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def client(self, service: str) -> Any:  # boto3 makes its clients at run time
        """A client of the service; one for all threads."""
        if service not in self._clients:
            self._clients[service] = aws_client(service, self.endpoint, self.region)
        return self._clients[service]

    def put_before(self, wrap: Callable[[Any], Any]) -> None:  # WSGI applications
        """Wraps moto in what is to see each request first."""
        server = self._server._server
        server.app = wrap(server.app)

    def stop(self) -> None:
        self._server.stop()
