"""Stored responses for requests that are retried with the same `Idempotency-Key`."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import JsonObject, TextStore
from route_switch.domain.router_config import TextStorage

logger = logging.getLogger(__name__)

MAX_ITEM_BYTES = 120_000
"""An item holds 400 KB, and escaping quotes may triple the length of a body."""

REPLAYED = {"idempotent-replayed": "true"}


class StoredResponses:
    """Stores the whole response if texts are stored, a long one in `texts`. Otherwise stores only
    the headers, which describe the decision."""

    def __init__(self, texts: TextStore, text_storage: TextStorage) -> None:
        self._texts = texts
        self._text_storage = text_storage

    def store(
        self,
        content_type: str,
        body: str,
        headers: Mapping[str, str],
        request_id: str,
        *,
        recorded: bool,
    ) -> JsonObject:
        """`headers` contain no text. The body is only stored if the request was recorded, because
        it could not be deleted otherwise."""
        stored: JsonObject = {"headers": dict(headers)}
        if self._text_storage != "full" or not recorded:
            return stored
        stored["content_type"] = content_type
        if len(body.encode()) <= MAX_ITEM_BYTES:
            return {**stored, "body": body}
        name = f"{request_id}/repeat"
        try:
            self._texts.put(name, body)
        except StoreError as error:  # the answer is paid for, so return it anyway
            logger.error("A long answer was not stored for retries: %s", error)
            return stored
        return {**stored, "body_s3": name}

    def restore(self, stored: JsonObject) -> Response[str]:
        """Raise `AnswerNotStoredError` when only the headers were stored."""
        body, place = stored.get("body"), stored.get("body_s3")
        if isinstance(place, str):
            body = self._texts.get(place)
        headers = {**_headers(stored), **REPLAYED}
        content_type = stored.get("content_type")
        if not isinstance(body, str) or not isinstance(content_type, str):
            raise AnswerNotStoredError(headers)
        return Response(HTTPStatus.OK, content_type, body, headers)


class AnswerNotStoredError(RequestRefusedError):
    """`headers` describe the decision."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(
            "This request was answered before, but its answer is not stored; the headers describe "
            "the decision. To get another answer, send it with a new Idempotency-Key.",
            status=HTTPStatus.CONFLICT,
            kind="conflict_error",
            code="answer_not_kept",
            param="Idempotency-Key",
        )
        self.headers = headers


class UnansweredError(Exception):
    """There is nothing to store: `response` is an error, and a retry tries again."""

    def __init__(self, response: Response[str]) -> None:
        super().__init__(response.status_code)
        self.response = response


def _headers(stored: JsonObject) -> dict[str, str]:
    headers = stored.get("headers")
    return {n: str(v) for n, v in headers.items()} if isinstance(headers, dict) else {}
