"""Answer one request in a new process."""

from functions.router.handler import lambda_handler
from tests.support.events import chat_event

answer = lambda_handler(chat_event("hello", "rs-bench"), None)  # type: ignore[arg-type]
assert answer["statusCode"] == 200
