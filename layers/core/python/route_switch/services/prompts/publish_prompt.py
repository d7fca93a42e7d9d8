"""The only way to change the live prompt: start, push, edit, promote and roll back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from route_switch.domain.errors import (
    LocalModelError,
    NoSuchVersionError,
    PromptError,
    PromptReplacedError,
)
from route_switch.domain.local_model import LocalModel, LocalModelStore
from route_switch.domain.ports import (
    PromptLock,
    PromptStore,
    StoredPrompt,
    StoredVersion,
    VersionStore,
)
from route_switch.domain.prompt_document import (
    as_markdown,
    as_stored,
    parse_prompt,
    readable_prompt,
)
from route_switch.domain.prompts.going_live import check_may_go_live, parse_to_publish
from route_switch.domain.prompts.stated_evidence import check_evidence
from route_switch.domain.prompts.verdict_scope import Scope
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.services.prompts.candidate_checks import (
    check_approval,
    check_candidate,
    check_scope,
)
from route_switch.services.prompts.publish_errors import numbers_missing, stale_base


@dataclass(frozen=True, slots=True)
class Rollback:
    """Version `before` was live. `version` is live now, with the content of version
    `content_of`."""

    before: int
    content_of: int
    version: int


@dataclass(frozen=True, slots=True)
class PublishPrompt:
    """Parameter Store has no compare-and-set. So a change holds a lock against other changes, and
    the number of the version it creates reveals a write that bypassed the lock (as the AWS console
    does): it must be one higher than the version that the change was based on.

    The numbers of a local model do not fit Parameter Store. They are stored before the document
    that names them, so that no version names numbers that are not there.

    `candidates` yields the documents of runs' candidates, whose evidence a person may publish."""

    store: PromptStore
    history: VersionStore
    lock: PromptLock
    models: LocalModelStore
    candidates: Callable[[], Iterable[str]] = tuple

    def push(self, document: str, base: int | None) -> int:
        """Make a document live that a person wrote, as a call does. Raise `PromptError` if it
        claims evidence that neither a stored version nor a candidate has."""
        prompt, stored = parse_to_publish(document), as_stored(document)
        check_may_go_live(prompt, stored)
        check_evidence(prompt, self._evidence(prompt))
        return self._publish(prompt, stored, base)

    def __call__(self, document: str, base: int | None) -> int:
        """Make `document` live and return its version number.

        `base` is the version that the change is based on, None when there was none. Raise
        `PromptConflictError` unless it is still the newest. If the document is already live, create
        no new version; then `base` may also be the version that it replaced, because a call whose
        answer was lost is repeated. A document that holds the numbers of its local model goes live
        as Markdown that names them; raise `LocalModelError` if it names numbers that are not
        stored.
        """
        return self._publish(parse_to_publish(document), as_stored(document), base)

    def _publish(self, prompt: RoutingPrompt, document: str, base: int | None) -> int:
        check_may_go_live(prompt, document)
        with self.lock.hold():
            live = self._check_base(document, base)
            self._store_model(prompt.local_model)
            if live is not None and live.document == document:
                return live.version
            version = self.store.put_live(document)
        self._check_number(document, version, 1 if base is None else base + 1)
        return version

    def check(self, document: str, base: int | None) -> RoutingPrompt:
        """Return the prompt that a person wrote. Raise what publishing it would raise, and change
        nothing."""
        prompt, stored = parse_to_publish(document), as_stored(document)
        check_may_go_live(prompt, stored)
        check_evidence(prompt, self._evidence(prompt))
        self._check_base(stored, base)
        model = prompt.local_model
        if model is not None and model.numbers is None and not self._has_numbers(model):
            raise numbers_missing(model)
        return prompt

    def _evidence(self, prompt: RoutingPrompt) -> Iterator[Provenance]:
        """Yield what the prompt may state: what stored versions do, the newest first, because an
        edit keeps it, and what the run stated whose candidate it is."""
        for each in reversed(self.history.versions()):
            before = readable_prompt(each.document)
            if before is not None:
                yield before.provenance
        for document in self.candidates():
            candidate = readable_prompt(document)
            if candidate is not None and candidate.version == prompt.version:
                yield candidate.provenance

    def _check_base(self, document: str, base: int | None) -> StoredPrompt | None:
        """Return the live prompt. Raise `PromptChangedError` if it is neither the base of the
        change nor its result."""
        live = self.store.read_live()
        is_base = base == (live.version if live else None)
        if not is_base and (live is None or not self._made(live, document, base or 0)):
            raise stale_base(base, self.history.versions())
        return live

    def _made(self, live: StoredPrompt, document: str, base: int) -> bool:
        """Whether all versions after `base` are this document: the change was made before."""
        if live.document != document or base >= live.version:
            return False
        between = (self.store.read_live(number) for number in range(base + 1, live.version))
        return all(each is not None and each.document == document for each in between)

    def start(self) -> int:
        """Make the seed live if nothing is, and return the number of the live version."""
        live, seed = self.store.read_live(), self.store.read_seed()
        if live is not None:
            return live.version
        if seed is None:
            raise PromptError("There is no seed prompt. Deploy the stage to create one.")
        return self(seed.document, None)

    def promote(
        self,
        artifact: str,
        current: Callable[[], Scope],
        *,
        force: bool = False,
        approved: bool = False,
    ) -> int:
        """Publish a candidate, as Markdown, if it was found better than the live prompt and, where
        required, was `approved`. `current` returns what it would serve with, which must be what it
        was measured with.

        `force` skips these conditions and no others.
        """
        candidate, document = parse_to_publish(artifact), as_markdown(artifact)
        live = self._live()
        if not force and document != live.document:
            check_candidate(candidate, live)
            check_scope(candidate, current())
            check_approval(candidate, approved)
        return self._publish(candidate, document, live.version)

    def roll_back(self, to: int | None = None, base: int | None = None) -> Rollback:
        """Publish the content of version `to`. By default, use the newest version that differs from
        the live prompt, may go live, and has the numbers of its local model. `base`, if given, is
        the version that must be live."""
        live = self._live()
        if base is not None and base != live.version:
            raise stale_base(base, self.history.versions())
        target = self._newest_different_from(live) if to is None else self.store.read_live(to)
        if target is None:
            raise NoSuchVersionError(
                "There is no older version with different content to roll back to."
                if to is None
                else f"There is no version {to}. 'route-switch prompt history' lists the versions."
            )
        return Rollback(live.version, target.version, self(target.document, live.version))

    def _store_model(self, model: LocalModel | None) -> None:
        if model is None:
            return
        if model.numbers is not None:
            self.models.put(model.numbers)
        elif not self._has_numbers(model):
            raise numbers_missing(model)

    def _check_number(self, document: str, version: int, expected: int) -> None:
        """Allow several versions of the same document: a put is retried when its response was
        lost."""
        between = (self.store.read_live(number) for number in range(expected, version))
        others = [each for each in between if each is None or each.document != document]
        if version < expected or others:
            overwritten = others[-1].version if others and others[-1] else expected
            raise PromptReplacedError(
                f"The prompt is live as version {version} instead of {expected}: it overwrote a "
                "change that was made at the same moment without the lock, for example in the AWS "
                f"console. Compare them with 'route-switch prompt diff {overwritten} {version}'. "
                f"To restore that change, run 'route-switch prompt rollback --to {overwritten}'.",
                version=version,
                overwritten=overwritten,
            )

    def document_of(self, version: int) -> str:
        """Raise `NoSuchVersionError` if this version is not kept."""
        found = self.store.read_live(version)
        if found is None:
            raise NoSuchVersionError(f"There is no version {version}.")
        return found.document

    def version_of(self, document: str) -> int | None:
        """Return the newest stored version that equals this document byte for byte."""
        kept = reversed(self.history.versions())
        return next((old.version for old in kept if old.document == document), None)

    def _live(self) -> StoredPrompt:
        live = self.store.read_live()
        if live is None:
            raise PromptError("There is no live prompt. Push one, or deploy the stage.")
        return live

    def _newest_different_from(self, live: StoredPrompt) -> StoredVersion | None:
        return next(
            (
                old
                for old in reversed(self.history.versions())
                if old.version < live.version
                and old.document != live.document
                and self._can_be_served(old.document)
            ),
            None,
        )

    def _can_be_served(self, document: str) -> bool:
        if not may_go_live(document):
            return False
        model = parse_prompt(document).local_model
        return model is None or self._has_numbers(model)

    def _has_numbers(self, model: LocalModel) -> bool:
        try:
            return self.models.get(model.sha256) is not None
        except LocalModelError:
            return False


def may_go_live(document: str) -> bool:
    try:
        check_may_go_live(parse_prompt(document), document)
    except PromptError:
        return False
    return True
