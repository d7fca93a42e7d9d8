"""The only way to change the live prompt: start, push, edit, promote and roll back."""

from collections.abc import Callable
from dataclasses import dataclass

from route_switch.domain.errors import (
    LocalModelError,
    PromptConflictError,
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
from route_switch.domain.prompts.verdict_scope import Scope, differences
from route_switch.domain.routing_prompt import RoutingPrompt, check_may_go_live


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
    that names them, so that no version names numbers that are not there."""

    store: PromptStore
    history: VersionStore
    lock: PromptLock
    models: LocalModelStore

    def __call__(self, document: str, base: int | None) -> int:
        """Make `document` live and return its version number.

        `base` is the version that the change is based on, None when there was none. Raise
        `PromptConflictError` unless it is still the newest. If the document is already live, create
        no new version. A document that holds the numbers of its local model goes live as Markdown
        that names them; raise `LocalModelError` if it names numbers that are not stored.
        """
        return self._publish(parse_prompt(document), as_stored(document), base)

    def _publish(self, prompt: RoutingPrompt, document: str, base: int | None) -> int:
        check_may_go_live(prompt, document)
        with self.lock.hold():
            live = self.store.read_live()
            is_live = live is not None and live.document == document
            if not is_live and base != (live.version if live else None):
                raise self._stale_base_error(base)
            self._store_model(prompt.local_model)
            if live is not None and is_live:
                return live.version
            version = self.store.put_live(document)
        self._check_number(document, version, 1 if base is None else base + 1)
        return version

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
        candidate, document, live = parse_prompt(artifact), as_markdown(artifact), self._live()
        if not force and document != live.document:
            _check_candidate(candidate, live)
            _check_scope(candidate, current())
            _check_approval(candidate, approved)
        return self._publish(candidate, document, live.version)

    def roll_back(self, to: int | None = None) -> Rollback:
        """Publish the content of version `to`. By default, use the newest version that differs from
        the live prompt, may go live, and has the numbers of its local model."""
        live = self._live()
        target = self._newest_different_from(live) if to is None else self.store.read_live(to)
        if target is None:
            raise PromptError(
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
            raise LocalModelError(
                f"The prompt names local model {model.name}, whose numbers are not stored, are "
                "broken or may not be read. Push or promote the candidate.json of the run that "
                "trained it, which holds them; for a rollback, name another version with --to."
            )

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
                f"To restore that change, run 'route-switch prompt rollback --to {overwritten}'."
            )

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

    def _stale_base_error(self, base: int | None) -> PromptConflictError:
        based_on = "no live prompt" if base is None else f"version {base}"
        versions = self.history.versions()
        if not versions:
            return PromptConflictError(
                f"This change is based on {based_on}, but the live prompt no longer exists. "
                "Deploy the stage to create one, or push without a base."
            )
        newest = versions[-1]
        compare = f"Compare them with 'route-switch prompt diff {base}'. " if base else ""
        return PromptConflictError(
            f"Nothing was changed: this change is based on {based_on}, but version "
            f"{newest.version} is live, {_origin(newest.document)}, written by "
            f"{newest.written_by} at {newest.written_at:%Y-%m-%d %H:%M %Z}. {compare}Merge it into "
            f"your change, and push again with '--base {newest.version}'."
        )


def _check_candidate(candidate: RoutingPrompt, live: StoredPrompt) -> None:
    """Raise unless the provenance says that the candidate was compared with the live prompt and
    found better."""
    incumbent, verdict = (candidate.provenance.get(key) for key in ("incumbent", "verdict"))
    live_prompt = readable_prompt(live.document)
    digest = None if live_prompt is None else live_prompt.version
    if incumbent is None or incumbent != digest:
        compared = "no incumbent" if incumbent is None else f"prompt {incumbent}"
        raise PromptConflictError(
            f"The candidate was compared with {compared}, but version {live.version} is live: "
            f"{digest or 'a broken prompt'}. Optimize again from the live prompt, or promote with "
            "--force."
        )
    if verdict != "better":
        found = "has no verdict" if verdict is None else f"has the verdict '{verdict}'"
        raise PromptError(
            f"The candidate {found}, and only 'better' may go live. See its report for the reason. "
            "Gather more examples and optimize again, or promote with --force."
        )


def _check_scope(candidate: RoutingPrompt, current: Scope) -> None:
    """Raise unless the verdict is about exactly this content and what it would serve with."""
    found = differences(candidate, current)
    if found:
        raise PromptConflictError(
            f"The candidate's verdict is about something else: {'; '.join(found)}. Optimize again "
            "with what the stage uses, or promote with --force."
        )


def _check_approval(candidate: RoutingPrompt, approved: bool) -> None:
    if "needs_approval" in candidate.provenance and not approved:
        raise PromptError(
            f"The candidate needs a person's approval: {candidate.provenance['needs_approval']} "
            "Read its report. To approve, promote it with --approve."
        )


def may_go_live(document: str) -> bool:
    try:
        check_may_go_live(parse_prompt(document), document)
    except PromptError:
        return False
    return True


def _origin(document: str) -> str:
    prompt = readable_prompt(document)
    if prompt is None:
        return "a broken prompt"
    return f"{prompt.version} (origin: {prompt.provenance.get('origin', 'not stated')})"
