"""Try hostile input against the product's own code in this process, and count what passes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from time import process_time

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.api.credentials import authorization
from route_switch.cli.route import router_config
from route_switch.domain.api_keys import ApiKey, hash_key
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.query import Query
from route_switch.domain.routing import RouterReply, RoutingContext, TierChoice, choose_tier
from route_switch.domain.strategies.prompt_strategy import PromptStrategy
from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.services.authenticate import Authenticate
from tests.support.attacks.credentials import Attempt, Headers, attempts
from tests.support.attacks.router_replies import replies

CONFIG = router_config("fake/router")
QUERY = Query("Explain step by step how the tides on Earth depend on the Moon and the Sun.")
KEY = "rs-Q0mY7d_aZ-19xLwPq3VtB5uE8kRsNfHc2JgTiOzM4yA"
"""Made up; as long as a real one, with all kinds of its characters."""


class OneKey:
    def find(self, key_hash: str) -> ApiKey | None:
        return ApiKey("key_1", "test", "client") if key_hash == hash_key(KEY) else None


@dataclass(frozen=True, slots=True)
class Tally:
    """`admitted` counts attempts with the right key, `wrong` those that should have had the other
    result, `broken` those that raised anything but a 401."""

    n: int = 0
    admitted: int = 0
    wrong: int = 0
    broken: int = 0

    def plus(self, *, admitted: bool, wrong: bool = False, broken: bool = False) -> "Tally":
        return replace(
            self,
            n=self.n + 1,
            admitted=self.admitted + admitted,
            wrong=self.wrong + wrong,
            broken=self.broken + broken,
        )


def event_of(headers: Headers) -> dict[str, object]:
    """Return what API Gateway sends: the last value of each name, and all of them."""
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    return {"headers": dict(headers), "multiValueHeaders": several}


def try_credentials(n: int, seed: int = 0) -> dict[str, Tally]:
    """Return the tally of each family."""
    authenticate = Authenticate(OneKey())
    tallies: dict[str, Tally] = {}
    for attempt in attempts(KEY, n, seed):
        tally = tallies.get(attempt.family, Tally())
        tallies[attempt.family] = _tried(authenticate, attempt, tally)
    return tallies


def _tried(authenticate: Authenticate, attempt: Attempt, tally: Tally) -> Tally:
    try:
        authenticate(authorization(APIGatewayProxyEvent(event_of(attempt.headers))))
    except RequestRefusedError as error:
        right = error.status == 401 and not attempt.may_pass(KEY)
        return tally.plus(admitted=False, wrong=not right)
    except Exception:
        return tally.plus(admitted=False, broken=True)
    return tally.plus(admitted=True, wrong=not attempt.may_pass(KEY))


@dataclass(frozen=True, slots=True)
class Routed:
    """`unread` counts replies that name no tier: the safe tier answers. `beyond` counts decisions
    outside the allowed tiers, `slowest_s` is processor time."""

    n: int = 0
    unread: int = 0
    beyond: int = 0
    broken: int = 0
    slowest_s: float = 0.0

    def plus(self, choice: TierChoice | None, allowed: frozenset[Tier], took_s: float) -> "Routed":
        return Routed(
            self.n + 1,
            self.unread + (choice is not None and choice.suggestion.tier is None),
            self.beyond + (choice is not None and choice.tier not in allowed),
            self.broken + (choice is None),
            max(self.slowest_s, took_s),
        )


ALLOWED = tuple(frozenset(some) for n in (1, 2, 3) for some in combinations(sorted(ALL_TIERS), n))


def try_replies(n: int, seed: int = 0) -> dict[str, Routed]:
    """Route a query by each reply, for keys with every set of allowed tiers in turn."""
    found: dict[str, Routed] = {}
    for number, (family, reply) in enumerate(replies(n, seed)):
        # In steps of 13: each family meets each set, whether cut off or not.
        allowed = ALLOWED[number // 13 % len(ALLOWED)]
        start = process_time()
        choice = choice_by(reply, allowed, cut_off=number // 91 % 2 == 1)
        took = process_time() - start
        found[family] = found.get(family, Routed()).plus(choice, allowed, took)
    return found


def choice_by(reply: str, allowed: frozenset[Tier], *, cut_off: bool) -> TierChoice | None:
    """Return None if routing raised anything."""
    context = RoutingContext(
        CONFIG, packaged_prompt(), lambda _messages, _params: RouterReply(reply, cut_off)
    )
    try:
        return choose_tier(QUERY, PromptStrategy(), context, allowed)
    except Exception:
        return None


def total(tallies: Mapping[str, Tally]) -> Tally:
    def summed(name: str) -> Iterator[int]:
        return (getattr(tally, name) for tally in tallies.values())

    return Tally(*(sum(summed(name)) for name in ("n", "admitted", "wrong", "broken")))
