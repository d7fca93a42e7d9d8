"""Local models for a caller that may read their numbers but not write them."""

from dataclasses import dataclass

from route_switch.domain.errors import LocalModelError
from route_switch.domain.local_model import LocalModelStore, LocalNumbers


@dataclass(frozen=True, slots=True)
class StoredNumbersOnly:
    models: LocalModelStore

    def get(self, sha256: str) -> LocalNumbers | None:
        return self.models.get(sha256)

    def put(self, numbers: LocalNumbers) -> None:
        """Do nothing if they are stored. Raise `LocalModelError` if they are not."""
        if self.models.get(numbers.sha256) is None:
            raise LocalModelError("The document holds the numbers of a local model.")
