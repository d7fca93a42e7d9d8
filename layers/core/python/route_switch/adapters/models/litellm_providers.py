"""The providers that LiteLLM knows, read from its source: importing it takes seconds."""

import ast
from importlib.util import find_spec
from pathlib import Path

from route_switch.domain.errors import ConfigurationError

_ENUM = "LlmProviders"
_MORE_THAN_A_KEY = frozenset(
    {"azure", "azure_ai", "azure_text", "sagemaker", "sagemaker_chat", "vertex_ai"}
    | {"vertex_ai_beta", "watsonx", "watsonx_text"}
)
"""They need an address, a project or credentials of another kind; `LiteLlmClient` gives a key."""


def litellm_providers() -> frozenset[str]:
    """The part before the slash in the names of the models that LiteLLM serves with a key alone."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "litellm is not installed, and it lists the providers. Install `route-switch[litellm]`."
        )
    source = Path(spec.origin).with_name("types").joinpath("utils.py").read_text(encoding="utf-8")
    enums = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == _ENUM]
    return (
        frozenset(
            item.value.value
            for enum in enums
            for item in enum.body
            if isinstance(item, ast.Assign)
            and isinstance(item.value, ast.Constant)
            and isinstance(item.value.value, str)
        )
        - _MORE_THAN_A_KEY
    )
