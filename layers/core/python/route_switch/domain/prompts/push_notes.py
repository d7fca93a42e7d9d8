"""Notes on a valid prompt, for the person who makes it live."""

from route_switch.domain.routing_prompt import RoutingPrompt


def why_no_conversation(prompt: RoutingPrompt, name: str) -> str | None:
    """Return a note about a prompt of schema version 1, or None. `name` is what the reader calls
    the prompt."""
    if prompt.schema_version != 1:
        return None
    return (
        f"{name} has schema_version 1, so the router LLM reads one line about a conversation. With "
        "schema_version = 3 it reads the conversation, and the query in quotes; a prompt that was "
        "learned with 1 may then decide otherwise."
    )
