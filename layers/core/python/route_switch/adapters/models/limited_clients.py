"""Model clients that send the parameters of a tier, and limit answers to requests without a limit.

A model's name may have parameters (`openai/gpt-5 (reasoning_effort=low)`). The clients behind this
one see the model's own name and find the parameters among the request's.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from route_switch.domain.errors import ModelError
from route_switch.domain.parameters import LIMITS, with_tier_parameters
from route_switch.domain.ports import Chunk, ModelCall, ModelClient
from route_switch.domain.tier_parameters import split_name

OutputLimit = Callable[[str], int | None]
"""Returns the output limit of requests that set none, by the model's name with its parameters."""


class LimitedClients:
    """Adds what the model's tier sets, so that a call reserves and costs no more."""

    def __init__(self, clients: Callable[[str], ModelClient], output_limit: OutputLimit) -> None:
        """`clients` returns the client of a provider."""
        self._clients = clients
        self._output_limit = output_limit

    def __call__(self, provider: str) -> ModelClient:
        return _LimitedClient(self._clients(provider), provider, self._output_limit)


class _LimitedClient:
    def __init__(self, client: ModelClient, provider: str, output_limit: OutputLimit) -> None:
        self._client = client
        self._provider = provider
        self._output_limit = output_limit

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        name = f"{self._provider}/{call.model}"
        model, tier = split_name(name)
        params, notes = with_tier_parameters(call.params, tier)
        limit = self._output_limit(name)
        if limit is not None and all(params.get(each) is None for each in LIMITS):
            params["max_tokens"] = limit
        sent = replace(call, model=model.partition("/")[2], params=params)
        return _noted(self._client.stream(sent), notes) if notes else self._client.stream(sent)


def _noted(chunks: Iterator[Chunk], notes: tuple[str, ...]) -> Iterator[Chunk]:
    """Add the notes to those of the client, of an answer and of a failure."""
    try:
        for chunk in chunks:
            yield replace(chunk, adjusted=(*notes, *chunk.adjusted))
    except ModelError as error:
        error.adjusted = (*notes, *error.adjusted)
        raise
