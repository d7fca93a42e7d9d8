"""The function behind the console's page. The page calls the API like any other client."""

from aws_cdk import Duration
from constructs import Construct

from infra.function import PythonFunction
from infra.stage import Stage


class ConsoleFunction(PythonFunction):
    """Serve static files. Anyone may load them, so the role may do nothing but write its log."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="console",
            timeout=Duration.seconds(10),
            memory_mb=512,
            # A bound keeps visitors without a key from taking the router's concurrency.
            reserved_concurrency=stage.bounded(30),
            layers=(),
            environment={},
        )
