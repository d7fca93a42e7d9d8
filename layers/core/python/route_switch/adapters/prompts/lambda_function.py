"""Invoke another function of the stack and wait for its response."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import InvocationError
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.rollback import RollbackOrder, RolledBack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaFunction:
    """The client's read timeout must be longer than the function's own timeout."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self._client = client
        self._name = name

    def __call__(self, event: JsonObject) -> JsonObject:
        """Return the function's response, a JSON object. Raise `InvocationError` when it fails or
        cannot be invoked."""
        try:
            said = self._client.invoke(FunctionName=self._name, Payload=json.dumps(event))
            payload = json.loads(said["Payload"].read() or b"{}")
        except (BotoCoreError, ClientError) as error:
            raise InvocationError(f"{self._name} could not be invoked: {error}") from error
        if "FunctionError" in said:
            kind, message = payload.get("errorType", "Error"), payload.get("errorMessage", "")
            raise InvocationError(f"{self._name} failed: {kind}: {message}")
        answer: JsonObject = payload
        return answer


class LambdaPromoter:
    """The promoter function, as the quality monitor sees it."""

    def __init__(self, function: LambdaFunction) -> None:
        self._function = function

    def roll_back(self, order: RollbackOrder) -> RolledBack:
        answer = self._function({"step": "rollback", **order.model_dump()})
        return RolledBack.model_validate(answer)
