"""The generated pages, by file. A test compares each file with what its generator returns."""

import json
from collections.abc import Callable

from docs.generate.cli import cli_page
from docs.generate.configuration import configuration_page
from docs.generate.metrics import metrics_page
from route_switch.api.openapi import document


def openapi_file() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


GENERATED: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli_page,
    "docs/configuration.md": configuration_page,
    "docs/metrics.md": metrics_page,
    "docs/openapi.json": openapi_file,
}
