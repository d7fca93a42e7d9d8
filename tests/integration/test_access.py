"""Who may do what: every operation of the API by every kind of caller."""

import pytest

from functions.management import handler as management_handler
from functions.router import handler as router_handler
from tests.integration.conftest import (
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    by_model,
)
from tests.support.attacks.access_table import EXPECTED, KEYS, TEXT, add_keys, operations, walk
from tests.support.attacks.path_tricks import play
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import completion


@pytest.fixture(scope="module", autouse=True)
def _keys_and_answers(shared_api: Api) -> None:
    shared_api.upstream.script = by_model(
        router=completion("2", 1000, 1),
        small=completion("Hi.", 5, 5),
        medium=completion("By gravity.", 9, 9),
    )
    add_keys()


def test_every_operation_has_a_row_of_the_table() -> None:
    assert set(EXPECTED) == set(operations())
    assert all(set(row) == set(KEYS) for row in EXPECTED.values())


def test_every_operation_gives_every_caller_the_status_of_the_table(shared_api: Api) -> None:
    assert [cell for cell in walk(shared_api) if cell.status != cell.expected] == []


def test_another_key_with_the_same_idempotency_key_gets_its_own_answer(shared_api: Api) -> None:
    once = {"Idempotency-Key": "the-same"}
    first = shared_api.chat(LONG, headers=once)
    other = shared_api.chat(LONG, OTHER_KEY, headers=once)
    assert (first.status, other.status) == (200, 200)
    assert first.body["id"] != other.body["id"]
    assert shared_api.chat(LONG, headers=once).body["id"] == first.body["id"]


def test_deleting_a_user_deletes_only_requests_of_the_callers_own_key(shared_api: Api) -> None:
    made = str(shared_api.chat(LONG, user="grace").body["id"])
    deleted = shared_api("DELETE", "/v1/users/grace", key=OTHER_KEY)
    assert deleted.body["deleted_results"] == 0
    assert shared_api("GET", f"/v1/results/{made}").status == 200


def test_another_keys_result_looks_exactly_like_an_unknown_one(shared_api: Api) -> None:
    made = str(shared_api.chat(LONG).body["id"])
    unknown = "chatcmpl-" + "0" * 32
    for method in ("GET", "DELETE"):
        foreign = shared_api(method, f"/v1/results/{made}", key=OTHER_KEY)
        missing = shared_api(method, f"/v1/results/{unknown}", key=OTHER_KEY)
        assert foreign.text.replace(made, "ID") == missing.text.replace(unknown, "ID")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/costs"])
@pytest.mark.parametrize("names", [("Authorization", "authorization"), ("Authorization",) * 2])
def test_contradicting_authorization_headers_are_refused(
    shared_api: Api, path: str, names: tuple[str, ...]
) -> None:
    event = api_event("GET", path, key=CLIENT_KEY)
    several: dict[str, list[str]] = {}
    for name, value in zip(names, ("Bearer rs-wrong", f"Bearer {CLIENT_KEY}"), strict=True):
        several.setdefault(name, []).append(value)
    event["multiValueHeaders"] = several
    module = router_handler if path == "/v1/models" else management_handler
    response = module.lambda_handler(event, FakeContext())
    assert response["statusCode"] == 401
    assert "several different 'authorization' headers" in str(response["body"])


def test_no_trick_with_paths_methods_or_headers_shows_what_is_protected(shared_api: Api) -> None:
    made = str(shared_api.chat(TEXT, user="ada").body["id"])
    tricks = list(play(shared_api, made))
    assert [trick for trick in tricks if trick.shows] == []
    assert [trick for trick in tricks if trick.status >= 500] == []
    assert len(tricks) > 500
    assert shared_api("GET", f"/v1/results/{made}").status == 200, "nothing was deleted"
