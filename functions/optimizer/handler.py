"""Works on a learning run, a slice at each invocation."""

from collections.abc import Mapping

from route_switch.optimizer import loop


def lambda_handler(event: Mapping[str, object], context: object) -> dict[str, bool]:  # noqa: ARG001 - Lambda's
    return {"done": loop is not None}
