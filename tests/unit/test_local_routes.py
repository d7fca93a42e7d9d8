"""Which route the local gateway chooses, as API Gateway does."""

import re

import pytest

from local.aws.routes import NO_API, RestApi, Route

PATHS = ("/console", "/console/{file+}", "/v1/models", "/v1/models/{id+}", "/{proxy+}", "/")


def api() -> RestApi:
    routes = []
    for path in PATHS:
        for method in ("ANY",) if path in ("/", "/{proxy+}") else ("ANY", "GET"):
            pattern = re.compile(re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path))
            routes.append(Route(method, path, "id", "arn", 29.0, False, pattern))
    return RestApi("id", "local", tuple(routes[::-1]), (), NO_API.gateway_responses)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/console", ("GET", "/console")),
        ("HEAD", "/console", ("ANY", "/console")),
        ("GET", "/console/index-1.js", ("GET", "/console/{file+}")),
        ("HEAD", "/console/index-1.js", ("ANY", "/console/{file+}")),
        ("OPTIONS", "/v1/models/openai/gpt", ("ANY", "/v1/models/{id+}")),
        ("GET", "/v1/nothing", ("ANY", "/{proxy+}")),
        ("GET", "/console/", ("ANY", "/{proxy+}")),
    ],
)
def test_the_most_specific_path_is_chosen_and_its_method_before_any(
    method: str, path: str, expected: tuple[str, str]
) -> None:
    found = api().match(method, path)
    assert found is not None
    assert (found[0].method, found[0].path) == expected
