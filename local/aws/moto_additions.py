"""Adapt moto, in the process of a local stack: see `install`."""

import inspect
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core import responses
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from local.aws import (
    moto_cloudformation,
    moto_dynamodb,
    moto_iam,
    moto_lambda,
    moto_stepfunctions,
)
from local.aws.archives import Archive
from local.aws.cloud import Cloud
from local.aws.emulator import CACHE
from local.aws.errors import LocalStackError
from local.aws.functions import Functions, FunctionVersion, RequestTooLargeError
from local.aws.image import find_image
from local.aws.saver import Saver

SSM_BYTES = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}


class TooLargeError(LambdaClientError):  # type: ignore[misc]  # moto is untyped
    code = 413


class ServiceError(LambdaClientError):  # type: ignore[misc]  # moto is untyped
    code = 500


def install(
    cloud: Cloud,
    functions: Functions,
    changed: Callable[[str], None],
    denials: Path,
    saver: Saver | None,
) -> None:
    """Make moto deploy templates completely, update in place, and run functions in their roles.

    `changed` is called with the name of each deployed, updated or deleted stack. See
    `moto_iam.install` for `denials`. `saver` hears of changes to the data.
    """
    os.environ["MOTO_PORT"] = cloud.endpoint.rpartition(":")[2]
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    LambdaFunction.invoke = invoker(functions)
    # `put_metric_alarm` also reads a composite alarm's rule, but moto's API does not expose it.
    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    limit_parameters()
    cache_lookups()
    moto_cloudformation.install(cloud, changed)
    moto_dynamodb.install(ignore if saver is None else saver.seen)
    if saver is not None:
        cloud.put_before(saver.watch)
    moto_iam.install(cloud, denials)
    moto_lambda.install()
    moto_stepfunctions.install(cloud)


def ignore(*_: object) -> None:
    """Do nothing."""


def invoker(functions: Functions) -> Callable[..., bytes]:
    """Return a `LambdaFunction.invoke` that runs the function's real code."""

    def invoke(
        function: Any, body: str | bytes | None, headers: Any, response_headers: dict[str, str]
    ) -> bytes:
        event = (body.encode() if isinstance(body, str) else body) or b"{}"
        kind = headers.get("x-amz-invocation-type")
        version = describe_function(function)
        if kind == "DryRun":
            return b""
        if kind == "Event":
            threading.Thread(target=functions.invoke, args=(version, event), daemon=True).start()
            return b""
        try:
            answer = functions.invoke(version, event)
        except RequestTooLargeError as error:
            raise TooLargeError("RequestTooLargeException", str(error)) from error
        except LocalStackError as error:
            raise ServiceError("ServiceException", str(error)) from error
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.payload

    return invoke


def find_function(arn: str) -> FunctionVersion:
    """Return the function with this ARN as currently deployed."""
    _, _, _, region, account, *_ = arn.split(":")
    return describe_function(lambda_backends[account][region].get_function(arn))


def describe_function(function: Any) -> FunctionVersion:
    image = find_image(function.code.get("ImageUri", "").rpartition(":")[2], CACHE)
    of_image = {} if image is None else image.variables
    return FunctionVersion(
        name=function.function_name,
        version=str(function.version),
        handler=function.handler if image is None else image.handler,
        role=function.role,
        timeout_s=int(function.timeout),
        memory_mb=int(function.memory_size),
        region=function.region,
        variables=tuple(sorted({**of_image, **function.environment_vars}.items())),
        code=image or Archive(function.code_digest, function.code_bytes),
        layers=function.layer_archives,
    )


def cache_lookups() -> None:
    """Cache what moto looks up for each request, partly on disk, while other requests wait."""
    dispatcher = DomainDispatcherApplication
    dispatcher.get_backend_for_host = lru_cache(dispatcher.get_backend_for_host)
    responses.method_names_from_class = lru_cache(responses.method_names_from_class)


def limit_parameters() -> None:
    """Enforce SSM's limits on a parameter's size, which moto lacks."""
    put_parameter = SimpleSystemManagerBackend.put_parameter
    signature = inspect.signature(put_parameter)

    def put_limited(*arguments: Any, **options: Any) -> Any:
        given = signature.bind(*arguments, **options).arguments
        tier, size = given["tier"] or "Standard", len((given["value"] or "").encode())
        if size > SSM_BYTES[tier]:
            raise ValidationException(
                f"{tier} tier parameters support a maximum parameter value of {SSM_BYTES[tier]} "
                f"characters; this one has {size}."
            )
        return put_parameter(*arguments, **options)

    SimpleSystemManagerBackend.put_parameter = put_limited
