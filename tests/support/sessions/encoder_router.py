"""The packaged routing prompt, read by the packaged router model."""

import os
from functools import cached_property

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier
from route_switch.services.choose_tier import ChooseTier
from route_switch.services.deadline import Deadline
from route_switch.wiring.router import build_tier_chooser
from tests.support.sessions.conversations import Turn


class EncoderRouter:
    """`local/encoder` reads the user's message alone, without a bypass; so it says the same to each
    call of a turn."""

    def __init__(self) -> None:
        self._config = router_config("local/encoder", no_bypass=True)
        self._prompt = packaged_prompt()
        self._known: dict[tuple[str, frozenset[Tier]], Tier] = {}

    @cached_property
    def _choose(self) -> ChooseTier:
        return build_tier_chooser(self._config, os.environ.get)

    def __call__(self, conversation: int, turn: int, call: int, asked: Turn) -> Tier:
        key = (asked.query, frozenset(asked.scores))
        if key not in self._known:
            deadline = Deadline(self._config.request_deadline_s)
            query, version = Query(asked.query), self._prompt.version
            choice = self._choose(query, self._prompt, version, key[1], deadline)
            self._known[key] = choice.decision.tier
        return self._known[key]
