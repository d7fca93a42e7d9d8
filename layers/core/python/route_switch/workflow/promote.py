"""Making a candidate live, through the one code path that changes the live prompt."""

from dataclasses import dataclass

from route_switch.domain.errors import (
    ConfigurationError,
    PromptConflictError,
    PromptLockedError,
    PromptReplacedError,
)
from route_switch.domain.forgotten import shows_any
from route_switch.domain.learning_ports import ForgottenRequests
from route_switch.domain.ports import SwitchStore
from route_switch.domain.prompt_document import as_markdown, parse_prompt
from route_switch.services.publish_prompt import PublishPrompt
from route_switch.workflow.events import Promoted, PromoteEvent
from route_switch.workflow.paths import CANDIDATE, LearningBucket

DELETED = "It shows a query that was deleted since the run began. The next run goes without it."


@dataclass(frozen=True, slots=True)
class Promote:
    """Asked twice, it promotes once: what is live already makes no new version."""

    publish: PublishPrompt
    bucket: LearningBucket
    switches: SwitchStore
    forgotten: ForgottenRequests

    def __call__(self, event: PromoteEvent) -> Promoted:
        artifact = self.bucket.left(event.run.id).read(CANDIDATE)
        if artifact is None:
            raise ConfigurationError(f"Run {event.run.id} left no {CANDIDATE}.")
        if not self.switches.read().may_learn:
            return self._earlier(artifact) or Promoted(promoted=False, off=True)
        if shows_any(parse_prompt(artifact.decode()), self.forgotten.all()):
            return self._earlier(artifact) or Promoted(promoted=False, why=DELETED)
        approved = event.approval is not None and event.approval.approved
        try:
            version = self.publish.promote(artifact.decode(), approved=approved)
        except (PromptLockedError, PromptReplacedError):  # to try again; to be looked at
            raise
        except PromptConflictError as conflict:
            return self._earlier(artifact) or Promoted(promoted=False, why=str(conflict))
        return self._promoted(version, artifact)

    def _earlier(self, artifact: bytes) -> Promoted | None:
        """What a try whose answer was lost made live; somebody may have replaced it since."""
        version = self.publish.version_of(as_markdown(artifact.decode()))
        return None if version is None else self._promoted(version, artifact)

    def _promoted(self, version: int, artifact: bytes) -> Promoted:
        self.bucket.shared.write(f"prompts/{version}.json", artifact)
        return Promoted(promoted=True, version=version)
