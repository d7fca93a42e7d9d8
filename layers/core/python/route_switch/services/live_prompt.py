"""The routing prompt that serves right now."""

import contextlib
import logging
import time
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from route_switch.domain.errors import PromptError
from route_switch.domain.ports import PromptStore, StoredPrompt
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.services.call_models import Clock

logger = logging.getLogger(__name__)

CACHE_S = 60.0
MAX_AGE_S = 300.0
"""A process that slept longer than this reads the prompt before it serves: the old one may have
been replaced for a reason."""

OLDER_VERSIONS = 5
"""How far a new process looks back for a version that can be served."""


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """A prompt with the place that it came from: `live@7`, `seed@1` or `packaged@<digest>`.

    `healthy` is False where the live prompt could not be read and something else serves.
    """

    prompt: RoutingPrompt
    version: str
    healthy: bool = True


class LivePrompt:
    """Serves the newest version of `live`; without one the seed, then the packaged prompt.

    A live prompt that is broken or cannot be read leaves the last good one in place; a new process
    looks for it among the versions before. After `CACHE_S` the prompt is read anew in the
    background, beside the request that notices it.
    """

    def __init__(
        self,
        store: PromptStore,
        packaged: RoutingPrompt,
        pool: Executor,
        clock: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._packaged = packaged
        self._pool = pool
        self._clock = clock
        self._served: ServedPrompt | None = None
        self._read_at = 0.0
        self._refresh: Future[ServedPrompt] | None = None

    def current(self) -> ServedPrompt:
        """What serves this request; starts a refresh when it is due."""
        age_s = self._clock() - self._read_at
        if self._served is None or age_s >= MAX_AGE_S:
            self._keep(self._read())
        elif self._refresh is None and age_s >= CACHE_S:
            self._refresh = self._pool.submit(self._read)
        served = self._served
        assert served is not None  # noqa: S101 (set above; tells the type checker)
        return served

    def settle(self, timeout_s: float = 1.0) -> None:
        """Takes over a refresh that is under way: called when a request ends, since a Lambda
        environment sleeps between requests and would wake up with a dead connection."""
        if self._refresh is None:
            return
        refresh, self._refresh = self._refresh, None
        try:
            self._keep(refresh.result(timeout_s))
        except TimeoutError:
            self._read_at = self._clock()

    def _keep(self, served: ServedPrompt) -> None:
        self._served, self._read_at = served, self._clock()

    def _read(self) -> ServedPrompt:
        try:
            stored = self._store.read_live()
            if stored is not None:
                return _parsed(stored, "live")
            healthy = True
        except Exception as error:  # noqa: BLE001, RUF100 (whatever the store raises: keep serving)
            logger.warning("The live prompt cannot be served: %s", _reason(error))
            healthy = False
            if self._served is not None:
                return ServedPrompt(self._served.prompt, self._served.version, healthy=False)
            if not isinstance(error, PromptError):  # asking again would only take as long again
                return self._packaged_prompt(healthy)
            older = self._older_version()
            if older is not None:
                return older
        return self._seed_or_packaged(healthy)

    def _older_version(self) -> ServedPrompt | None:
        newest = self._version(None)
        for number in range(newest.version - 1 if newest else 0, 0, -1)[:OLDER_VERSIONS]:
            stored = self._version(number)
            with contextlib.suppress(PromptError):  # that version is broken as well
                if stored is not None:
                    return replace(_parsed(stored, "live"), healthy=False)
        return None

    def _version(self, number: int | None) -> StoredPrompt | None:
        try:
            return self._store.read_live(number)
        except Exception as error:  # noqa: BLE001, RUF100 (as above)
            logger.warning("Version %s of the prompt cannot be read: %s", number, _reason(error))
            return None

    def _seed_or_packaged(self, healthy: bool) -> ServedPrompt:
        try:
            stored = self._store.read_seed()
            if stored is not None:
                seed = _parsed(stored, "seed")
                return ServedPrompt(seed.prompt, seed.version, healthy)
        except Exception as error:  # noqa: BLE001, RUF100 (as above)
            logger.warning("The seed prompt cannot be served: %s", _reason(error))
            healthy = False
        return self._packaged_prompt(healthy)

    def _packaged_prompt(self, healthy: bool) -> ServedPrompt:
        return ServedPrompt(self._packaged, f"packaged@{self._packaged.version}", healthy)


def _parsed(stored: StoredPrompt, origin: str) -> ServedPrompt:
    return ServedPrompt(parse_prompt(stored.document), f"{origin}@{stored.version}")


def _reason(error: Exception) -> str:
    """Parsing errors speak of the prompt's structure; others are named, not quoted."""
    return str(error) if isinstance(error, PromptError) else type(error).__name__
