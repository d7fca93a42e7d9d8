"""Run functions of moto's Lambda in this process."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from moto.awslambda.models import LambdaBackend

from route_switch.domain.ports import JsonObject
from tests.support.context import FakeContext

Handler = Callable[[JsonObject, FakeContext], JsonObject]


def run_in_process(monkeypatch: pytest.MonkeyPatch, handlers: Mapping[str, Handler]) -> None:
    """Map function names to handlers. An exception from a handler is returned as Lambda does."""

    def invoke(
        _: LambdaBackend, name: str, _qualifier: object, body: bytes, _headers: Any, answered: Any
    ) -> bytes:
        try:
            answer: object = handlers[name](json.loads(body), FakeContext())
        except Exception as error:  # noqa: BLE001, RUF100 (whatever it raises)
            answered["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return json.dumps(answer).encode()

    monkeypatch.setattr(LambdaBackend, "invoke", invoke)
