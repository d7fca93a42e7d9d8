"""The routing prompt that is being served."""

import contextlib
import logging
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from route_switch.domain.errors import LocalModelError, PromptError
from route_switch.domain.local_model import LocalModelStore, LocalNumbers
from route_switch.domain.output_ratio import NOTHING_MEASURED, OutputRatios
from route_switch.domain.ports import PromptStore, StoredPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.deadline import Clock
from route_switch.services.refreshed_value import RefreshedValue

logger = logging.getLogger(__name__)

OLDER_VERSIONS = 5
"""How many earlier versions a new process tries when the newest is broken."""


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """A prompt and its source: `live@7`, `seed@1` or `packaged@<digest>`.

    `healthy` is False when the live prompt could not be read and another prompt is served, or when
    its local model could not be read and the router LLM decides instead.
    `output_ratios` are those that learning measured last, whichever prompt is live.
    """

    prompt: RoutingPrompt
    version: str
    healthy: bool = True
    output_ratios: OutputRatios = NOTHING_MEASURED


class LivePrompt(RefreshedValue[ServedPrompt]):
    """Serves the newest version of `live`. Without one, serves the seed, then the packaged prompt.

    If the live prompt is broken or unreadable, keeps the last good one. A new process looks for it
    among the earlier versions.

    A local model's numbers are read from `models` if the prompt names one, once for each digest. If
    that fails, keeps the last good prompt; a new process serves the prompt without them, with the
    strategy `prompt`. Without `models`, numbers are not read.
    """

    def __init__(
        self,
        store: PromptStore,
        packaged: RoutingPrompt,
        pool: Executor,
        clock: Clock = time.monotonic,
        models: LocalModelStore | None = None,
    ) -> None:
        super().__init__(self._read_prompt, pool, clock)
        self._store = store
        self._packaged = packaged
        self._models = models
        self._numbers: dict[str, LocalNumbers] = {}

    def _read_prompt(self, before: ServedPrompt | None) -> tuple[ServedPrompt, bool]:
        served = self._usable_prompt(before)
        return served, served.healthy

    def _usable_prompt(self, before: ServedPrompt | None) -> ServedPrompt:
        try:
            stored = self._store.read_live()
            if stored is not None:
                return self._with_numbers(_parse(stored, "live"), before)
            healthy = True
        except Exception as error:  # noqa: BLE001, RUF100 (keep serving, whatever the store raises)
            logger.warning("The live prompt cannot be used: %s", _reason(error))
            healthy = False
            if before is not None:
                return replace(before, healthy=False)
            if not isinstance(error, PromptError):  # another read would time out too
                return self._packaged_prompt(healthy)
            older = self._older_version()
            if older is not None:
                return older
        return self._seed_or_packaged(healthy)

    def _older_version(self) -> ServedPrompt | None:
        newest = self._version(None)
        for number in range(newest.version - 1 if newest else 0, 0, -1)[:OLDER_VERSIONS]:
            stored = self._version(number)
            with contextlib.suppress(PromptError):  # that version is broken too
                if stored is not None:
                    served = self._with_numbers(_parse(stored, "live"), None)
                    return replace(served, healthy=False)
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
                seed = self._with_numbers(_parse(stored, "seed"), None)
                return ServedPrompt(seed.prompt, seed.version, healthy and seed.healthy)
        except Exception as error:  # noqa: BLE001, RUF100 (as above)
            logger.warning("The seed prompt cannot be used: %s", _reason(error))
            healthy = False
        return self._packaged_prompt(healthy)

    def _with_numbers(self, served: ServedPrompt, before: ServedPrompt | None) -> ServedPrompt:
        """Return the prompt with the numbers of its local model, if it has one and it can be
        read."""
        model = served.prompt.local_model
        if model is None or self._models is None:
            return served
        try:
            numbers = self._numbers.get(model.sha256) or self._read_numbers(model.sha256)
        except Exception as error:  # noqa: BLE001, RUF100 (keep serving, whatever the store raises)
            logger.warning(
                "The local model of %s cannot be used: %s", served.version, _reason(error)
            )
            return replace(served if before is None else before, healthy=False)
        self._numbers = {model.sha256: numbers}
        return replace(served, prompt=served.prompt.with_numbers(numbers))

    def _read_numbers(self, sha256: str) -> LocalNumbers:
        assert self._models is not None  # noqa: S101 (for the type checker)
        numbers = self._models.get(sha256)
        if numbers is None:
            raise LocalModelError(
                f"The numbers of local model {sha256[:12]} are not stored, or may not be read."
            )
        return numbers

    def _packaged_prompt(self, healthy: bool) -> ServedPrompt:
        return ServedPrompt(self._packaged, f"packaged@{self._packaged.version}", healthy)


def _parse(stored: StoredPrompt, origin: str) -> ServedPrompt:
    prompt, ratios = parse_prompt(stored.document), _ratios(stored.output_ratios)
    return ServedPrompt(prompt, f"{origin}@{stored.version}", output_ratios=ratios)


def _ratios(document: str | None) -> OutputRatios:
    """Return no ratios if the parameter is broken: savings then rest on the prior."""
    if document is None:
        return NOTHING_MEASURED
    try:
        return OutputRatios.from_json(document)
    except ValueError:
        logger.warning("The parameter with the output ratios is broken; the next run replaces it")
        return NOTHING_MEASURED


def _reason(error: Exception) -> str:
    """Quote parsing errors, which describe the prompt's structure. Of other errors, give only the
    type."""
    return str(error) if isinstance(error, PromptError) else type(error).__name__
