"""The HTTP API: API Gateway in front of the functions, with errors that all clients can read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.encryption import customer_key
from infra.nag import acknowledge
from infra.removal import KEEP, removal_policy
from infra.routes import PAGES, ROUTES, STREAMED
from infra.stage import Stage

OTHER_METHODS = "management"
"""The function that answers everything else on the paths of `ROUTES`: preflight requests, and a 404
in OpenAI's format. API Gateway's own error for an unknown route differs with the Authorization
header, which it takes for a signature of AWS. On paths that only the owner function serves, it is
that function, because a preflight answer lists the methods that its function knows."""

UNKNOWN_URL = "Unknown request URL. The routes are: " + ", ".join(
    f"{method} {path}" for method, path in ROUTES
)


@dataclass(frozen=True)
class GatewayError:
    """An error that API Gateway itself returns; `message` None keeps API Gateway's message."""

    response: str
    status: str | None
    kind: str
    code: str | None = None
    message: str | None = None
    retry_after_s: int | None = None
    may_be_paid: bool = False
    """Whether models may have been paid already. Clients then do not repeat by themselves."""

    def headers(self, cors_origins: Sequence[str]) -> dict[str, str]:
        """Return the headers as API Gateway's expressions: a quoted text, or a mapping."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = f"'{self.retry_after_s}'"
        if self.may_be_paid:
            headers["x-should-retry"] = "'false'"
        if len(cors_origins) == 1:
            headers["Access-Control-Allow-Origin"] = f"'{cors_origins[0]}'"
        elif cors_origins:
            # API Gateway cannot choose from a list. These errors allow no origin.
            headers["Access-Control-Allow-Origin"] = "method.request.header.Origin"
        return headers

    @property
    def template(self) -> str:
        """The JSON body. API Gateway replaces its variable with a quoted string."""
        said = {"message": "$", "type": self.kind, "param": None, "code": self.code}
        if self.message is not None:
            said["message"] = self.message
        # OpenAI's form, plus what Anthropic's needs: a template cannot see the path.
        body = {"type": "error", "error": said, "request_id": "$context.requestId"}
        return json.dumps(body).replace('"$"', "$context.error.messageString")


ERRORS = (
    GatewayError("DEFAULT_4XX", None, "invalid_request_error"),
    GatewayError("DEFAULT_5XX", None, "server_error"),
    GatewayError(
        "MISSING_AUTHENTICATION_TOKEN",  # API Gateway's name for an unknown route
        "404",
        "invalid_request_error",
        "unknown_url",
        UNKNOWN_URL,
    ),
    GatewayError(
        "INVALID_SIGNATURE",  # an unknown route called with a bearer key, read as AWS's header
        "404",
        "invalid_request_error",
        "unknown_url",
        UNKNOWN_URL,
    ),
    GatewayError(
        "THROTTLED",
        "429",
        "rate_limit_error",
        "rate_limit_exceeded",
        "Too many requests at once. Wait a moment and try again.",
        retry_after_s=1,
    ),
    GatewayError(
        "REQUEST_TOO_LARGE",
        "413",
        "invalid_request_error",
        "request_too_large",
        "The request is larger than 4.5 MB. Shorten the messages, or send smaller images.",
    ),
    GatewayError(
        "INTEGRATION_TIMEOUT",
        "504",
        "server_error",
        "timeout",
        "The router did not answer in time. Ask for a shorter answer. Models may have been paid.",
        may_be_paid=True,
    ),
    GatewayError(
        "INTEGRATION_FAILURE",
        "502",
        "server_error",
        "bad_gateway",
        "The router failed. Try again; its logs have the reason.",
        retry_after_s=1,
    ),
)

UNSIGNED = GatewayError(
    "MISSING_AUTHENTICATION_TOKEN",
    "403",
    "permission_error",
    "signature_required",
    "This API takes only requests that are signed with AWS credentials (Signature Version 4, "
    "service 'execute-api'). Sign the request, and send the API key in the header x-api-key.",
)
BADLY_SIGNED = replace(
    UNSIGNED,
    response="INVALID_SIGNATURE",
    message="The request's signature of AWS is not valid. "
    "Sign it with current credentials for the service 'execute-api' in the API's region.",
)
PUBLIC = frozenset({("GET", "/health"), ("GET", "/openapi.json"), *PAGES})
"""Routes without a key, and without a signature."""

ACCESS_LOG = {
    name: f"$context.{variable}"
    for name, variable in {
        "requestId": "requestId",
        "ip": "identity.sourceIp",
        "requestTime": "requestTime",
        "httpMethod": "httpMethod",
        "resourcePath": "resourcePath",
        "protocol": "protocol",
        "status": "status",
        "responseLength": "responseLength",
        "responseLatency": "responseLatency",
        "integrationLatency": "integrationLatency",
        "integrationStatus": "integrationStatus",
        "integrationError": "integrationErrorMessage",
        "errorType": "error.responseType",
        "traceId": "xrayTraceId",
        "responseTransferMode": "integration.responseTransferMode",
        "timeToAllHeaders": "integration.timeToAllHeaders",
        "timeToFirstContent": "integration.timeToFirstContent",
    }.items()
}
"""Fields of the access log: never a body, a query string or a key."""

ACCEPTED = {
    "APIG2": "The router validates every request and returns errors in the client's format.",
    "APIG3": "A web ACL costs money while idle. An owner who wants one attaches it to the stage.",
    "APIG4": "The router authenticates bearer keys, as OpenAI's clients send them.",
    "COG4": "Callers are programs with bearer keys, not users of a Cognito pool.",
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
    "AmazonAPIGatewayPushToCloudWatchLogs]": "API Gateway requires this policy for an account's "
    "log role.",
}
"""Rules of cdk-nag that this API does not follow, with reasons."""


class Api(Construct):
    """A regional REST API with the routes in `ROUTES` and `PAGES`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        functions: Mapping[str, lambda_.IFunction],
    ) -> None:
        """`functions` has one function for each name in `ROUTES` and `PAGES`."""
        super().__init__(scope, construct_id)
        self._stage_name = stage.name
        self.rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"route-switch-{stage.name}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            deploy_options=self._deploy_options(stage),
            cloud_watch_role=stage.account_log_role,
            cloud_watch_role_removal_policy=KEEP if stage.account_log_role else None,
        )
        self._keep_execution_logs(stage)
        self.rest.node.try_remove_child("Endpoint")  # an output; the stack has its own
        self._secure_transport()
        integrations = {
            # One permission for all methods: a permission for each would exceed the 20 KB that the
            # policy of a function may have.
            name: apigateway.LambdaIntegration(function, scope_permission_to_method=False)
            for name, function in functions.items()
        }
        for (method, path), name in {**ROUTES, **PAGES}.items():
            streamed = (method, path) in STREAMED
            integration = _streaming(functions[name]) if streamed else integrations[name]
            self.rest.root.resource_for_path(path).add_method(
                method,
                integration,
                authorization_type=_authorization(stage, method, path),
            )
        for path in all_paths():
            resource = self.rest.root.resource_for_path(path)
            resource.add_method("ANY", integrations[other_methods_of(path)])
        for error in errors_of(stage):
            self.rest.add_gateway_response(
                error.response,
                type=apigateway.ResponseType.of(error.response),
                status_code=error.status,
                response_headers=error.headers(stage.cors_origins),
                templates={"application/json": error.template},
            )
        for rule, reason in ACCEPTED.items():
            acknowledge(self.rest, rule, reason)

    @property
    def endpoint(self) -> str:
        """The base URL, without a trailing slash."""
        stack, stage = Stack.of(self), self.rest.deployment_stage.stage_name
        host = f"{self.rest.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        return f"https://{host}/{stage}"

    @property
    def console(self) -> str:
        """The console's address, for notifications. It names neither the deployment nor its stage's
        resource, which depend on the functions: these could not know it otherwise."""
        stack = Stack.of(self)
        host = f"{self.rest.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        return f"https://{host}/{self._stage_name}/console"

    def _secure_transport(self) -> None:
        """Take TLS 1.2 and later only, and only for the API's own host name. The CDK's construct
        has no parameters for it, and API Gateway's default takes TLS 1.0."""
        rest = cast("apigateway.CfnRestApi", self.rest.node.default_child)
        rest.security_policy = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
        rest.endpoint_access_mode = "STRICT"

    def _keep_execution_logs(self, stage: Stage) -> None:
        """Create the log group that API Gateway would otherwise create: without expiry or key."""
        log_group = logs.LogGroup(
            self,
            "ExecutionLogs",
            log_group_name=f"API-Gateway-Execution-Logs_{self.rest.rest_api_id}/{stage.name}",
            encryption_key=customer_key(self),
            retention=logs.RetentionDays[stage.log_retention],
            removal_policy=removal_policy(stage),
        )
        self.rest.deployment_stage.node.add_dependency(log_group)

    def _deploy_options(self, stage: Stage) -> apigateway.StageOptions:
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            encryption_key=customer_key(self),
            retention=logs.RetentionDays[stage.log_retention],
            removal_policy=removal_policy(stage),
        )
        return apigateway.StageOptions(
            stage_name=stage.name,
            throttling_rate_limit=stage.requests_per_second,
            throttling_burst_limit=stage.burst,
            tracing_enabled=stage.tracing,
            # Errors only, never bodies: a query's text belongs in the configured storage alone.
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            access_log_destination=apigateway.LogGroupLogDestination(log_group),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
        )


def _authorization(stage: Stage, method: str, path: str) -> apigateway.AuthorizationType | None:
    """Return None for API Gateway's default: the function alone checks the caller."""
    if stage.authorizer == "keys" or (method, path) in PUBLIC:
        return None
    return apigateway.AuthorizationType.IAM


def errors_of(stage: Stage) -> tuple[GatewayError, ...]:
    if stage.authorizer == "keys":
        return ERRORS
    signed = {each.response: each for each in (UNSIGNED, BADLY_SIGNED)}
    return tuple(signed.get(each.response, each) for each in ERRORS)


def _streaming(function: lambda_.IFunction) -> apigateway.LambdaIntegration:
    """Send the answer's pieces on as they come, for as long as API Gateway allows."""
    return apigateway.LambdaIntegration(
        function,
        allow_test_invoke=False,
        response_transfer_mode=apigateway.ResponseTransferMode.STREAM,
        timeout=Duration.minutes(15),
    )


def other_methods_of(path: str) -> str:
    if ("GET", path) in PAGES:
        return PAGES["GET", path]  # HEAD is for the page's function too
    serving = {name for (_, served), name in ROUTES.items() if served == path}
    return "owner" if serving == {"owner"} else OTHER_METHODS


def all_paths() -> list[str]:
    """Return the path of every resource of the API, and `/{proxy+}` for all that have none."""
    segments = [path.split("/")[1:] for _, path in (*ROUTES, *PAGES)]
    below = {"/" + "/".join(each[:n]) for each in segments for n in range(1, len(each) + 1)}
    return ["/", *sorted(below), "/{proxy+}"]
