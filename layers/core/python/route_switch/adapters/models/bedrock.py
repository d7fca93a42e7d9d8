"""Amazon Bedrock through its `converse` API."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from urllib3.exceptions import HTTPError

from route_switch.adapters.models.bedrock_answer import read_response
from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.adapters.models.bedrock_stream import read_events
from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.models.provider_errors import (
    NO_REASON,
    Problem,
    error_of,
)
from route_switch.adapters.models.retry_advice import retry_after_s
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.needs import UNKNOWN, Capabilities
from route_switch.domain.ports import Chunk, ModelCall

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import (
        ConverseRequestTypeDef,
    )

Response = TypeVar("Response")

STATUSES = {
    "ServiceQuotaExceededException": 429,
    "ExpiredTokenException": 401,
    "UnrecognizedClientException": 401,
}
"""What some errors mean, although their status says that the request is wrong."""


class BedrockClient:
    def __init__(
        self,
        bedrock: "BedrockRuntimeClient",
        capabilities_of: Callable[[str], Capabilities] = lambda _: UNKNOWN,
    ) -> None:
        """`capabilities_of` returns what is known of a model, by its name on Bedrock."""
        self._bedrock = bedrock
        self._capabilities_of = capabilities_of

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        request = converse_request(call, self._capabilities_of(call.model))
        try:
            if call.stream:
                with deadline_in(call.timeout_s, call.is_cancelled):
                    yield from self._streamed(call, request)
                return
            with deadline_in(call.timeout_s):
                response = _once_more(self._bedrock.converse, request)
        except (ReadTimeoutError, ConnectTimeoutError, TimeoutError) as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except ClientError as error:
            raise _error(call.model, error) from error
        except ParamValidationError as error:
            raise _invalid_field(error) from error
        except (BotoCoreError, HTTPError, OSError) as error:
            raise ModelError(f"{call.model} cannot be reached: {type(error).__name__}") from error
        yield read_response(call, response)

    def _streamed(self, call: ModelCall, request: "ConverseRequestTypeDef") -> Iterator[Chunk]:
        response = _once_more(self._bedrock.converse_stream, request)
        with closing(response["stream"]) as events:
            one_call = call.params.get("parallel_tool_calls") is False
            yield from read_events(call.model, events, one_call=one_call)


def _once_more(operation: Callable[..., Response], request: "ConverseRequestTypeDef") -> Response:
    """Repeat a call once whose connection broke before anything was answered: a connection that
    was kept while Lambda froze the process may be gone."""
    try:
        return operation(**request)
    except (ConnectionClosedError, EndpointConnectionError):
        return operation(**request)


def _error(model: str, error: ClientError) -> ModelError:
    """The code of a refused request says no more than its status, so clients do not get it."""
    code, reason = error.response["Error"].get("Code"), error.response["Error"].get("Message")
    response = error.response.get("ResponseMetadata", {})
    status = STATUSES.get(code or "") or response.get("HTTPStatusCode")
    if code == "ModelTimeoutException":
        return ModelTimeoutError(f"{model} did not answer in time", status=status)
    problem = Problem(reason or NO_REASON, None if code == "ValidationException" else code)
    return error_of(model, problem, status, retry_after_s(response.get("HTTPHeaders", {})))


def _invalid_field(error: ParamValidationError) -> InvalidModelRequestError:
    """botocore rejected the request before sending it. Its report quotes values, so take only the
    field's name from it."""
    field = re.search(r"for parameter ([\w.\[\]]+)", str(error))
    return InvalidModelRequestError(
        f"Bedrock does not accept this value of {field[1] if field else 'a field'}. Correct it."
    )
