"""A call that another one overtakes says nothing about its model."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from route_switch.domain.ports import Chunk, ModelCall
from route_switch.services.call_models import ModelCaller
from route_switch.services.circuits import Circuits
from route_switch.services.deadline import Deadline
from tests.integration.conftest import CATALOG

SLOW, OTHER = "openai/small", "openai/medium"


class Held:
    """Each model answers when its event is set."""

    def __init__(self) -> None:
        self.released = {name: threading.Event() for name in ("small", "medium")}

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        call.before_sending()
        assert self.released[call.model].wait(30)
        yield Chunk({"role": "assistant", "content": "Hi."}, finish_reason="stop")


def test_a_call_that_is_overtaken_opens_no_circuit() -> None:
    client, deadline = Held(), Deadline(30)
    with ThreadPoolExecutor(4) as pool:
        caller = ModelCaller(
            lambda _: client, CATALOG, lambda _: pool, circuits=Circuits(failures=1)
        )
        late = caller.call(SLOW, (), {}, 0.01, deadline).late
        assert late is not None
        assert caller.is_down(SLOW), "it ran out of its own time"
        client.released["small"].set()
        overtaken = caller.call(OTHER, (), {}, 20, deadline, overtaken_by=[late])
        assert overtaken.completion is None
        assert not caller.is_down(OTHER)
        client.released["medium"].set()
