"""The one way in which a document becomes the live prompt."""

from route_switch.domain.errors import PromptConflictError
from route_switch.domain.ports import PromptStore
from route_switch.domain.prompt import check_may_go_live
from route_switch.domain.prompt_document import parse_prompt


def publish(store: PromptStore, document: str) -> int:
    """Puts `document` as the newest version and returns its number.

    Parameter Store has no compare-and-set: if the new number is not one above the number seen
    before, someone else wrote in between, and `PromptConflictError` says so.
    """
    check_may_go_live(parse_prompt(document), document)
    before = store.read_live()
    version = store.put_live(document)
    expected = (before.version if before else 0) + 1
    if version != expected:
        raise PromptConflictError(
            f"The prompt is live as version {version}, but version {expected} was expected: "
            "someone else changed it in the same moment. Pull, compare and push again if needed."
        )
    return version
