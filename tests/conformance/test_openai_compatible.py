"""Every dialect of OpenAI's form through the client for OpenAI-compatible servers."""

from tests.conformance.conftest import Client, Conformance, both_ways, every_dialect
from tests.support.upstream import completion

CLIENT = Client("openai", "openai", completion("2").body)


@both_ways
@every_dialect(CLIENT.form)
def test_dialect(conformance: Conformance, name: str, stream: bool) -> None:
    conformance.check(CLIENT, name, stream=stream)
