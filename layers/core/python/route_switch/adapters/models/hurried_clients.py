"""Model clients whose calls end before the caller stops waiting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from route_switch.domain.ports import Chunk, ModelCall, ModelClient

LEAST_S = 0.1


@dataclass(frozen=True, slots=True)
class HurriedClients:
    """No call takes longer than `most_s`, nor than what is left."""

    clients: Callable[[str], ModelClient]
    remaining_s: Callable[[], float]
    most_s: float

    def __call__(self, provider: str) -> ModelClient:
        return _HurriedClient(self.clients(provider), self)


@dataclass(frozen=True, slots=True)
class _HurriedClient:
    client: ModelClient
    hurry: HurriedClients

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        left_s = min(call.timeout_s, self.hurry.most_s, self.hurry.remaining_s())
        return self.client.stream(replace(call, timeout_s=max(left_s, LEAST_S)))
