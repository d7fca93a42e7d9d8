"""Roll back a prompt whose answers users rate lower, through the code path that changes prompts."""

from dataclasses import dataclass

from route_switch.domain.errors import (
    LocalModelError,
    PromptConflictError,
    PromptError,
    PromptLockedError,
    PromptReplacedError,
)
from route_switch.domain.learning.prompt_news import (
    PromptNews,
    cannot_roll_back,
    may_be_worse,
    rolled_back,
)
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.prompts.rollback import Rejection, Rejections, RolledBack
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.workflow.ask import Notify
from route_switch.workflow.events import RollbackEvent
from route_switch.workflow.mail import Mail, subject_line

MESSAGE = """\
Version {from_version} of the routing prompt was rolled back: {because}
Version {version} is live now, with the content of version {to_version}. Learning continues from \
there and will not promote the rejected prompt again.
Compare them with
route-switch prompt diff {to_version} {from_version} --stage {stage}
and undo it with
route-switch prompt rollback --to {from_version} --stage {stage}
After that it is not rolled back automatically again."""
QUESTION = """\
Version {from_version} of the routing prompt may be worse than version {to_version}: {because}
One client's ratings roll nothing back, so version {from_version} is still live. Compare them with
route-switch prompt diff {to_version} {from_version} --stage {stage}
and, if you agree, roll back with
route-switch prompt rollback --to {to_version} --stage {stage}
If you trust that client, add its key to learning.trusted_keys."""

IMPOSSIBLE = """\
Version {from_version} of the routing prompt is worse than version {to_version}: {because}
It could not be rolled back: {why}
Version {from_version} is still live. List the versions with
route-switch prompt history --stage {stage}
and roll back to another one with --to."""


@dataclass(frozen=True, slots=True)
class RollBackPrompt:
    """Roll back the live prompt, notify, and record the rejection.

    A retry rolls back once and finishes what the first attempt left undone. The rejection is
    recorded last, so that a recorded one is known to have been notified.
    """

    publish: PublishPrompt
    rejections: Rejections
    notify: Notify
    mail: Mail
    stage: str

    def __call__(self, event: RollbackEvent) -> RolledBack:
        """Carry out the order. Raise `PromptLockedError` if it has to be tried again later."""
        if event.only_ask:
            return self._ask(event)
        try:
            rejected, target = self._kept(event.from_version), self._kept(event.to_version)
        except PromptError as missing:  # raising would keep the order open and block others
            return RolledBack(why=str(missing))
        before = self.publish.store.read_live()
        try:
            version = self.publish(target.document, event.from_version)
        except (PromptLockedError, PromptReplacedError):  # retried; needs a person
            raise
        except LocalModelError as missing:
            return self._impossible(event, str(missing))
        except PromptConflictError as conflict:
            earlier = self.publish.store.read_live(event.from_version + 1)
            if earlier is None or earlier.document != target.document:
                return RolledBack(why=str(conflict))
            version = earlier.version
        self._notify_once(event, version, parse_prompt(rejected.document).version)
        new = before is not None and version > before.version
        return RolledBack(version=version, new=new)

    def _ask(self, event: RollbackEvent) -> RolledBack:
        details = QUESTION.format(**event.model_dump(exclude={"step"}), stage=self.stage)
        news = may_be_worse(event.from_version, event.to_version)
        self._tell(f"roll back prompt version {event.from_version}?", news, details)
        return RolledBack(why="A person was asked, because the evidence rests on one client.")

    def _impossible(self, event: RollbackEvent, why: str) -> RolledBack:
        """Tell a person: raising would keep the order open and block others."""
        details = IMPOSSIBLE.format(**event.model_dump(exclude={"step"}), why=why, stage=self.stage)
        news = cannot_roll_back(event.from_version, event.to_version)
        self._tell(f"prompt version {event.from_version} needs a rollback", news, details)
        return RolledBack(why=why)

    def _kept(self, version: int) -> StoredPrompt:
        kept = self.publish.store.read_live(version)
        if kept is None:
            raise PromptError(
                f"Version {version} of the prompt no longer exists, so nothing was rolled back. "
                "See 'route-switch prompt history' for the versions that do."
            )
        return kept

    def _notify_once(self, event: RollbackEvent, version: int, digest: str) -> None:
        rejection = Rejection(event.from_version, event.because)
        if self.rejections.of(digest) == rejection:
            return
        details = MESSAGE.format(
            **event.model_dump(exclude={"step"}), version=version, stage=self.stage
        )
        news = rolled_back(event.from_version, event.to_version, version)
        self._tell(f"prompt version {event.from_version} was rolled back", news, details)
        self.rejections.add(digest, rejection)

    def _tell(self, subject: str, news: PromptNews, details: str) -> None:
        self.notify(subject_line(self.stage, subject), self.mail(lambda _: news, details))
