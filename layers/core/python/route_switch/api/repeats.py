"""What is kept of an answer for the case that its request is sent again."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import JsonObject, TextStore
from route_switch.domain.router_config import TextStorage
from route_switch.services.inbound_request import RoutedRequest

logger = logging.getLogger(__name__)

MAX_ITEM_BYTES = 120_000
"""An item holds 400 KB, and a body may be three times as long once its quotes are escaped."""

REPLAYED = {"idempotent-replayed": "true"}


class Repeats:
    """The whole answer where texts are kept, a long one in `texts`; else its headers alone, which
    tell of the decision."""

    def __init__(self, texts: TextStore, text_storage: TextStorage) -> None:
        self._texts = texts
        self._text_storage = text_storage

    def keep(
        self, response: Response[str], headers: Mapping[str, str], routed: RoutedRequest
    ) -> JsonObject:
        """`headers` are those without a text. What was not recorded could not be deleted."""
        kept: JsonObject = {"headers": dict(headers)}
        if self._text_storage != "full" or not routed.recorded:
            return kept
        kept["content_type"] = response.content_type
        body = response.body or ""
        if len(body.encode()) <= MAX_ITEM_BYTES:
            return {**kept, "body": body}
        name = f"{routed.record.request_id}/repeat"
        try:
            self._texts.put(name, body)
        except StoreError as error:  # the answer is paid for, and given all the same
            logger.error("A long answer was not kept for a repeat: %s", error)
            return kept
        return {**kept, "body_s3": name}

    def restore(self, kept: JsonObject) -> Response[str]:
        """Raises `AnswerNotKeptError`."""
        body, place = kept.get("body"), kept.get("body_s3")
        if isinstance(place, str):
            body = self._texts.get(place)
        headers = {**_headers(kept), **REPLAYED}
        if not isinstance(body, str):
            raise AnswerNotKeptError(headers)
        return Response(HTTPStatus.OK, str(kept["content_type"]), body, headers)


class AnswerNotKeptError(RequestRefusedError):
    """`headers` tell what was decided."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(
            "This request was answered before, and its answer is not kept here: only the decision "
            "is, in the headers. Send it with a new Idempotency-Key to have it answered again.",
            status=HTTPStatus.CONFLICT,
            kind="conflict_error",
            code="answer_not_kept",
            param="Idempotency-Key",
        )
        self.headers = headers


class UnansweredError(Exception):
    """Nothing to keep: `response` is an error, and a repeat asks again."""

    def __init__(self, response: Response[str]) -> None:
        super().__init__(response.status_code)
        self.response = response


def _headers(kept: JsonObject) -> dict[str, str]:
    headers = kept["headers"]
    return {n: str(v) for n, v in headers.items()} if isinstance(headers, dict) else {}
