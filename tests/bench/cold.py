"""The first answer of a fresh process; `python cold.py eager` imports LiteLLM first."""

import sys

if sys.argv[1:] == ["eager"]:
    import litellm  # noqa: F401 (importing it is what is measured)

from functions.router.handler import lambda_handler
from tests.support.events import chat_event

answer = lambda_handler(chat_event("hello", "rs-bench"), None)  # type: ignore[arg-type]
assert answer["statusCode"] == 200
