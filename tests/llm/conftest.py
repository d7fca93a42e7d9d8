"""The stack of `PROFILE=local-llm`: a real small model routes and answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openai import OpenAI

from local.aws.client import StackInfo
from local.aws.emulator import loopback_address
from local.aws.llm import PROFILE
from tests.e2e.conftest import client_of, deployed

PORT = 8135


@dataclass(frozen=True)
class ServedStack:
    """The stack, and the address of its model server."""

    stack: StackInfo
    model_url: str
    state: Path

    @property
    def openai(self) -> OpenAI:
        return client_of(self.stack)


@pytest.fixture(scope="session")
def address() -> str:
    """An address that no other stack on this machine uses."""
    return loopback_address()


@pytest.fixture(scope="session")
def environment(address: str) -> dict[str, str]:
    """An environment with OpenAI's variables, as in a user's shell. They must have no effect."""
    profiles = json.loads(Path("cdk.json").read_text("utf-8"))["context"]["profiles"]
    profiles[PROFILE]["openai_base_url"] = f"http://{address}:{PORT}/v1"
    return {
        "ROUTE_SWITCH_PROFILE": PROFILE,
        "CDK_CONTEXT_JSON": json.dumps({"profiles": profiles}),
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "OPENAI_API_KEY": "sk-not-for-this-server",
        "TIER_1_MODEL": "gpt-4.1-nano",
    }


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, address: str, environment: dict[str, str]
) -> Iterator[ServedStack]:
    folder = tmp_path_factory.mktemp("llm")
    with deployed(folder, environment) as stack:
        yield ServedStack(stack, f"http://{address}:{PORT}", folder / "state")
