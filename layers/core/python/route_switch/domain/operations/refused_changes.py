"""Why a change of keys, switches, the prompt or a run is refused."""

from dataclasses import dataclass
from typing import Literal

from route_switch.domain.errors import RouteSwitchError

Conflict = Literal[
    "key_revoked",
    "last_admin_key",
    "own_key",
    "former_secrets",
    "key_changed",
    "learning_off",
    "run_exists",
    "run_not_waiting",
]


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """What is wrong with a setting. `also` are other settings that the message is about."""

    setting: str
    message: str
    also: tuple[str, ...] = ()


class InvalidSettingsError(RouteSwitchError):
    """Settings are invalid, or contradict each other."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class ChangeRefusedError(RouteSwitchError):
    """The change is valid, but not in the present state."""

    def __init__(self, message: str, conflict: Conflict) -> None:
        super().__init__(message)
        self.conflict: Conflict = conflict


class UnknownSubjectError(RouteSwitchError):
    """There is no such key or run."""
