"""Rolling back a prompt: the monitor's request to the promoter, and the reply."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

Version = Annotated[int, Field(ge=1)]


class RollbackOrder(BaseModel):
    """Replaces version `from_version` with the content of `to_version`, if the former is still
    live. `because` is shown in notifications. With `only_ask`, a person is asked to do it."""

    model_config = ConfigDict(frozen=True)

    from_version: Version
    to_version: Version
    because: str
    only_ask: bool = False


class RolledBack(BaseModel):
    """`version` has the earlier content; `new` says whether this call created it. `version` is None
    when the live prompt was left unchanged, and `why` gives the reason."""

    model_config = ConfigDict(frozen=True)

    version: int | None = None
    new: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rolled-back prompt, which was live as `version`."""

    version: int
    because: str


class Rejections(Protocol):
    """Prompts that were rolled back, by content digest."""

    def of(self, digest: str) -> Rejection | None: ...

    def add(self, digest: str, rejection: Rejection) -> None: ...
