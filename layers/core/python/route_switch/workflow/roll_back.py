"""Taking back a prompt whose answers people rate lower, through the one code path as well."""

from dataclasses import dataclass

from route_switch.domain.errors import (
    PromptConflictError,
    PromptError,
    PromptLockedError,
    PromptReplacedError,
)
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.prompts.rollback import Rejection, Rejections, RolledBack
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.workflow.ask import Publish
from route_switch.workflow.events import RollbackEvent

MESSAGE = """\
Version {from_version} of the routing prompt was rolled back: {because}
Version {version} is live now, with the content of version {to_version}. Learning goes on from \
there, and makes the same prompt live no more by itself.
Compare with
route-switch prompt diff {to_version} {from_version} --stage {stage}
and undo it with
route-switch prompt rollback --to {from_version} --stage {stage}
Nobody rolls that back a second time."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Asked twice, it rolls back once and finishes what the first try left undone: the note of the
    rejection comes last, so that what has it was told."""

    publish: PublishPrompt
    rejections: Rejections
    tell: Publish
    stage: str

    def __call__(self, event: RollbackEvent) -> RolledBack:
        """Raises what the lock raises: an order that can be carried out later."""
        try:
            rejected, target = self._kept(event.from_version), self._kept(event.to_version)
        except PromptError as gone:  # such an order would stand in the way of others for ever
            return RolledBack(why=str(gone))
        before = self.publish.store.read_live()
        try:
            version = self.publish(target.document, event.from_version)
        except (PromptLockedError, PromptReplacedError):  # to try again; to be looked at
            raise
        except PromptConflictError as conflict:
            earlier = self.publish.store.read_live(event.from_version + 1)
            if earlier is None or earlier.document != target.document:
                return RolledBack(why=str(conflict))
            version = earlier.version
        self._tell_once(event, version, parse_prompt(rejected.document).version)
        new = before is not None and version > before.version
        return RolledBack(version=version, new=new)

    def _kept(self, version: int) -> StoredPrompt:
        kept = self.publish.store.read_live(version)
        if kept is None:
            raise PromptError(
                f"Version {version} of the prompt is not kept any more, so nothing was rolled "
                "back. 'route-switch prompt history' shows what is kept."
            )
        return kept

    def _tell_once(self, event: RollbackEvent, version: int, digest: str) -> None:
        rejection = Rejection(event.from_version, event.because)
        if self.rejections.of(digest) == rejection:
            return
        self.tell(
            f"route-switch {self.stage}: prompt version {event.from_version} was rolled back",
            MESSAGE.format(**event.model_dump(exclude={"step"}), version=version, stage=self.stage),
        )
        self.rejections.add(digest, rejection)
