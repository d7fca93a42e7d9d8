"""Which layers a stage's functions have."""

from pathlib import Path

from constructs import Construct

from infra.python_layer import PythonLayer, code_layer, dependency_layer
from infra.stage import Stage

LAYERS = Path("layers")
LOCAL_PROVIDERS = frozenset({"local", "offline"})
"""Providers whose models run inside the function and need the offline layers."""


def base_layers(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """What every function imports."""
    requirements = LAYERS / "dependencies/requirements.txt"
    return [
        code_layer(scope, "CoreLayer", stage=stage, folder=LAYERS / "core"),
        dependency_layer(scope, "DependencyLayer", stage=stage, requirements=requirements),
    ]


def model_layers(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """What the router needs beside it for the models that it calls; nothing for Bedrock's, and for
    those that OpenAI's API reaches."""
    return [*_offline_layers(scope, stage), *_litellm_layer(scope, stage)]


def _offline_layers(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """Recorded answers and the encoder."""
    if not stage.providers & LOCAL_PROVIDERS:
        return []
    requirements = LAYERS / "offline/requirements.txt"
    return [
        code_layer(scope, "OfflineLayer", stage=stage, folder=LAYERS / "offline"),
        dependency_layer(scope, "EncoderLayer", stage=stage, requirements=requirements),
    ]


def _litellm_layer(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """LiteLLM takes seconds to import: it is there only where a model has no other client."""
    if not stage.foreign_providers:
        return []
    requirements = LAYERS / "litellm/requirements.txt"
    return [dependency_layer(scope, "LiteLlmLayer", stage=stage, requirements=requirements)]
