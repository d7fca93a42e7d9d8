"""Pack code into zip archives, and unpack them as Lambda does."""

import contextlib
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first date of the zip format. With fixed times, equal folders make equal archives."""


@dataclass(frozen=True)
class Archive:
    """A zip file. Archives are equal if their digests are."""

    digest: str
    content: bytes = field(compare=False, repr=False)


def pack(folder: Path, target: Path) -> None:
    """Write the folder as an uncompressed zip file, which is read once, on this machine."""
    with (
        tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), EPOCH)
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            archive.writestr(entry, path.read_bytes())
    Path(file.name).rename(target)


def unpack(archives: Sequence[Archive], cache: Path) -> Path:
    """Return a folder with the files of all archives. Later archives win, as in /opt.

    The folder's name is a hash of the digests, so equal archives are unpacked once.
    """
    digests = "".join(archive.digest for archive in archives)
    target = cache / hashlib.sha256(digests.encode()).hexdigest()[:32]
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as folder:
        for archive in archives:
            extract(archive, Path(folder))
        with contextlib.suppress(OSError):  # another local stack made it meanwhile
            Path(folder).rename(target)
    return target


def extract(archive: Archive, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        files.extractall(folder)
        for entry in files.infolist():
            if entry.external_attr >> 16 & 0o111:
                (folder / entry.filename).chmod(0o755)


def unzipped_bytes(archives: Sequence[Archive]) -> int:
    contents = (zipfile.ZipFile(io.BytesIO(archive.content)) for archive in archives)
    return sum(entry.file_size for content in contents for entry in content.infolist())
