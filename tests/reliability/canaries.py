"""Personal data, secrets and orders in traffic, and where they turn up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from route_switch.domain.intervals import wilson
from route_switch.domain.learning.text_policy import LearnFromText, unsafe_of_user
from route_switch_offline import load_sample
from tests.reliability.section import Section, none_of
from tests.support.attacks.canary_forms import KNOWN, LEARNED, UNSEEN, Canary
from tests.support.attacks.planted import (
    found_in,
    learned_from,
    long_enough,
    shown,
    told_of_failures,
)
from tests.support.attacks.planted_requests import AWAY_SHARE, FIELDS, USERS, written_by_requests

ORDERS = ("order", "order in another language", "disguised order", "markup")
STORAGES = ("full", "hash", "none")
ALL = (*KNOWN, *LEARNED, *UNSEEN)


@dataclass(frozen=True, slots=True)
class Place:
    """Where `n` texts might stand, and how many do."""

    name: str
    settings: str
    n: int
    found: int

    @property
    def row(self) -> tuple[str, ...]:
        low, high = wilson(self.found, self.n)
        share = f"{self.found} ({low:.1%} to {high:.1%})"
        return self.name, self.settings, str(self.n), share


def measure() -> Section:
    sample = load_sample()
    withheld = sum(unsafe_of_user(row.query) is not None for row in sample)
    requests = [place for storage in STORAGES for place in _requests(storage)]
    weeks = [place for policy in get_args(LearnFromText) for place in _week(policy)]
    failures = [
        Place(name, "provider quotes the request", len(KNOWN), len(found_in(text, KNOWN)))
        for name, text in told_of_failures(KNOWN).items()
    ]
    known = _filtered("forms that the filter was written for", KNOWN)
    return Section(
        name="canaries",
        title="What users leave behind",
        promise="Personal data, secrets and orders in requests reach no log, metric, queue, "
        "notification or report, and no prompt as far as the filter knows their form.",
        method=f"{len(ALL)} texts in {len({c.family for c in ALL})} families "
        f"(`tests/support/attacks/canary_forms.py`), planted in {len(FIELDS)} places of requests "
        f"of four protocols and their headers and in {len(USERS)} that name a user, in feedback, "
        "in paths, in answers and in errors of providers "
        "(`tests/support/attacks/planted_requests.py`); the table takes no record of "
        f"{AWAY_SHARE:.0%} of the requests, which go to the queue. Those that the filter was "
        "written for are also planted in a whole learning run with simulated models, and in "
        "runs whose provider fails (`tests/support/attacks/planted.py`). Then everything written "
        "is searched. The table is searched without names of users, which it keeps under every "
        "setting.",
        columns=("place", "settings", "canaries planted", "found (95%)"),
        rows=tuple(
            place.row
            for place in (
                *requests,
                *weeks,
                *failures,
                *known,
                *_filtered("forms written afterwards, then learned by kind", LEARNED),
                *_filtered("forms that the filter does not know", UNSEEN),
            )
        ),
        aims=(
            none_of("text of a request where its setting allows none", _found(requests)),
            none_of("text in what a learning run writes, by known form", _found(weeks)),
            none_of("text in what a failed run tells", _found(failures)),
            none_of("text shown of a form that the filter was written for", _found(known)),
        ),
        notes=(
            "Before it was extended, the filter found 15 of the 43 forms written afterwards.",
            "No list of wordings is complete: an order in words that the filter does not know can "
            "become a demo or be shown to the proposer. It cannot reach a report, because reports "
            "name requests from traffic without quoting them; demos are shown there for review.",
            f"Of the {len(sample)} texts of the sample, which hold none of these on purpose, the "
            f"filter withholds {withheld}.",
        ),
    )


def _requests(storage: str) -> list[Place]:
    planted = long_enough(ALL)
    places = written_by_requests(planted, storage)
    if storage == "full":
        del places["table"]  # which is to hold the texts
    return [
        Place(name, f"text_storage {storage}", each.requests, len(found_in(each.text, planted)))
        for name, each in places.items()
    ]


def _week(policy: LearnFromText) -> list[Place]:
    return [
        Place(name, f"learn_from_text {policy}", len(KNOWN), len(found_in(text, KNOWN)))
        for name, text in learned_from(KNOWN, policy).items()
    ]


def _filtered(what: str, canaries: Sequence[Canary]) -> list[Place]:
    """The laxest policy, under which the filter is all that there is."""
    places = []
    for name, of in (("data", False), ("orders and markup", True)):
        some = [canary for canary in canaries if (canary.family in ORDERS) is of]
        seen = sum(shown(canary, "full") for canary in some)
        places.append(Place(f"shown: {what}, {name}", "learn_from_text full", len(some), seen))
    return places


def _found(places: Sequence[Place]) -> int:
    return sum(place.found for place in places)
