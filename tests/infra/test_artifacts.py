"""The deployed artifacts: processor, Python version, bytecode, completeness, and what changes their
hashes."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from uv import find_uv_bin

import infra.function
from infra.app import read_context
from infra.bundle import _PLATFORMS, bundle_code, bundle_wheels
from infra.bytecode import OWN_PYTHON
from infra.function import PythonFunction
from infra.router import preload_environment
from infra.stage import Stage, load_stage
from local.aws import sandbox
from local.aws.emulator import BASE_PYTHON
from route_switch.domain.errors import ConfigurationError
from tests.infra.conftest import Synthesized
from tests.support.checkout import ROOT
from tests.support.stand_ins import PROVIDER, in_a_function, running_stand_ins

DEPENDENCIES = Path("layers/dependencies/requirements.txt")
LITELLM = Path("layers/litellm/requirements.txt")
PYTHON_3_14 = struct.pack("<H", 3627) + b"\r\n"
"""CPython 3.14's magic number for bytecode, the same in all final releases."""
UNCHECKED = struct.pack("<I", 1)
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
IMPORT_HANDLER = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import handler
assert callable(handler.lambda_handler)
files = [getattr(module, "__file__", None) for module in tuple(sys.modules.values())]
print(json.dumps({"files": [f for f in files if f], "litellm": "litellm" in sys.modules}))
"""


@dataclass(frozen=True)
class Platform:
    python: str
    architecture: str


def machine(library: Path) -> int:
    """Return the processor that an ELF file is for."""
    header = library.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int.from_bytes(header[18:20], "little")


@pytest.fixture(scope="module")
def stage() -> Stage:
    return load_stage(read_context({}), "local", {})


def stage_with(model: str, **settings: Any) -> Stage:
    context: dict[str, Any] = read_context({})
    context["stages"]["prod"] |= settings
    context["profiles"]["bedrock"]["models"]["tiers"]["1"] = {"model": model}
    return load_stage(context, "prod", {})


# The bundles of stages prod and local, which exist anyway. Every lock is resolved below.
@pytest.mark.parametrize(
    "platform", [Platform("3.14", "arm64"), Platform(OWN_PYTHON, "x86_64")], ids=str
)
def test_compiled_libraries_match_the_stages_processor(platform: Platform) -> None:
    folder = bundle_wheels(platform, DEPENDENCIES)
    found = {machine(library) for library in folder.rglob("*.so")}
    assert found == {ELF_MACHINES[platform.architecture]}


def test_every_module_in_prods_layers_has_bytecode_for_its_python(prod: Synthesized) -> None:
    for folder in prod.layer_folders("Router"):
        modules = set(folder.rglob("*.py"))
        compiled = {
            file.parent.parent / f"{file.name.removesuffix('.cpython-314.pyc')}.py": file
            for file in folder.rglob("*.pyc")
        }
        assert modules
        assert compiled.keys() == modules
        for file in compiled.values():
            assert file.read_bytes()[:8] == PYTHON_3_14 + UNCHECKED


def test_the_local_stages_layers_have_bytecode_for_this_machines_python(stage: Stage) -> None:
    folder = bundle_code(stage, Path("layers/core"))
    files = [file.read_bytes()[:8] for file in folder.rglob("*.pyc")]
    assert set(files) == {importlib.util.MAGIC_NUMBER + UNCHECKED}


def test_a_python_version_that_cannot_be_compiled_for_is_rejected(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match=r"bytecode for Python 3\.10"):
        bundle_code(Platform("3.10", "arm64"), Path("layers/core"))


def test_a_bundles_name_does_not_depend_on_the_python_that_builds_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform("3.14", "arm64")
    here = bundle_code(platform, Path("layers/core")).name
    monkeypatch.setattr("infra.bytecode.OWN_PYTHON", "3.14")
    assert bundle_code(platform, Path("layers/core")).name == here


def test_every_handler_imports_only_from_its_code_and_layers(local: Synthesized) -> None:
    functions = local.resources("AWS::Lambda::Function").items()
    zipped = [name for name, resource in functions if "Handler" in resource["Properties"]]
    assert len(zipped) >= 6
    standard = str(Path(os.__file__).parent)
    for name in zipped:
        layers = (folder / "python" for folder in local.layer_folders(name))
        folders = [str(folder) for folder in (local.code_folder(name), *layers)]
        found = _import_handler(folders)
        assert not [f for f in found["files"] if not f.startswith((*folders, standard))]
        assert any(f.startswith(folders[0]) for f in found["files"])


def test_litellm_is_imported_at_startup_only_if_the_stage_needs_it(
    stage: Stage,
) -> None:
    layers = (
        bundle_code(stage, Path("layers/core")),
        *(bundle_wheels(stage, r) for r in (DEPENDENCIES, LITELLM)),
    )
    folders = ["functions/router", *(f"{layer}/python" for layer in layers)]
    assert _import_handler(folders, preload_environment(stage))["litellm"] is False
    foreign = preload_environment(stage_with(f"{PROVIDER}/some-model"))
    assert _import_handler(folders, foreign)["litellm"] is True


def _import_handler(folders: list[str], variables: dict[str, str] | None = None) -> dict[str, Any]:
    command = [str(BASE_PYTHON), "-I", "-S", "-c", IMPORT_HANDLER, json.dumps(folders)]
    environment = {"AWS_DEFAULT_REGION": "eu-west-1", "POWERTOOLS_METRICS_NAMESPACE": "test"}
    environment |= variables or {}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_litellm_answers_from_its_layer_when_only_tmp_is_writable(tmp_path: Path) -> None:
    """The router's own handler, with its key from the secret, under Lambda's limits."""
    command = in_a_function(str(ROOT / "tests/bench/cold.py"))
    limited = [str(BASE_PYTHON), "-I", "-S", sandbox.__file__, "2048", str(tmp_path), *command]
    with running_stand_ins(PROVIDER) as environment:
        # A long deadline, so that a busy machine does not fail this; the benchmark measures time.
        config = json.loads(environment["ROUTE_SWITCH_CONFIG"]) | {"request_deadline_s": 300}
        changed = {
            "ROUTE_SWITCH_CONFIG": json.dumps(config),
            "HOME": "/home/sbx_user1051",  # Lambda's HOME, which does not exist there either
            "TMPDIR": str(tmp_path),
        }
        done = subprocess.run(limited, env=environment | changed, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cost map" not in done.stderr  # LiteLLM would have fetched prices from the network


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
@pytest.mark.parametrize(("requirements", "one"), [(DEPENDENCIES, "boto3"), (LITELLM, "litellm")])
def test_a_layers_lock_resolves_to_wheels(
    requirements: Path, one: str, architecture: str, tmp_path: Path
) -> None:
    platform = ("--python-version", "3.14", "--python-platform", _PLATFORMS[architecture])
    command = [find_uv_bin(), "pip", "install", "--dry-run", "--target", str(tmp_path), *platform]
    lock = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements))
    done = subprocess.run([*command, *lock], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"+ {one}==" in done.stderr, done.stderr


def test_litellms_layer_repeats_no_package_of_the_dependencies() -> None:
    def pins(file: Path) -> set[str]:
        lines = file.read_text("utf-8").splitlines()
        return {line.split()[0] for line in lines if "==" in line and line[0].isalpha()}

    tested, dependencies, litellm = map(
        pins, (Path(".requirements/dev.txt"), DEPENDENCIES, LITELLM)
    )
    assert litellm <= tested
    names = {pin.split("==")[0] for pin in litellm}
    assert not names & {pin.split("==")[0] for pin in dependencies}
    assert "litellm" in names


def test_a_provider_of_litellm_is_accepted_and_an_unknown_one_rejected() -> None:
    assert stage_with(f"{PROVIDER}/some-model").foreign_providers == {PROVIDER}
    assert stage_with("bedrock/some-model").foreign_providers == frozenset()
    with pytest.raises(ConfigurationError, match="unknown provider 'nowhere'"):
        stage_with("nowhere/some-model")


def function_hash(stage: Stage) -> str:
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Stack")
    PythonFunction(
        stack,
        "Router",
        stage=stage,
        folder="router",
        timeout=Duration.seconds(3),
        layers=(),
        environment={},
    )
    resources = app.synth().get_stack_by_name("Stack").template["Resources"].values()
    (function,) = (r for r in resources if r["Type"] == "AWS::Lambda::Function")
    return str(function["Properties"]["Code"]["S3Key"])


def touch(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write(content)


def test_only_its_code_changes_a_functions_hash(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("functions/router", tmp_path / "router")
    monkeypatch.setattr(infra.function, "FUNCTIONS", tmp_path)
    before = function_hash(stage)
    for name in ("README.md", "__pycache__/handler.pyc", "handler.pyc", "../README.md"):
        touch(tmp_path / "router" / name, "Read me.\n")
    assert function_hash(stage) == before
    touch(tmp_path / "router/handler.py", "# changed\n")
    assert function_hash(stage) != before


@pytest.mark.parametrize("layer", ["core", "offline"])
def test_only_its_code_changes_a_layers_digest(layer: str, stage: Stage, tmp_path: Path) -> None:
    shutil.copytree(Path("layers") / layer, tmp_path / layer)
    before = bundle_code(stage, tmp_path / layer).name
    assert before == bundle_code(stage, Path("layers") / layer).name
    for name in (
        *("README.md", "tests/test_it.py", "requirements.txt", "learn.py"),
        *("python/__pycache__/x.pyc", "python/x.pyc", "python/route_switch/cli/main.py"),
    ):
        touch(tmp_path / layer / name, "# changed\n")
    assert bundle_code(stage, tmp_path / layer).name == before
    touch(next((tmp_path / layer / "python").glob("*/__init__.py")), "# changed\n")
    assert bundle_code(stage, tmp_path / layer).name != before
