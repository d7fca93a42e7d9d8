"""Promote a candidate, through the one code path that changes the live prompt."""

from dataclasses import dataclass

from route_switch.adapters.learning.learning_bucket import CANDIDATE, LearningBucket
from route_switch.domain.errors import (
    ConfigurationError,
    PromptConflictError,
    PromptError,
    PromptLockedError,
    PromptReplacedError,
)
from route_switch.domain.learning.learning_ports import ClaimsToDemos, DeletionNotes
from route_switch.domain.operations.deletion import withdrawn_demos
from route_switch.domain.ports import SwitchStore
from route_switch.domain.prompt_document import as_markdown, parse_prompt
from route_switch.domain.prompts.rollback import Rejections
from route_switch.domain.prompts.verdict_scope import Scope
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.workflow.events import Promoted, PromoteEvent

WHY_DELETED = (
    "It shows a query that was deleted after the run began and that nobody else asked. The next "
    "run will not use it."
)
WHY_REJECTED = (
    "It is the same prompt as version {}, which was rolled back because users rated its answers "
    "lower. To use it anyway, run 'route-switch prompt promote'."
)


@dataclass(frozen=True, slots=True)
class PromoteCandidate:
    """Promote a run's candidate. A retry makes no second version of what is already live."""

    publish: PublishPrompt
    bucket: LearningBucket
    switches: SwitchStore
    deletion_notes: DeletionNotes
    claims: ClaimsToDemos
    rejections: Rejections
    scope: Scope

    def __call__(self, event: PromoteEvent) -> Promoted:
        run, approval = event.state.run, event.state.approval
        artifact = self._candidate(run.id)
        refused = self._refused(parse_prompt(artifact))
        if refused is not None:
            return self._earlier(artifact) or refused
        before = self.publish.store.read_live()
        try:
            version = self.publish.promote(
                artifact,
                lambda: self.scope,
                approved=approval is not None and approval.approved,
            )
        except (PromptLockedError, PromptReplacedError):  # retried; needs a person
            raise
        except PromptConflictError as conflict:
            return self._earlier(artifact) or Promoted(promoted=False, why=str(conflict))
        return self._promoted(version, artifact, new=before is None or version > before.version)

    def _candidate(self, run_id: str) -> str:
        content = self.bucket.artifacts(run_id).read(CANDIDATE)
        if content is None:
            raise ConfigurationError(f"Run {run_id} left no {CANDIDATE}.")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise PromptError(
                f"The {CANDIDATE} of run {run_id} is damaged: it is not valid UTF-8. Start "
                "another run with 'route-switch learn'."
            ) from error

    def _refused(self, candidate: RoutingPrompt) -> Promoted | None:
        if not self.switches.read().may_learn:
            return Promoted(promoted=False, off=True)
        if withdrawn_demos(candidate, self.claims.read(), self.deletion_notes.all()):
            return Promoted(promoted=False, why=WHY_DELETED)
        rejection = self.rejections.of(candidate.version)
        if rejection is not None:
            return Promoted(promoted=False, why=WHY_REJECTED.format(rejection.version))
        return None

    def _earlier(self, artifact: str) -> Promoted | None:
        """Return the version that an earlier attempt published, even if it was replaced since."""
        version = self.publish.version_of(as_markdown(artifact))
        return None if version is None else self._promoted(version, artifact)

    def _promoted(self, version: int, artifact: str, *, new: bool = False) -> Promoted:
        self.bucket.shared.write(f"prompts/{version}.json", artifact.encode())
        return Promoted(promoted=True, version=version, new=new)
