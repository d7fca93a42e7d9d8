"""Deleting a user makes progress even if other keys own requests under the same name."""

import pytest

from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, Api
from tests.reliability.deletion import Deleted, delete_user, store


def test_a_key_reads_and_deletes_only_its_own_requests_of_a_shared_user_name(api: Api) -> None:
    store(CLIENT_KEY, 14)
    store(OTHER_KEY, 400)
    assert delete_user(api, CLIENT_KEY) == Deleted(1, True, 14, records_read=14)
    assert delete_user(api, OTHER_KEY).deleted == 400, "the other key's requests remained"


def test_an_admin_key_deletes_a_user_of_all_keys(api: Api) -> None:
    store(CLIENT_KEY, 5)
    store(OTHER_KEY, 30)
    assert delete_user(api, ADMIN_KEY) == Deleted(1, True, 35, records_read=35)


@pytest.mark.parametrize("cursor", ["16", "-1", "x", "", "%00", "1" * 300, "٣"])
def test_a_cursor_that_no_deletion_returned_is_refused(api: Api, cursor: str) -> None:
    answer = api("DELETE", f"/v1/users/ann?cursor={cursor}")
    assert (answer.status, answer.error["param"]) == (400, "cursor")
