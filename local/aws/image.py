"""Build container images of Python functions as folders, without Docker.

Only the instructions that fill LAMBDA_TASK_ROOT or configure the function are followed: `COPY` for
the project's code, `pip install … -r FILE` for packages, `ENV` and `CMD`. Other commands are not
run.
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
    """The result of a Dockerfile and its context."""

    root: Path
    """LAMBDA_TASK_ROOT without the packages."""
    handler: str
    variables: Mapping[str, str] = field(hash=False)
    requirements: Path
    python: str
    architecture: str

    def packages(self) -> Path:
        """Return a folder with the packages in `python/`.

        Installing them is slow, so it happens at the first invocation.
        """
        try:
            with _one_bundle_at_a_time:
                return bundle_wheels(self, self.requirements).resolve()
        except BundleError as error:
            raise LocalStackError(str(error)) from error


def save_image(image: Image, tag: str, cache: Path) -> None:
    """Record the image under its tag, so that every local stack finds it."""
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
    """Build the image of an asset. `source` is the asset's entry in the manifest."""
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
        raise LocalStackError(
            f"{dockerfile} needs exactly one `pip install … -r FILE` and exactly one CMD."
        )
    root = copy_context(context, copies, cache / f"{context.name}.image")
    return Image(
        root=root,
        handler=handler[0],
        variables=variables,
        requirements=root / requirements[0],
        python=source["dockerBuildArgs"]["PYTHON_VERSION"],
        architecture=ARCHITECTURES[source["platform"]],
    )


def read_dockerfile(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Yield each instruction and its arguments. Raise `LocalStackError` if one is unsupported."""
    lines = dockerfile.read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        instruction, _, rest = line.partition(" ")
        if instruction not in KNOWN:
            raise LocalStackError(
                f"{dockerfile}: the local stack does not support {instruction}, only "
                f"{', '.join(sorted(KNOWN))}. Avoid it, or add it to local/aws/image.py."
            )
        yield instruction, rest


def read_copy(dockerfile: Path, rest: str) -> tuple[str, str]:
    """Return the source (relative to the context) and the target (relative to LAMBDA_TASK_ROOT)."""
    match rest.split():
        case [source, target] if target.startswith(TASK_ROOT):
            return source, target.removeprefix(TASK_ROOT)
    raise LocalStackError(
        f"{dockerfile}: the local stack supports COPY only with one source and a target in "
        f"{TASK_ROOT}."
    )


def copy_context(context: Path, copies: Sequence[tuple[str, str]], target: Path) -> Path:
    """Copy the project's code to `target` and compile it. Skip an existing target, which is named
    by a hash of its content."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as scratch:
        root = Path(scratch, "root")
        root.mkdir()
        for source, place in copies:
            copy(context / source, root / place)
        mode = PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(root, quiet=1, invalidation_mode=mode)
        with contextlib.suppress(OSError):  # another local stack made it meanwhile
            root.rename(target)
    return target


def copy(source: Path, target: Path) -> None:
    """Copy like COPY: the content of a folder, or one file into the target folder."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
