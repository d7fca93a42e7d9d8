"""The models that a server lists."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.aws.errors import LocalStackError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Listing:
    """A server on this machine and its models, smallest first where sizes are known."""

    server: str
    url: str
    names: tuple[str, ...]
    remedy: str
    """What to do if there is no model."""


def listed_models(url: str, key: str | None) -> tuple[str, ...] | None:
    """Return the models that the server at OPENAI_BASE_URL lists; None if it keeps no list.

    Raise `LocalStackError` if it cannot be reached or refuses the key.
    """
    import httpx  # here, because most starts need none of it

    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        # Redirects are not followed: they could take the key elsewhere.
        answer = httpx.get(f"{url}/models", headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL, ImportError) as error:
        raise LocalStackError(
            f"OPENAI_BASE_URL is {url}, but no server answers there: {str(error).rstrip('.')}. "
            "Start it, correct or unset the variable, or use recorded answers: make up "
            "PROFILE=offline"
        ) from error
    if answer.status_code in (401, 403):
        raise LocalStackError(
            f"{url} (OPENAI_BASE_URL) refuses the key in OPENAI_API_KEY (status "
            f"{answer.status_code}). Correct it, or use recorded answers: make up PROFILE=offline"
        )
    return names_in(answer) if answer.is_success else None


def names_in(answer: "httpx.Response") -> tuple[str, ...] | None:
    try:
        listed = answer.json()["data"]
        return tuple(str(each["id"]) for each in listed)
    except (ValueError, KeyError, TypeError):
        return None
