"""Zip archives of code: packed from an asset's folder, unpacked as Lambda unpacks them."""

import contextlib
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Zip's own; with equal times, equal folders make equal archives."""


@dataclass(frozen=True)
class Archive:
    """A zip file, known by its digest."""

    digest: str
    content: bytes = field(compare=False, repr=False)


def pack(folder: Path, target: Path) -> None:
    """Writes the folder as a zip file, stored: it is read once, on this machine."""
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
    """A folder with the archives' files; later archives win, as in /opt.

    Unpacked once: the folder's name is the digest of the archives'.
    """
    digests = "".join(archive.digest for archive in archives)
    target = cache / hashlib.sha256(digests.encode()).hexdigest()[:32]
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as folder:
        for archive in archives:
            extract(archive, Path(folder))
        with contextlib.suppress(OSError):  # another local stack was faster
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
