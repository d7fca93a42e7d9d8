"""A client of AWS whose calls fail, before or after they are done, as a plan says."""

from collections.abc import Callable
from enum import StrEnum
from threading import Lock
from typing import Any

from botocore.exceptions import ReadTimeoutError


class Fault(StrEnum):
    NONE = "none"
    FAILS_BEFORE = "fails before"
    ANSWER_LOST = "answer lost"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


class KilledError(BaseException):
    """Nothing handles it, like the end of a process."""


class FaultyClient:
    """`next_fault` is asked before each call. Calls are atomic, as AWS's are; moto's are not."""

    def __init__(self, client: Any, next_fault: Callable[[], Fault], lock: Lock) -> None:
        self._client = client
        self._next_fault = next_fault
        self._lock = lock
        self.exceptions = client.exceptions

    def get_paginator(self, name: str) -> Any:
        return self._client.get_paginator(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def faulty(**arguments: Any) -> Any:
            fault = self._next_fault()
            if fault is Fault.KILLED_BEFORE:
                raise KilledError
            if fault is Fault.FAILS_BEFORE:
                raise ReadTimeoutError(endpoint_url=name)
            with self._lock:
                answer = call(**arguments)
            if fault is Fault.KILLED_AFTER:
                raise KilledError
            if fault is Fault.ANSWER_LOST:
                raise ReadTimeoutError(endpoint_url=name)
            return answer

        return faulty
