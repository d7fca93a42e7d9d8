"""Every dialect of OpenAI's form through the client for OpenAI-compatible servers."""

import json
import re
from pathlib import Path

from tests.conformance.conftest import Client, Conformance, every_dialect_in_every_way
from tests.conformance.dialect import Dialect
from tests.support.upstream import completion

CLIENT = Client("openai", "openai", completion("2").body)


@every_dialect_in_every_way(CLIENT.form)
def test_dialect(conformance: Conformance, dialect: Dialect, stream: bool, events: bool) -> None:
    conformance.check(CLIENT, dialect, stream=stream, events=events)


def test_the_example_of_the_readme_is_a_dialect(conformance: Conformance) -> None:
    readme = Path(__file__).with_name("README.md").read_text("utf-8")
    [example] = re.findall(r"^```json\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    conformance.check(CLIENT, Dialect.model_validate(json.loads(example)), stream=True)
