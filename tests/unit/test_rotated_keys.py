"""A provider's key that was replaced after it had been read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from route_switch.adapters.models.rotated_keys import RotatedKeyClient
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelUnusableError
from route_switch.domain.ports import Chunk, ModelCall

CALL = ModelCall("m", ({"role": "user", "content": "Hi"},))
REJECTED = ModelUnusableError("no", status=401)


@dataclass
class Owner:
    """An owner who has replaced the key `old` by `new`, which the cache sees when it is renewed."""

    cached: str = "old"
    stored: str = "new"
    renewals: int = 0
    sent: list[str] = field(default_factory=list)

    def key(self) -> str:
        return self.cached

    def renew(self) -> None:
        self.renewals += 1
        self.cached = self.stored


@dataclass
class Provider:
    owner: Owner
    error: ModelError = REJECTED

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        self.owner.sent.append(self.owner.cached)
        assert call.timeout_s <= CALL.timeout_s
        if self.owner.cached != "new":
            raise self.error
        yield Chunk({"content": "Hi."}, finish_reason="stop")


def texts(owner: Owner, error: ModelError = REJECTED) -> list[object]:
    client = RotatedKeyClient(Provider(owner, error), owner.key, owner.renew)
    return [chunk.delta["content"] for chunk in client.stream(CALL)]


@pytest.mark.parametrize("status", [401, 403])
def test_a_call_whose_key_was_replaced_is_sent_again_with_the_new_one(status: int) -> None:
    owner = Owner()
    assert texts(owner, ModelUnusableError("no", status=status)) == ["Hi."]
    assert owner.sent == ["old", "new"]


def test_a_key_that_was_not_replaced_is_not_tried_again() -> None:
    owner = Owner(stored="old")
    with pytest.raises(ModelUnusableError):
        texts(owner)
    assert owner.sent == ["old"]


@pytest.mark.parametrize(
    "error",
    [
        ModelUnusableError("no such model", status=404),
        InvalidModelRequestError("no", status=400),
        ModelError("busy", status=429),
    ],
)
def test_other_failures_do_not_read_the_key_again(error: ModelError) -> None:
    owner = Owner()
    with pytest.raises(type(error)):
        texts(owner, error)
    assert owner.renewals == 0


def test_a_key_that_another_call_has_renewed_is_used_without_reading_it_again() -> None:
    owner = Owner()

    class Overtaken(Provider):
        def stream(self, call: ModelCall) -> Iterator[Chunk]:
            try:
                yield from super().stream(call)
            finally:
                owner.cached = "new"

    client = RotatedKeyClient(Overtaken(owner), owner.key, owner.renew)
    assert len(list(client.stream(CALL))) == 1
    assert owner.renewals == 0
