"""The REST API of a deployed template: its routes, and the functions behind them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws.errors import LocalStackError

Json = dict[str, Any]
FUNCTION_ARN = re.compile(r"/functions/(.+)/(?:response-streaming-)?invocations$")
DEFAULT_TIMEOUT_MS = 29_000


@dataclass(frozen=True)
class Route:
    """One method of one resource, and its function."""

    method: str
    path: str
    resource_id: str
    function_arn: str
    timeout_s: float
    streams: bool
    """Whether the function answers in the form of a stream, errors included."""
    pattern: re.Pattern[str] = field(repr=False)


@dataclass(frozen=True)
class RestApi:
    """A deployed REST API, read from the resolved template."""

    id: str
    stage: str
    routes: tuple[Route, ...]
    binary_types: tuple[str, ...]
    gateway_responses: Mapping[str, Json]

    @classmethod
    def from_resources(cls, resources: Mapping[str, Json]) -> "RestApi":
        by_type: dict[str, list[Json]] = {}
        for resource in resources.values():
            by_type.setdefault(resource["Type"].removeprefix("AWS::ApiGateway::"), []).append(
                resource
            )
        if not by_type:
            return NO_API
        if len(by_type.get("RestApi", [])) != 1:
            raise LocalStackError(
                "The local stack supports one REST API per stack; the template has "
                f"{len(by_type.get('RestApi', []))}."
            )
        api = by_type["RestApi"][0]
        paths = resource_paths(by_type.get("Resource", []))
        return cls(
            id=api["Ref"],
            stage=by_type["Stage"][0]["Properties"]["StageName"],
            routes=tuple(make_route(method, paths) for method in by_type.get("Method", [])),
            binary_types=tuple(api["Properties"].get("BinaryMediaTypes", [])),
            gateway_responses={
                response["Properties"]["ResponseType"]: response["Properties"]
                for response in by_type.get("GatewayResponse", [])
            },
        )

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and its path parameters.

        Literal segments take precedence over parameters, those over greedy ones (`{proxy+}`), and
        a method over ANY.
        """
        found = [
            (route, match.groupdict())
            for route in self.routes
            if route.method in (method, "ANY") and (match := route.pattern.fullmatch(path))
        ]
        return min(found, key=lambda each: _precedence(each[0]), default=None)

    def is_binary(self, content_type: str) -> bool:
        media = content_type.partition(";")[0].strip().lower()
        return any(
            kind in ("*/*", media) or (kind.endswith("/*") and media.startswith(kind[:-1]))
            for kind in self.binary_types
        )


NO_API = RestApi("", "", (), (), {})
"""The API before a deployment, without routes."""


def resource_paths(resources: Iterable[Json]) -> dict[str, str]:
    """Return full paths by resource id. An id that is missing is the root's."""
    parts = {each["Ref"]: each["Properties"] for each in resources}

    def path(resource_id: str) -> str:
        if resource_id not in parts:
            return ""
        properties = parts[resource_id]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    return {resource_id: path(resource_id) for resource_id in parts}


def make_route(method: Json, paths: Mapping[str, str]) -> Route:
    properties = method["Properties"]
    integration = properties["Integration"]
    path = paths.get(properties["ResourceId"], "/")
    if integration["Type"] != "AWS_PROXY":
        raise LocalStackError(
            f"{properties['HttpMethod']} {path} has an integration of type {integration['Type']}. "
            "The local stack supports only Lambda proxy integrations (AWS_PROXY)."
        )
    arn = FUNCTION_ARN.search(integration["Uri"])
    if arn is None:
        raise LocalStackError(
            f"The integration of {path} names no function: {integration['Uri']}. Use a Lambda "
            "function's invocation URI."
        )
    streams = integration.get("ResponseTransferMode") == "STREAM"
    if streams != integration["Uri"].endswith("/response-streaming-invocations"):
        raise LocalStackError(
            f"The integration of {path} mixes both kinds of answers: ResponseTransferMode STREAM "
            "belongs to a URI that ends in /response-streaming-invocations."
        )
    pattern = re.sub(r"\\{(\w+)\\\+\\}", r"(?P<\1>.+)", re.escape(path))
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
    return Route(
        method=properties["HttpMethod"],
        path=path,
        resource_id=properties["ResourceId"],
        function_arn=arn[1],
        timeout_s=integration.get("TimeoutInMillis", DEFAULT_TIMEOUT_MS) / 1000,
        streams=streams,
        pattern=re.compile(pattern),
    )


def _precedence(route: Route) -> tuple[int, int, int, bool]:
    path = route.path
    return path.count("+}"), path.count("{"), -path.count("/"), route.method == "ANY"
