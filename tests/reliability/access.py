"""Who gets in, and what hostile bodies, replies and damaged documents lead to."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import pytest

from tests.integration.conftest import Api, api_maker, by_model, mocked_aws
from tests.reliability.section import Section
from tests.support.attacks.access_table import KEYS, TEXT, add_keys, operations, walk
from tests.support.attacks.corruption import STORED, try_damage
from tests.support.attacks.doors import total, try_credentials, try_replies
from tests.support.attacks.json_bombs import BOMBS, MAX_BYTES
from tests.support.attacks.path_tricks import play
from tests.support.upstream import completion

CREDENTIALS, REPLIES, DAMAGES = 100_000, 10_000, 700

Row = tuple[str, ...]


def measure() -> Section:
    return Section(
        name="access",
        title="Who gets in",
        promise="Nobody gets in without a valid key, no key reaches what another one owns, and "
        "no body, reply or damaged document leads to anything but a clear answer.",
        method="The real handlers on moto, in one process. The table of routes and callers is "
        "walked from the OpenAPI document (`tests/support/attacks/`).",
        columns=("tried", "n", "result"),
        rows=(*_api(), _credentials(), _replies(), *_damages()),
        notes=(
            f"Routes: {len(operations())}. Callers: {', '.join(KEYS)}.",
            "Every rule about paths that stands before the functions is API Gateway's own and is "
            "not part of this suite: here each path reaches all functions.",
        ),
    )


def _api() -> list[Row]:
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
            ("routes × callers", f"{len(cells):,}", f"{wrong} with another status than the table"),
            (
                "paths, methods and headers that are read in two ways",
                f"{len(tricks):,}",
                f"{shown} show what is protected, {failed} fail with 500",
            ),
            _bombs(api),
        ]


def _bombs(api: Api) -> Row:
    wrong, slowest = 0, 0.0
    for bomb in BOMBS.values():
        for size in (1_000, 60_000, MAX_BYTES):
            start = process_time()
            status = api("POST", "/v1/chat/completions", bomb.body(size)).status
            slowest = max(slowest, process_time() - start)
            wrong += status >= 500
    return (
        f"JSON bombs up to {MAX_BYTES / 1e6:.1f} MB",
        str(3 * len(BOMBS)),
        f"{wrong} fail with 500; the slowest takes {slowest:.2f} s of processor time",
    )


def _credentials() -> Row:
    found = total(try_credentials(CREDENTIALS))
    return (
        "`Authorization` and `x-api-key` values that resemble a key",
        f"{found.n:,}",
        f"{found.wrong} wrongly admitted or refused, {found.broken} errors; {found.admitted:,} are "
        "the right key in a form that HTTP allows",
    )


def _replies() -> Row:
    found = try_replies(REPLIES).values()
    n, beyond, broken = (sum(getattr(r, name) for r in found) for name in ("n", "beyond", "broken"))
    slowest = max(routed.slowest_s for routed in found)
    return (
        "replies of the router LLM",
        f"{n:,}",
        f"{beyond} lead to a tier that the key may not use, {broken} to an error; the slowest "
        f"takes {1000 * slowest:.0f} ms",
    )


def _damages() -> list[Row]:
    rows: list[Row] = []
    for name in STORED:
        with TemporaryDirectory() as folder:
            found = try_damage(name, DAMAGES, Path(folder))
        rows.append(
            (
                f"damaged: {re.sub(r'[|]', '', name)}",
                f"{DAMAGES:,}",
                f"{found.refused:,} refused with a clear error, {found.read:,} read as another "
                f"whole one or as not there, {len(found.broken)} unclear errors",
            )
        )
    return rows
