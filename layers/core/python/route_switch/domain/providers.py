"""What is known of a provider by its name: the part of a model's name before the slash."""

IN_PROCESS = frozenset({"local", "offline"})
"""Providers that run in the calling process: no network, no key, no bill."""
SIMULATED = "offline"
"""Replays recordings and plays roles; figures that depend on it are called simulated."""
KEYLESS = IN_PROCESS | {"bedrock"}
"""Providers that need no key; Bedrock uses the function's role."""


def provider_of(model: str) -> str:
    """Return the provider of `provider/name`."""
    return model.partition("/")[0]


def is_simulated(model: str) -> bool:
    return provider_of(model) == SIMULATED
