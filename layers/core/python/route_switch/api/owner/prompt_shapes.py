"""`POST /v1/prompt` and `POST /v1/prompt/rollback`: requests and responses."""

from typing import Annotated

from pydantic import BaseModel, Field

from route_switch.api.owner.strict_body import STRICT
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.push_notes import why_no_conversation
from route_switch.domain.prompts.steering_figures import SteeringFigures, known_score
from route_switch.domain.routing_prompt import RoutingPrompt

MAX_DOCUMENT_BYTES = 2_000_000
"""A candidate.json holds the numbers of its local model."""
Version = Annotated[int, Field(ge=1, le=999_999_999)]


class PublishPromptRequest(BaseModel):
    """`document` is a routing prompt as Markdown or JSON, and `base_version` the live version that
    it is based on; null if nothing is live. With `dry_run`, it is only checked."""

    model_config = STRICT

    document: Annotated[str, Field(min_length=1)]
    base_version: Version | None
    dry_run: bool = False


class RollbackRequest(BaseModel):
    """`version` is the version to restore, and `base_version` the one that is live now."""

    model_config = STRICT

    version: Version
    base_version: Version


def published_body(
    prompt: RoutingPrompt, version: int | None, packaged: SteeringFigures
) -> JsonObject:
    """`version` is None if nothing was published."""
    note = why_no_conversation(prompt, "The document")
    score = known_score(prompt, packaged)
    return {
        "object": "prompt.published",
        "version": version,
        "digest": prompt.version,
        "warnings": [] if note is None else [note],
        "steering": None if score is None else score.model_dump(mode="json"),
    }
