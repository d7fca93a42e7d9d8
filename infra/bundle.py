"""The content of Lambda layers, built without Docker: wheels for a platform, and own code.

Each bundle is a folder with a `python/` subfolder. Its name is the digest of its inputs: the
sources, the platform and the build recipe, but nothing of the machine that builds it.
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
        "logs",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "stepfunctions",
        "sts",
    }
)
"""Services that functions call. The other 400 are half of the dependencies' size."""
_UNUSED = ("bin", "litellm/proxy/_experimental/out")
"""Commands, and the web pages of LiteLLM's proxy server."""
_NOT_IN_A_LAYER = frozenset({"route_switch/cli", "route_switch/cost_estimate"})
_RECIPE = "3"
"""Part of a bundle's digest. Change it with the way bundles are built, here or in bytecode.py."""


class BundleError(ConfigurationError):
    """The requirements have no wheels for the platform."""


class Platform(Protocol):
    """The target of wheels, as a stage configures it."""

    @property
    def python(self) -> str:
        """Minor version, such as `3.14`."""

    @property
    def architecture(self) -> str:
        """`arm64` or `x86_64`."""


def bundle_wheels(platform: Platform, requirements: Path) -> Path:
    """Build the wheels that `requirements` locks, unless built before, and return their folder."""
    digest = _digest(platform, *sorted(_AWS_SERVICES), requirements.read_bytes())
    return built_once(_BUNDLES / digest, partial(_build_wheels, platform, requirements))


def bundle_code(platform: Platform, folder: Path) -> Path:
    """Build own code, unless built before, and return its folder. The code is the part of
    `folder`'s `python/` that functions may import."""
    files = [file for file in sorted((folder / "python").rglob("*")) if _is_source(file, folder)]
    content = (
        part for file in files for part in (str(file.relative_to(folder)), file.read_bytes())
    )
    return built_once(
        _BUNDLES / _digest(platform, *content), partial(_build_code, platform, folder, files)
    )


def _is_source(file: Path, folder: Path) -> bool:
    name = file.relative_to(folder / "python")
    left_out = _NOT_IN_A_LAYER & {parent.as_posix() for parent in name.parents}
    return file.is_file() and file.suffix != ".pyc" and not left_out


def _digest(platform: Platform, *parts: str | bytes) -> str:
    """Hash each part with its length, so that parts cannot be confused."""
    check_can_compile(platform.python)
    digest = hashlib.sha256()
    for part in (_RECIPE, platform.python, platform.architecture, *parts):
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()


def _build_wheels(platform: Platform, requirements: Path, target: Path) -> None:
    _install(target / "python", platform, requirements)
    _strip(target / "python")
    compile_folder(target / "python", platform.python)


def _build_code(platform: Platform, folder: Path, files: list[Path], target: Path) -> None:
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
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode != 0:
        raise BundleError(
            f"{requirements}: no wheels for Python {platform.python} on {platform.architecture}. "
            "The first build needs access to the package index. uv said: "
            f"{' '.join(done.stderr.split())}"
        )


def _strip(python: Path) -> None:
    """Remove what no function uses, so that a cold start unzips less."""
    unused = [*python.rglob("__pycache__"), *python.rglob("tests")]
    unused += [python / name for name in _UNUSED]
    services = python.glob("botocore/data/*/")
    unused += [folder for folder in services if folder.name not in _AWS_SERVICES]
    for folder in unused:
        if folder.is_dir():
            shutil.rmtree(folder)
