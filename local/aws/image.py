"""Container images of Python functions, laid out as folders: nothing here needs Docker.

A Dockerfile is followed as far as it fills LAMBDA_TASK_ROOT: own code by `COPY`, packages by
`pip install … -r FILE`, and what `ENV` and `CMD` say of the function. Other commands are not run.
"""

import compileall
import contextlib
import json
import re
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from infra.bundle import BundleError, bundle_wheels
from local.aws.errors import LocalStackError

ARCHITECTURES = {"linux/amd64": "x86_64", "linux/arm64": "arm64"}
KNOWN = frozenset({"ARG", "CMD", "COPY", "ENV", "FROM", "RUN"})
TASK_ROOT = "${LAMBDA_TASK_ROOT}/"
INSTALL = re.compile(r"\bpip install .*-r (\S+)")

_one_bundle_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Image:
    """What a Dockerfile makes of its context."""

    root: Path
    """LAMBDA_TASK_ROOT, but for the packages."""
    handler: str
    variables: Mapping[str, str] = field(hash=False)
    requirements: Path
    python: str
    architecture: str

    def packages(self) -> Path:
        """The folder with the packages in `python/`; installing them for the first time takes
        long, so it waits for the first invocation."""
        try:
            with _one_bundle_at_a_time:
                return bundle_wheels(self, self.requirements).resolve()
        except BundleError as error:
            raise LocalStackError(str(error)) from error


def keep(image: Image, tag: str, cache: Path) -> None:
    """Makes the image known by its tag to every local stack."""
    with tempfile.NamedTemporaryFile("w", dir=cache, delete=False) as file:
        json.dump(vars(image), file, default=str)
    Path(file.name).rename(cache / f"{tag}.image.json")


def find_image(tag: str, cache: Path) -> Image | None:
    try:
        known = json.loads((cache / f"{tag}.image.json").read_text())
    except FileNotFoundError:
        return None
    paths = {name: Path(known[name]) for name in ("root", "requirements")}
    return Image(**known | paths)


def build(context: Path, source: dict[str, Any], cache: Path) -> Image:
    """Follows the Dockerfile of an asset, whose entry in the manifest is `source`."""
    dockerfile = context / source["dockerFile"]
    copies: list[tuple[str, str]] = []
    variables: dict[str, str] = {}
    requirements, handler = [], []
    for instruction, rest in read_dockerfile(dockerfile):
        if instruction == "COPY":
            copies.append(read_copy(dockerfile, rest))
        elif instruction == "ENV":
            variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif instruction == "RUN":
            requirements += INSTALL.findall(rest)
        elif instruction == "CMD":
            handler += json.loads(rest)
    if len(requirements) != 1 or len(handler) != 1:
        raise LocalStackError(f"{dockerfile} should have one `pip install … -r FILE` and one CMD.")
    root = lay_out(context, copies, cache / f"{context.name}.image")
    return Image(
        root=root,
        handler=handler[0],
        variables=variables,
        requirements=root / requirements[0],
        python=source["dockerBuildArgs"]["PYTHON_VERSION"],
        architecture=ARCHITECTURES[source["platform"]],
    )


def read_dockerfile(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Instructions and the rest of their lines; raises at one that is not followed here."""
    lines = dockerfile.read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        instruction, _, rest = line.partition(" ")
        if instruction not in KNOWN:
            raise LocalStackError(
                f"{dockerfile}: the local stack cannot follow {instruction}; it knows "
                f"{', '.join(sorted(KNOWN))}. Do without it, or teach local/aws/image.py."
            )
        yield instruction, rest


def read_copy(dockerfile: Path, rest: str) -> tuple[str, str]:
    """Source in the context, target in LAMBDA_TASK_ROOT."""
    match rest.split():
        case [source, target] if target.startswith(TASK_ROOT):
            return source, target.removeprefix(TASK_ROOT)
    raise LocalStackError(f"{dockerfile}: COPY takes one source and a target in {TASK_ROOT}.")


def lay_out(context: Path, copies: Sequence[tuple[str, str]], target: Path) -> Path:
    """Own code as it lies in the image, with bytecode; once, for the target is named by a hash."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as scratch:
        root = Path(scratch, "root")
        root.mkdir()
        for source, place in copies:
            copy(context / source, root / place)
        mode = PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(root, quiet=1, invalidation_mode=mode)
        with contextlib.suppress(OSError):  # another local stack was faster
            root.rename(target)
    return target


def copy(source: Path, target: Path) -> None:
    """As COPY does: a folder's content, or a file into the folder."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
