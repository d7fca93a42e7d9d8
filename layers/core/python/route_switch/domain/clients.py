"""Clients: the senders of requests and ratings.

A client is a key, or one end user of a key (the request's `user`). Its id is `key_1a2b`, or
`key_1a2b/9f3c…` with a digest of the user, so that the user's name is not in it.
"""

import hashlib


def client_of(key_id: str, user: str | None) -> str:
    """Return the client's id. The user's name is not in it."""
    if user is None:
        return key_id
    return f"{key_id}/{hashlib.sha256(f'{key_id} {user}'.encode()).hexdigest()[:12]}"


def key_of(client: str) -> str:
    return client.partition("/")[0]


def belongs_to(client: str | None, group: str) -> bool:
    """Whether the client is this group, or one of its users if the group is a key."""
    return client is not None and (client == group or key_of(client) == group)
