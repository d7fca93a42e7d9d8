"""Every dialect of Bedrock's `converse`, over HTTP to a real botocore client."""

from tests.conformance.conftest import Client, Conformance, both_ways, every_dialect
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


@both_ways
@every_dialect(CLIENT.form)
def test_dialect(conformance: Conformance, dialect: Dialect, stream: bool) -> None:
    conformance.check(CLIENT, dialect, stream=stream)
