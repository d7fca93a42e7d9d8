"""The server in front of moto."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.server import MotoServer


def test_an_upload_that_is_cut_off_stores_nothing() -> None:
    """A process that is killed between the head of its request and the body."""
    server = MotoServer()
    try:
        s3 = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(s3={"addressing_style": "path"}),
        )
        s3.create_bucket(Bucket="bucket")
        address = urlsplit(server.endpoint)
        with closing(socket.create_connection((address.hostname, address.port or 0))) as cut:
            cut.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
            cut.shutdown(socket.SHUT_WR)
            assert b"400 Bad Request" in cut.recv(200)
        with pytest.raises(ClientError, match=r"NoSuchKey|404"):
            s3.get_object(Bucket="bucket", Key="key")
    finally:
        server.stop()
