"""What goes into Lambda layers, without Docker: wheels for a platform, and own code.

Each is a folder with `python/` in it, whose name is the digest of what it is made of: sources, and
how they are treated. Nothing of this machine is part of it.
"""

import hashlib
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Protocol

from uv import find_uv_bin

from infra.bytecode import check_can_compile, compile_folder
from infra.cache import built_once
from route_switch.domain.errors import ConfigurationError

_BUNDLES = Path(".build/layers")
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""Lambda's Python runs on Amazon Linux 2023 (glibc 2.34), which loads these wheels."""
_AWS_SERVICES = frozenset(
    {
        "bedrock-runtime",
        "dynamodb",
        "lambda",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "stepfunctions",
        "sts",
    }
)
"""What functions call. The other 400 services are half of the dependencies' size."""
_UNUSED = ("bin", "litellm/proxy/_experimental/out")
"""Commands, and the pages of LiteLLM's proxy server."""
_NOT_IN_A_LAYER = frozenset({"route_switch/cli", "route_switch/cost_estimate"})
_RECIPE = "3"
"""Part of a bundle's digest: change it together with how one is built, here or in bytecode.py."""


class BundleError(ConfigurationError):
    """There are no wheels for what was asked."""


class Platform(Protocol):
    """What wheels are made for, as a stage says it."""

    @property
    def python(self) -> str:
        """Its minor version: `3.14`."""

    @property
    def architecture(self) -> str:
        """`arm64` or `x86_64`."""


def bundled(platform: Platform, requirements: Path) -> Path:
    """The bundle of the wheels that `requirements` locks."""
    digest = _digest(platform, *sorted(_AWS_SERVICES), requirements.read_bytes())
    return built_once(_BUNDLES / digest, partial(_bundle, platform, requirements))


def packaged(platform: Platform, folder: Path) -> Path:
    """The bundle of the own code in `folder`: of its `python/`, what functions may import."""
    files = [file for file in sorted((folder / "python").rglob("*")) if _is_source(file, folder)]
    content = (
        part for file in files for part in (str(file.relative_to(folder)), file.read_bytes())
    )
    return built_once(
        _BUNDLES / _digest(platform, *content), partial(_package, platform, folder, files)
    )


def _is_source(file: Path, folder: Path) -> bool:
    name = file.relative_to(folder / "python")
    left_out = _NOT_IN_A_LAYER & {parent.as_posix() for parent in name.parents}
    return file.is_file() and file.suffix != ".pyc" and not left_out


def _digest(platform: Platform, *parts: str | bytes) -> str:
    """Each part counts with its length, so that none can run over into the next."""
    check_can_compile(platform.python)
    digest = hashlib.sha256()
    for part in (_RECIPE, platform.python, platform.architecture, *parts):
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()


def _bundle(platform: Platform, requirements: Path, target: Path) -> None:
    _install(target / "python", platform, requirements)
    _strip(target / "python")
    compile_folder(target / "python", platform.python)


def _package(platform: Platform, folder: Path, files: list[Path], target: Path) -> None:
    for file in files:
        copy = target / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    compile_folder(target / "python", platform.python)


def _install(target: Path, platform: Platform, requirements: Path) -> None:
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable),
        # The lock is complete: nothing is resolved, every file is checked.
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *(
            "--python-version",
            platform.python,
            "--python-platform",
            _PLATFORMS[platform.architecture],
        ),
        *("--target", str(target), "-r", str(requirements)),
    ]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise BundleError(
            f"{requirements}: no wheels for Python {platform.python} on {platform.architecture}. "
            f"The first build needs the package index. uv said: {' '.join(done.stderr.split())}"
        )


def _strip(python: Path) -> None:
    """Removes what no function uses: less to unzip at a cold start."""
    unused = [*python.rglob("__pycache__"), *python.rglob("tests")]
    unused += [python / name for name in _UNUSED]
    services = python.glob("botocore/data/*/")
    unused += [folder for folder in services if folder.name not in _AWS_SERVICES]
    for folder in unused:
        if folder.is_dir():
            shutil.rmtree(folder)
