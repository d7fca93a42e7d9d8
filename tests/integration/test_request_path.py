"""What a request loads. Every module here is paid for by each cold start."""

import json
import subprocess
import sys

from tests.support.stand_ins import in_a_function, running_stand_ins

MAY_BE_IMPORTED = {
    "annotated_types",
    "anyio",
    "aws_lambda_powertools",
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
    "six",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}

PROBE = """
import json, sys
from functions.router.handler import lambda_handler
for event in json.load(sys.stdin):
    answer = lambda_handler(event, None)
    assert answer["statusCode"] == 200, answer
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_request_loads_nothing_but_what_is_listed() -> None:
    from tests.support.events import chat_event

    events = [chat_event("hello", "rs-x"), chat_event("Why is the sky blue at noon? " * 3, "rs-x")]
    with running_stand_ins() as environment:
        done = subprocess.run(
            in_a_function("-c", PROBE),
            env=environment,
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    surprises = loaded - MAY_BE_IMPORTED - sys.stdlib_module_names
    assert {name for name in surprises if not name.startswith("_")} == set()
