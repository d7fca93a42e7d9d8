"""A prompt store whose changes are recorded in the audit trail."""

from dataclasses import dataclass

from route_switch.domain.operations.audit import Change
from route_switch.domain.ports import PromptStore, StoredPrompt
from route_switch.domain.prompt_document import readable_prompt
from route_switch.services.operations.record_change import RecordChange


@dataclass(frozen=True, slots=True)
class AuditedPrompts:
    """`action` says what changes the prompt: push, promote, roll back…"""

    store: PromptStore
    record: RecordChange
    action: str

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        return self.store.read_live(version)

    def read_seed(self) -> StoredPrompt | None:
        return self.store.read_seed()

    def put_live(self, document: str) -> int:
        live = self.store.read_live()
        content = _content(document)
        change = Change(
            "prompt",
            self.action,
            "live",
            before=None if live is None else f"version {live.version}{_content(live.document)}",
            after=content.strip(),
        )
        return self.record(
            change, lambda: self.store.put_live(document), lambda made: f"version {made}{content}"
        )


def _content(document: str) -> str:
    """Return the digest that `prompt history` shows."""
    prompt = readable_prompt(document)
    return " (broken)" if prompt is None else f" ({prompt.version})"
