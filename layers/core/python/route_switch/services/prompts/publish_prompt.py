"""The one way in which the live prompt changes: start, push, edit, promotion and rollback."""

from dataclasses import dataclass

from route_switch.domain.errors import PromptConflictError, PromptError, PromptReplacedError
from route_switch.domain.ports import (
    PromptLock,
    PromptStore,
    StoredPrompt,
    StoredVersion,
    VersionStore,
)
from route_switch.domain.prompt_document import as_markdown, parse_prompt, readable_prompt
from route_switch.domain.routing_prompt import RoutingPrompt, check_may_go_live


@dataclass(frozen=True, slots=True)
class Rollback:
    """Version `before` was live; `version` is now, with the content of version `content_of`."""

    before: int
    content_of: int
    version: int


@dataclass(frozen=True, slots=True)
class PublishPrompt:
    """Parameter Store has no compare-and-set. So a change holds a lock against others of its kind,
    and the number of the version that it made tells whether somebody wrote without the lock (the
    AWS console does): it must be one above the version that the change was made from."""

    store: PromptStore
    history: VersionStore
    lock: PromptLock

    def __call__(self, document: str, base: int | None) -> int:
        """Makes `document` live and returns the number of its version.

        `base` is the version that the change was made from, None where there was none. Raises
        `PromptConflictError` unless that is still the newest one. A document that is live already
        makes no new version.
        """
        check_may_go_live(parse_prompt(document), document)
        with self.lock.hold():
            live = self.store.read_live()
            if live is not None and live.document == document:
                return live.version
            if base != (live.version if live else None):
                raise self._stale(base)
            version = self.store.put_live(document)
        self._check_number(document, version, 1 if base is None else base + 1)
        return version

    def start(self) -> int:
        """Makes the seed live where nothing is, and returns the number of the live version."""
        live, seed = self.store.read_live(), self.store.read_seed()
        if live is not None:
            return live.version
        if seed is None:
            raise PromptError("There is no seed to start with. Deploy the stage, which brings one.")
        return self(seed.document, None)

    def promote(self, artifact: str, *, force: bool = False, approved: bool = False) -> int:
        """Publishes a candidate, as Markdown, if it was found better than what is live now, and
        was `approved` where it needs to be.

        `force` leaves out these conditions, and no other.
        """
        document, live = as_markdown(artifact), self._live()
        if not force and document != live.document:
            _check_candidate(parse_prompt(artifact), live, approved)
        return self(document, live.version)

    def roll_back(self, to: int | None = None) -> Rollback:
        """Publishes an old version's content; without `to`, that of the newest one that differs
        from what is live and may go live."""
        live = self._live()
        target = self._differing_from(live) if to is None else self.store.read_live(to)
        if target is None:
            raise PromptError(
                "There is no older version with other content to roll back to."
                if to is None
                else f"There is no version {to}. 'route-switch prompt history' shows what is kept."
            )
        return Rollback(live.version, target.version, self(target.document, live.version))

    def _check_number(self, document: str, version: int, expected: int) -> None:
        """A put whose answer was lost and that was sent again made two versions of one document."""
        between = (self.store.read_live(number) for number in range(expected, version))
        others = [each for each in between if each is None or each.document != document]
        if version < expected or others:
            theirs = others[-1].version if others and others[-1] else expected
            raise PromptReplacedError(
                f"The prompt is live as version {version}, but version {expected} was expected: in "
                "the same moment somebody wrote without the lock (in the AWS console, for example) "
                f"and was replaced. Look at 'route-switch prompt diff {theirs} {version}'; "
                f"'route-switch prompt rollback --to {theirs}' takes theirs instead."
            )

    def version_of(self, document: str) -> int | None:
        """The newest kept version that is this document, byte for byte."""
        kept = reversed(self.history.versions())
        return next((old.version for old in kept if old.document == document), None)

    def _live(self) -> StoredPrompt:
        live = self.store.read_live()
        if live is None:
            raise PromptError("There is no live prompt yet. Push one, or deploy the stage.")
        return live

    def _differing_from(self, live: StoredPrompt) -> StoredVersion | None:
        return next(
            (
                old
                for old in reversed(self.history.versions())
                if old.version < live.version
                and old.document != live.document
                and may_go_live(old.document)
            ),
            None,
        )

    def _stale(self, base: int | None) -> PromptConflictError:
        made_from = "when there was no live prompt" if base is None else f"from version {base}"
        versions = self.history.versions()
        if not versions:
            return PromptConflictError(
                f"This change was made {made_from}, but there is no live prompt any more. "
                "Deploy the stage, which makes one, or push without a base."
            )
        newest = versions[-1]
        compare = f"Compare with 'route-switch prompt diff {base}', t" if base else "T"
        return PromptConflictError(
            f"Nothing was changed: this change was made {made_from}, but version "
            f"{newest.version} is live, {_origin(newest.document)}, written by "
            f"{newest.written_by} at {newest.written_at:%Y-%m-%d %H:%M %Z}. {compare}ake over what "
            f"is missing, and publish on top of it ('push FILE --base {newest.version}')."
        )


def _check_candidate(candidate: RoutingPrompt, live: StoredPrompt, approved: bool) -> None:
    """Raises unless the provenance says: compared with what is live now, and better."""
    incumbent, verdict = (candidate.provenance.get(key) for key in ("incumbent", "verdict"))
    live_prompt = readable_prompt(live.document)
    digest = None if live_prompt is None else live_prompt.version
    if incumbent is None or incumbent != digest:
        compared = "no incumbent" if incumbent is None else f"prompt {incumbent}"
        raise PromptConflictError(
            f"The candidate was compared with {compared}, but version {live.version} is live, "
            f"{digest or 'a broken prompt'}. Optimize again from the live prompt, or promote with "
            "--force."
        )
    if verdict != "better":
        found = "carries no verdict" if verdict is None else f"has the verdict '{verdict}'"
        raise PromptError(
            f"The candidate {found}, and only 'better' goes live. Its report says why; gather more "
            "examples and optimize again, or promote with --force."
        )
    if "needs_approval" in candidate.provenance and not approved:
        raise PromptError(
            "The candidate needs a person's approval: "
            f"{candidate.provenance['needs_approval']} Read its report; who approves promotes it "
            "with --force."
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
