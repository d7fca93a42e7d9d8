"""Taking back a prompt: what the monitor asks of the promoter, and what the promoter answers."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

Version = Annotated[int, Field(ge=1)]


class RollbackOrder(BaseModel):
    """Puts the content of version `to_version` in the place of `from_version`, if that is still
    live. `because` is told to whoever is notified."""

    model_config = ConfigDict(frozen=True)

    from_version: Version
    to_version: Version
    because: str


class RolledBack(BaseModel):
    """`version` has the earlier content; `new` says that this very call made it. None where the
    live prompt was left alone, and `why` says why."""

    model_config = ConfigDict(frozen=True)

    version: int | None = None
    new: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """The prompt was live as `version` and was rolled back."""

    version: int
    because: str


class Rejections(Protocol):
    """Prompts that were rolled back, by the digest of their content."""

    def of(self, digest: str) -> Rejection | None: ...

    def add(self, digest: str, rejection: Rejection) -> None: ...
