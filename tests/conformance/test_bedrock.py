"""Every dialect of Bedrock's `converse`, over HTTP to a real botocore client."""

from tests.conformance.conftest import Client, Conformance, every_dialect, every_streamed_dialect
from tests.conformance.dialect import Dialect

CLIENT = Client(
    "bedrock",
    "bedrock",
    {
        "output": {"message": {"role": "assistant", "content": [{"text": "2"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18},
        "metrics": {"latencyMs": 7},
    },
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
)


@every_dialect(CLIENT.form)
def test_dialect(conformance: Conformance, dialect: Dialect) -> None:
    conformance.check(CLIENT, dialect, stream=False)


@every_streamed_dialect(CLIENT.form)
def test_streamed_dialect(conformance: Conformance, dialect: Dialect) -> None:
    conformance.check(CLIENT, dialect, stream=True, events=True)
