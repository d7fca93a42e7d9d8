"""Texts in files: read with a clear error, written whole or not at all."""

from pathlib import Path

from route_switch.domain.errors import RouteSwitchError


def read_text(path: Path, what: str) -> str:
    """The file byte for byte as UTF-8; `what` it is goes into the error."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RouteSwitchError(f"The {what} {path} cannot be read: {error}") from error


def write_whole(path: Path, content: str, what: str = "file", *, private: bool = False) -> None:
    """Who is interrupted leaves the old file. `private`: for the owner's eyes only."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.touch(mode=0o600 if private else 0o666)
        beside.write_bytes(content.encode())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RouteSwitchError(f"The {what} {path} cannot be written: {error}") from error
