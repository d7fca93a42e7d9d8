"""The Lambda runtime's context argument."""

from aws_lambda_powertools.utilities.typing import LambdaContext


class FakeContext(LambdaContext):
    _function_name = "router"
    _memory_limit_in_mb = 1024
    _invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:router"
    _aws_request_id = "lambda-request-id"
