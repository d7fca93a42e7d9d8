"""What a request loads. Every module here is paid for by each cold start."""

import json
import os
import subprocess
import sys

from tests.support.upstream import completion, running_upstream

MAY_BE_IMPORTED = {
    "annotated_types",
    "anyio",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "certifi",
    "dateutil",
    "functions",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "route_switch",
    "s3transfer",
    "six",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}

# The upstream is called through the client itself: a whole request would need AWS.
PROBE = """
import json, sys
from functions.router import handler
from route_switch.bootstrap import router
from route_switch.adapters.models.registry import ModelClients
from route_switch.domain.completion import complete
from route_switch.domain.ports import ModelCall

event = {"path": "/v1/chat/completions", "httpMethod": "POST", "headers": {}, "body": "{}",
         "multiValueHeaders": {}, "isBase64Encoded": False, "requestContext": {"requestId": "r"}}
assert handler.lambda_handler(event, None)["statusCode"] == 401
call = ModelCall("m", ({"role": "user", "content": "hi"},))
assert complete(ModelClients(router().config, lambda _: None)("openai").stream(call)).text == "Hi"
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_request_loads_nothing_but_what_is_listed() -> None:
    models = {"tiers": {n: {"model": f"openai/m{n}"} for n in (1, 2, 3)}, "router": "openai/r"}
    with running_upstream(lambda _: completion("Hi")) as upstream:
        config = json.dumps({"models": models, "openai_base_url": upstream.url})
        environment = {
            **os.environ,
            "ROUTE_SWITCH_CONFIG": config,
            **dict.fromkeys(
                (
                    "RESULTS_TABLE",
                    "KEYS_TABLE",
                    "TEXTS_BUCKET",
                    "RECORDS_QUEUE_URL",
                    "LIVE_PROMPT_PARAMETER",
                    "SEED_PROMPT_PARAMETER",
                    "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                ),
                "x",
            ),
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    surprises = loaded - MAY_BE_IMPORTED - sys.stdlib_module_names
    assert {name for name in surprises if not name.startswith("_")} == set()
