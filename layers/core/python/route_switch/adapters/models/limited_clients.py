"""Model clients that limit the answers to requests which set no limit themselves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from route_switch.domain.ports import Chunk, ModelCall, ModelClient
from route_switch.domain.tiers import ModelCatalog

LIMITS = ("max_completion_tokens", "max_tokens")


class LimitedClients:
    """Adds the output limit of the model's tier, so that a call reserves and costs no more."""

    def __init__(self, clients: Callable[[str], ModelClient], catalog: ModelCatalog) -> None:
        """`clients` returns the client of a provider."""
        self._clients = clients
        self._catalog = catalog

    def __call__(self, provider: str) -> ModelClient:
        return _LimitedClient(self._clients(provider), provider, self._catalog)


class _LimitedClient:
    def __init__(self, client: ModelClient, provider: str, catalog: ModelCatalog) -> None:
        self._client = client
        self._provider = provider
        self._catalog = catalog

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        limit = self._catalog.output_limit(f"{self._provider}/{call.model}")
        if limit is not None and all(call.params.get(name) is None for name in LIMITS):
            call = replace(call, params={**call.params, "max_tokens": limit})
        return self._client.stream(call)
