"""Wheels for Lambda, without Docker: a folder for each set of locked requirements and platform."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from uv import find_uv_bin

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
_RECIPE = "2"
"""Part of a bundle's hash: change it together with `_install`, `_strip` or `_compile`."""


class Platform(Protocol):
    """What wheels are made for, as a stage says it."""

    @property
    def python(self) -> str:
        """Its minor version: `3.14`."""

    @property
    def architecture(self) -> str:
        """`arm64` or `x86_64`."""


def bundled(platform: Platform, requirements: Path) -> Path:
    """The folder with `python/` in it; its name is the digest of what it was made of."""
    folder = _BUNDLES / _digest(platform, requirements)
    if not folder.is_dir():
        _bundle(folder, platform, requirements)
    return folder


def _digest(platform: Platform, requirements: Path) -> str:
    """Names what a bundle is made of, so that equal inputs give one bundle and one asset."""
    compiled = str(_can_compile(platform))
    parts = (_RECIPE, *sorted(_AWS_SERVICES), platform.python, platform.architecture, compiled)
    content = "\n".join(parts).encode() + requirements.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _bundle(folder: Path, platform: Platform, requirements: Path) -> None:
    """Builds beside its place and moves it there when it is whole."""
    _BUNDLES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUNDLES) as scratch:
        target = Path(scratch, "layer")
        _install(target / "python", platform, requirements)
        _strip(target / "python")
        if _can_compile(platform):
            _compile(target / "python")
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster, with the same content
                raise


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
        raise ConfigurationError(
            f"{requirements}: no wheels for Python {platform.python} on {platform.architecture}. "
            f"The first build needs the package index. uv said: {' '.join(done.stderr.split())}"
        )


def _strip(python: Path) -> None:
    """Removes what no function uses: less to unzip at a cold start."""
    unused = [*python.rglob("__pycache__"), *python.rglob("tests"), *python.glob("bin")]
    services = python.glob("botocore/data/*/")
    unused += [folder for folder in services if folder.name not in _AWS_SERVICES]
    for folder in unused:
        if folder.is_dir():
            shutil.rmtree(folder)


def _can_compile(platform: Platform) -> bool:
    """Bytecode is the same on every platform, but each minor version of Python has its own."""
    return platform.python == f"{sys.version_info.major}.{sys.version_info.minor}"


def _compile(python: Path) -> None:
    """Lambda cannot write bytecode; without it, a cold start compiles every module again.

    Unchecked, because a deployed file never changes and its time stamp is lost in the archive.
    """
    command = [
        *(sys.executable, "-m", "compileall", "-q", "-j", "0"),
        *("-s", str(python), "-p", "/opt/python"),
        *("--invalidation-mode", "unchecked-hash", str(python)),
    ]
    # A process of its own, because its workers are forked, and the local stack has threads. What
    # does not compile is a template in some package, and no function imports it.
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own words
