"""An AWS of its own for each local stack: a moto server in this process, and clients for it."""

import logging
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

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
SLOWEST_INVOCATION_S = 910


class Cloud:
    """A running moto server and clients for it."""

    def __init__(self, region: str, log: Path) -> None:
        self.region = region
        logger = logging.getLogger("werkzeug")
        logger.addHandler(logging.FileHandler(log, delay=True))
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
            self._clients[service] = client(service, self.endpoint, self.region)
        return self._clients[service]

    def stop(self) -> None:
        self._server.stop()


def client(service: str, endpoint: str, region: str) -> Any:  # boto3 makes its clients at run time
    """A client for any local stack's AWS. It waits as long as the slowest function may take."""
    config = Config(read_timeout=SLOWEST_INVOCATION_S, retries={"total_max_attempts": 1})
    return session(region).client(service, endpoint_url=endpoint, config=config)


@lru_cache
def session(region: str) -> boto3.Session:
    """One for all clients: it reads the descriptions of AWS, which are large, only once."""
    return boto3.Session("local", "local", region_name=region)
