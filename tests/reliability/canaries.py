"""Personal data, secrets and orders in traffic, and where they turn up."""

from collections.abc import Sequence
from typing import get_args

from route_switch.domain.intervals import wilson
from route_switch.domain.learning.text_policy import LearnFromText, unsafe_of_user
from route_switch_offline import load_sample
from tests.reliability.section import Section
from tests.support.attacks.canary_forms import KNOWN, LEARNED, UNSEEN, Canary
from tests.support.attacks.planted import (
    found_in,
    learned_from,
    long_enough,
    shown,
    written_by_requests,
)

ORDERS = ("order", "order in another language", "disguised order", "markup")
STORAGES = ("full", "hash", "none")
ALL = (*KNOWN, *LEARNED, *UNSEEN)


def measure() -> Section:
    sample = load_sample()
    withheld = sum(unsafe_of_user(row.query) is not None for row in sample)
    return Section(
        name="canaries",
        title="What users leave behind",
        promise="Personal data, secrets and orders in requests reach no log, metric, queue or "
        "report, and no prompt as far as the filter knows their form.",
        method=f"{len(ALL)} texts in {len({c.family for c in ALL})} families "
        "(`tests/support/attacks/canary_forms.py`), planted in ten fields of requests, in answers "
        "and in errors of providers, and in a whole learning run with simulated models "
        "(`tests/support/attacks/planted.py`); then everything written is searched.",
        columns=("place", "settings", "canaries planted", "found (95%)"),
        rows=(
            *(row for storage in STORAGES for row in _requests(storage)),
            *(row for policy in get_args(LearnFromText) for row in _week(policy)),
            *_filtered("forms that the filter was written for", KNOWN),
            *_filtered("forms written afterwards, then learned by kind", LEARNED),
            *_filtered("forms that the filter does not know", UNSEEN),
        ),
        notes=(
            "Before it was extended, the filter found 15 of the 43 forms written afterwards.",
            "No list of wordings is complete: an order in words that the filter does not know can "
            "become a demo or be shown to the proposer. It cannot reach a report, because a report "
            "names requests of traffic and quotes none; demos are shown there for review.",
            f"Of the {len(sample)} texts of the sample, which hold none of these on purpose, the "
            f"filter withholds {withheld}.",
        ),
    )


def _requests(storage: str) -> list[tuple[str, ...]]:
    planted = long_enough(ALL)
    places = written_by_requests(planted, storage)
    if storage == "full":
        del places["table"]  # which is to hold the texts
    return [
        (place, f"text_storage {storage}", *_share(len(found_in(text, planted)), len(planted)))
        for place, text in places.items()
    ]


def _week(policy: LearnFromText) -> list[tuple[str, ...]]:
    return [
        (place, f"learn_from_text {policy}", *_share(len(found_in(text, KNOWN)), len(KNOWN)))
        for place, text in learned_from(KNOWN, policy).items()
    ]


def _filtered(what: str, canaries: Sequence[Canary]) -> list[tuple[str, ...]]:
    """The laxest policy, under which the filter is all that there is."""
    rows: list[tuple[str, ...]] = []
    for name, of in (("data", False), ("orders and markup", True)):
        some = [canary for canary in canaries if (canary.family in ORDERS) is of]
        seen = sum(shown(canary, "full") for canary in some)
        rows.append((f"shown: {what}, {name}", "learn_from_text full", *_share(seen, len(some))))
    return rows


def _share(found: int, n: int) -> tuple[str, str]:
    low, high = wilson(found, n)
    return str(n), f"{found} ({low:.1%} to {high:.1%})"
