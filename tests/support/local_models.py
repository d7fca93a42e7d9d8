"""A small local model, and a store that keeps the numbers in memory."""

import base64

from route_switch.domain.errors import StoreError
from route_switch.domain.local_features import BUCKETS, DENSE, hashed_features
from route_switch.domain.local_model import (
    LinearWeights,
    LocalModel,
    LocalNumbers,
    StrongFeature,
)
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from route_switch.domain.tiers import Tier


def weights(bias: float, **steps: int) -> LinearWeights:
    """Return weights that count the given words and nothing else."""
    buckets = bytearray(BUCKETS)
    for word, step in steps.items():
        ((bucket, value),) = hashed_features(Query(word)).items()
        buckets[bucket] = (step if value > 0 else -step) % 256
    hashed = base64.b64encode(bytes(buckets)).decode()
    return LinearWeights(bias=bias, step=0.1, hashed=hashed, dense=(0.0,) * len(DENSE))


def numbers(lambda_: float = 0.2) -> LocalNumbers:
    """Return numbers that send "prove" to Tier 3 and "hello" to Tier 1."""
    return LocalNumbers(
        lambda_=lambda_,
        longest=100_000,
        tiers=(Tier.SMALL, Tier.MEDIUM, Tier.LARGE),
        quality=(weights(0.0, hello=100, prove=-100), weights(0.0), weights(30.0)),
        cost=(weights(-4.0), weights(-2.0), weights(0.0)),
    )


STRONGEST = (
    StrongFeature(tier=Tier.SMALL, name="hello", weight=10.0),
    StrongFeature(tier=Tier.LARGE, name="prove", weight=2.5),
    StrongFeature(tier=Tier.LARGE, name="code", weight=0.82),
)


def with_local_model(
    prompt: RoutingPrompt,
    strategy: StrategyName = "hybrid",
    of: LocalNumbers | None = None,
    ask_below: float = 0.1,
) -> RoutingPrompt:
    """Return the prompt with a local model and its numbers."""
    used = of or numbers()
    model = LocalModel(sha256=used.sha256, ask_below=ask_below, strongest=STRONGEST, numbers=used)
    return prompt.model_copy(update={"strategy": strategy, "local_model": model})


class MemoryModels:
    """Implements `LocalModelStore`. `reads` has the digest of each read."""

    def __init__(self, *stored: LocalNumbers) -> None:
        self.stored = {each.sha256: each for each in stored}
        self.reads: list[str] = []
        self.outage = False

    def get(self, sha256: str) -> LocalNumbers | None:
        self.reads.append(sha256)
        if self.outage:
            raise StoreError("S3 is away.")
        return self.stored.get(sha256)

    def put(self, numbers: LocalNumbers) -> None:
        if self.outage:
            raise StoreError("S3 is away.")
        self.stored[numbers.sha256] = numbers
