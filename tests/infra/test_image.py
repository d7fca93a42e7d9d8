"""The optimizer's container image: its content, and what changes its hash."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from uv import find_uv_bin

from infra.base_image import newest_digest, pinned_image
from infra.bundle import _PLATFORMS
from local.aws.emulator import BASE_PYTHON
from local.aws.image import build, read_copy, read_dockerfile
from tests.infra.conftest import Synthesized

FOLDER = Path("functions/optimizer")
DOCKERFILE, REQUIREMENTS = FOLDER / "Dockerfile", FOLDER / "requirements.txt"
OWN_CODE = ("layers/core/python/route_switch/", "layers/offline/python/route_switch_offline/")
HEAVY = {"dspy", "optuna", "litellm"}
IMPORT_HANDLER = "import sys; sys.path[:0] = sys.argv[1:]; import handler; handler.lambda_handler"


def image_source(stage: Synthesized) -> dict[str, Any]:
    assets = json.loads((stage.folder / f"{stage.stack}.assets.json").read_text())
    (image,) = assets["dockerImages"].values()
    source: dict[str, Any] = image["source"]
    assert source["dockerFile"] == str(DOCKERFILE)
    return source


def image_context(stage: Synthesized) -> Path:
    return stage.folder / str(image_source(stage)["directory"])


def files_below(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]


def test_the_build_context_holds_the_images_files_and_nothing_else(local: Synthesized) -> None:
    files = {name for name in files_below(image_context(local)) if not name.startswith(OWN_CODE)}
    names = ("Dockerfile", "handler.py", "requirements.txt")
    assert files == {".dockerignore", *(str(FOLDER / name) for name in names)}


def test_the_build_context_holds_no_tests_documents_or_bytecode(local: Synthesized) -> None:
    names = files_below(image_context(local))
    assert not [name for name in names if "test" in name or "README" in name or "/cli/" in name]
    assert not [name for name in names if name.endswith(".pyc")]


def test_every_copied_file_is_in_the_build_context(local: Synthesized) -> None:
    context = image_context(local)
    copies = [
        read_copy(DOCKERFILE, rest)[0]
        for instruction, rest in read_dockerfile(context / DOCKERFILE)
        if instruction == "COPY"
    ]
    assert len(copies) == 4
    assert all((context / source).exists() for source in copies)


def test_the_image_imports_its_handler_only_from_its_own_folders(
    local: Synthesized, tmp_path: Path
) -> None:
    image = build(image_context(local), image_source(local), tmp_path)
    folders = (str(image.root), str(image.packages() / "python"))
    alone = [str(BASE_PYTHON), "-I", "-S", "-c", IMPORT_HANDLER, *folders]
    done = subprocess.run(alone, env=dict(image.variables), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Copy the files that the build context is taken from, to change them."""
    for name in (".dockerignore", "README.md", "Makefile", "functions", "layers"):
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        copy(name, tmp_path / name)
    return tmp_path


def asset_hash(context: Path) -> str:
    stack = Stack(App(), "Stack")  # a new app each time: within one, the CDK caches the hash
    file = str(DOCKERFILE)
    return ecr_assets.DockerImageAsset(stack, "Image", directory=str(context), file=file).asset_hash


def write(context: Path, name: str) -> None:
    target = context / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a") as file:
        file.write("# changed\n")


def test_files_outside_the_image_do_not_change_its_hash(context: Path) -> None:
    before = asset_hash(context)
    for name in (
        *("README.md", "Makefile", "docs/new.md", "tests/unit/test_new.py", "cdk.out/new.json"),
        *(".venv/lib/new.py", ".build/layers/new.py", "functions/router/handler.py"),
        *("layers/core/README.md", "layers/core/python/route_switch/cli/main.py"),
        "layers/core/python/route_switch/__pycache__/settings.pyc",
        "functions/optimizer/README.md",
    ):
        write(context, name)
    assert asset_hash(context) == before


@pytest.mark.parametrize(
    "name",
    [
        "functions/optimizer/Dockerfile",
        "functions/optimizer/handler.py",
        "functions/optimizer/requirements.txt",
        "layers/core/python/route_switch/optimizer/learning_steps.py",
        "layers/offline/python/route_switch_offline/__init__.py",
    ],
)
def test_files_in_the_image_change_its_hash(name: str, context: Path) -> None:
    before = asset_hash(context)
    write(context, name)
    assert asset_hash(context) != before


def test_prods_image_is_built_for_its_python_and_processor(prod: Synthesized) -> None:
    function = prod.function("LearningOptimizer")
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
    source = image_source(prod)
    assert source["platform"] == "linux/arm64"
    image = pinned_image("3.14")
    pinned = {} if image is None else {"BASE_IMAGE": image}
    assert source["dockerBuildArgs"] == {"PYTHON_VERSION": "3.14", **pinned}
    report = (prod.folder / "validation-report.json").read_text("utf-8")
    assert ("base image is a tag" in report) is (image is None)


def test_the_base_image_is_named_by_its_locked_digest(tmp_path: Path) -> None:
    digests = tmp_path / "digests.json"
    assert pinned_image("3.14", digests) is None
    digests.write_text('{"3.14": "sha256:abc"}')
    assert pinned_image("3.14", digests) == "public.ecr.aws/lambda/python:3.14@sha256:abc"
    assert pinned_image("3.13", digests) is None


def test_the_registry_is_asked_for_the_digest_of_all_processors() -> None:
    def registry(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token/":
            return httpx.Response(200, json={"token": "t"})
        assert request.url.path == "/v2/lambda/python/manifests/3.14"
        assert request.headers["authorization"] == "Bearer t"
        assert "image.index" in request.headers["accept"]
        return httpx.Response(200, headers={"docker-content-digest": "sha256:abc"})

    with httpx.Client(transport=httpx.MockTransport(registry)) as client:
        assert newest_digest("3.14", client) == "sha256:abc"


def test_another_digest_is_another_image(local: Synthesized, tmp_path: Path) -> None:
    def hash_with(digest: str) -> str:
        stack = Stack(App(), "Stack")
        return ecr_assets.DockerImageAsset(
            stack,
            "Image",
            directory=str(image_context(local)),
            file=str(DOCKERFILE),
            build_args={"BASE_IMAGE": digest},
        ).asset_hash

    assert hash_with("sha256:abc") != hash_with("sha256:def")


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_lock_resolves_to_wheels(architecture: str, tmp_path: Path) -> None:
    platform = ("--python-version", "3.14", "--python-platform", _PLATFORMS[architecture])
    command = [find_uv_bin(), "pip", "install", "--dry-run", "--target", str(tmp_path), *platform]
    lock = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(REQUIREMENTS))
    done = subprocess.run([*command, *lock], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(f"+ {package}==" in done.stderr for package in HEAVY)


def test_the_lock_has_the_tested_versions_and_no_addresses() -> None:
    def pins(file: Path) -> set[str]:
        lines = file.read_text("utf-8").splitlines()
        return {line.split()[0] for line in lines if "==" in line and line[0].isalpha()}

    assert pins(REQUIREMENTS) <= pins(Path(".requirements/dev.txt"))
    assert "://" not in REQUIREMENTS.read_text("utf-8")


@pytest.mark.parametrize("name", ["prod", "local"])
def test_no_other_function_contains_the_learning_libraries(
    name: str, request: pytest.FixtureRequest
) -> None:
    stage: Synthesized = request.getfixturevalue(name)
    zipped = [
        logical_id
        for logical_id, function in stage.resources("AWS::Lambda::Function").items()
        if function["Properties"].get("PackageType") != "Image"
    ]
    assert len(zipped) >= 2
    for logical_id in zipped:
        for folder in stage.layer_folders(logical_id):
            found = {item.name for item in (folder / "python").iterdir()}
            assert found  # an unreadable layer would hide packages
            assert not found & HEAVY
