"""Read and write text files; a write is atomic."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from route_switch.adapters.learning.jsonl import why_not_utf_8
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.reasons import why_unusable


def read_text(path: Path, what: str) -> str:
    """Return the file's bytes decoded as UTF-8; `what` names the file in the error."""
    try:
        content = path.read_bytes()
        if why := why_not_utf_8(content):
            raise RouteSwitchError(f"The {what} {path} {why}.")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RouteSwitchError(
            f"The {what} {path} cannot be read: {why_unusable(error)}"
        ) from error


def write_whole(path: Path, content: str, what: str = "file", *, private: bool = False) -> None:
    """Replace the file; an interrupted write leaves the old one. `private` means mode 0600."""
    _write_whole(path, content.encode(), what, 0o600 if private else 0o666)


def check_writable(path: Path, what: str = "file") -> None:
    """Raise `RouteSwitchError` now if `write_whole` would, before anything is printed or paid."""
    if path.is_dir():
        raise RouteSwitchError(f"The {what} {path} cannot be written: Is a directory")
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise RouteSwitchError(
            f"The {what} {path} cannot be written: {why_unusable(error)}"
        ) from error


@dataclass(frozen=True, slots=True)
class Folder:
    """`RunFiles` in an existing folder."""

    path: Path

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RouteSwitchError(
                f"{self.path / name} cannot be read: {why_unusable(error)}"
            ) from error

    def write(self, name: str, content: bytes) -> None:
        _write_whole(self.path / name, content, "file", 0o666)

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        with _locked(self.path / f".{name}.lock"):
            before = self.read(name)
            after = change(before)
            if after != before:
                self.write(name, after)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file, waiting for others. It is a file of its own and stays: the locked file
    itself is replaced by each write."""
    import fcntl

    try:
        file = path.open("ab")
    except OSError as error:
        raise RouteSwitchError(f"{path} cannot be created: {why_unusable(error)}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_whole(path: Path, content: bytes, what: str, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode=mode)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RouteSwitchError(
            f"The {what} {path} cannot be written: {why_unusable(error)}"
        ) from error
