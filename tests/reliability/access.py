"""Which callers are admitted, and what hostile bodies, replies and damaged documents lead to."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import pytest

from tests.integration.conftest import Api, api_maker, by_model, mocked_aws
from tests.reliability.section import Section, none_of
from tests.support.attacks.access_table import KEYS, TEXT, add_keys, operations, walk
from tests.support.attacks.corruption import STORED, try_damage
from tests.support.attacks.doors import total, try_credentials, try_replies
from tests.support.attacks.json_bombs import BOMBS, MAX_BYTES
from tests.support.attacks.path_tricks import play
from tests.support.upstream import completion

CREDENTIALS, REPLIES, DAMAGES = 100_000, 10_000, 700


@dataclass(frozen=True, slots=True)
class Tried:
    """`n` attempts, `wrong` of which ended otherwise than they must."""

    what: str
    n: int
    result: str
    wrong: int


def measure() -> Section:
    tried = [*_api(), _credentials(), _replies(), *_damages()]
    return Section(
        name="access",
        title="Who gets in",
        promise="Requests without a valid key are refused, no key reaches what another key owns, "
        "and every body, reply or damaged document leads to a clear answer.",
        method="The real handlers on moto, in one process. The table of routes and callers is "
        "walked from the OpenAPI document (`tests/support/attacks/`).",
        columns=("tried", "n", "result"),
        rows=tuple((each.what, f"{each.n:,}", each.result) for each in tried),
        aims=(none_of("attempt with an unexpected result", sum(each.wrong for each in tried)),),
        notes=(
            f"Routes: {len(operations())}. Callers: {', '.join(KEYS)}.",
            "The rules about paths that apply before the functions are API Gateway's own and not "
            "part of this suite: here, each path reaches all functions.",
        ),
    )


def _api() -> list[Tried]:
    with pytest.MonkeyPatch.context() as patch, mocked_aws(patch), api_maker(patch) as make:
        api = make()
        api.upstream.script = by_model(
            router=completion("2", 1000, 1),
            small=completion("Hi.", 5, 5),
            medium=completion("By gravity.", 9, 9),
        )
        add_keys()
        cells = list(walk(api))
        wrong = sum(cell.status != cell.expected for cell in cells)
        made = str(api.chat(TEXT, user="ada").body["id"])
        tricks = list(play(api, made))
        shown = sum(trick.shows for trick in tricks)
        failed = sum(trick.status >= 500 for trick in tricks)
        return [
            Tried(
                "routes × callers",
                len(cells),
                f"{wrong} with another status than the table",
                wrong,
            ),
            Tried(
                "paths, methods and headers that are read in two ways",
                len(tricks),
                f"{shown} show what is protected, {failed} fail with 500",
                shown + failed,
            ),
            _bombs(api),
        ]


def _bombs(api: Api) -> Tried:
    wrong, slowest = 0, 0.0
    for bomb in BOMBS.values():
        for size in (1_000, 60_000, MAX_BYTES):
            start = process_time()
            status = api("POST", "/v1/chat/completions", bomb.body(size)).status
            slowest = max(slowest, process_time() - start)
            wrong += status >= 500
    return Tried(
        f"JSON bombs up to {MAX_BYTES / 1e6:.1f} MB",
        3 * len(BOMBS),
        f"{wrong} fail with 500; the slowest takes {slowest:.2f} s of processor time",
        wrong,
    )


def _credentials() -> Tried:
    found = total(try_credentials(CREDENTIALS))
    return Tried(
        "`Authorization` and `x-api-key` values that resemble a key",
        found.n,
        f"{found.wrong} wrongly admitted or refused, {found.broken} errors; {found.admitted:,} are "
        "the right key in a form that HTTP allows",
        found.wrong + found.broken,
    )


def _replies() -> Tried:
    found = try_replies(REPLIES).values()
    n, beyond, broken = (sum(getattr(r, name) for r in found) for name in ("n", "beyond", "broken"))
    slowest = max(routed.slowest_s for routed in found)
    return Tried(
        "replies of the router LLM",
        n,
        f"{beyond} lead to a tier that the key may not use, {broken} to an error; the slowest "
        f"takes {1000 * slowest:.0f} ms",
        beyond + broken,
    )


def _damages() -> list[Tried]:
    rows: list[Tried] = []
    for name in STORED:
        with TemporaryDirectory() as folder:
            found = try_damage(name, DAMAGES, Path(folder))
        rows.append(
            Tried(
                f"damaged: {re.sub(r'[|]', '', name)}",
                DAMAGES,
                f"{found.refused:,} refused with a clear error, {found.read:,} read as another "
                f"complete one or as missing, {len(found.broken)} unclear errors",
                len(found.broken),
            )
        )
    return rows
