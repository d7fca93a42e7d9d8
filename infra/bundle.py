"""Wheels for Lambda, without Docker: a folder for each set of locked requirements and stage."""

import compileall
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from py_compile import PycInvalidationMode

from uv import find_uv_bin

from infra.stage import Stage
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
        "sqs",
        "ssm",
        "stepfunctions",
        "sts",
    }
)
"""What functions call. The other 400 services are half of the dependencies' size."""
_RECIPE = "2"
"""Part of a bundle's hash: change it together with `_install`, `_strip` or `_compile`."""


def bundled(stage: Stage, requirements: Path) -> Path:
    """The folder with `python/` in it; its name is the digest of what it was made of."""
    folder = _BUNDLES / _digest(stage, requirements)
    if not folder.is_dir():
        _bundle(folder, stage, requirements)
    return folder


def _digest(stage: Stage, requirements: Path) -> str:
    """Names what a bundle is made of, so that equal inputs give one bundle and one asset."""
    compiled = str(_can_compile(stage))
    parts = (_RECIPE, *sorted(_AWS_SERVICES), stage.python, stage.architecture, compiled)
    content = "\n".join(parts).encode() + requirements.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _bundle(folder: Path, stage: Stage, requirements: Path) -> None:
    """Builds beside its place and moves it there when it is whole."""
    _BUNDLES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUNDLES) as scratch:
        target = Path(scratch, "layer")
        _install(target / "python", stage, requirements)
        _strip(target / "python")
        if _can_compile(stage):
            _compile(target / "python")
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster, with the same content
                raise


def _install(target: Path, stage: Stage, requirements: Path) -> None:
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable),
        # The lock is complete: nothing is resolved, every file is checked.
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", stage.python, "--python-platform", _PLATFORMS[stage.architecture]),
        *("--target", str(target), "-r", str(requirements)),
    ]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise ConfigurationError(
            f"{requirements}: no wheels for Python {stage.python} on {stage.architecture}. "
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


def _can_compile(stage: Stage) -> bool:
    """Bytecode is the same on every platform, but each minor version of Python has its own."""
    return stage.python == f"{sys.version_info.major}.{sys.version_info.minor}"


def _compile(python: Path) -> None:
    """Lambda cannot write bytecode; without it, a cold start compiles every module again.

    Unchecked, because a deployed file never changes and its time stamp is lost in the archive.
    """
    compileall.compile_dir(
        python,
        quiet=2,
        workers=0,
        stripdir=str(python),
        prependdir="/opt/python",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
