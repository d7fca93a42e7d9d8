"""The layers that functions get: all that they import, and nothing heavy."""

from tests.infra.conftest import Synthesized


def test_the_offline_layers_are_attached_only_if_a_stage_needs_them(
    prod: Synthesized, local: Synthesized
) -> None:
    assert _packages(prod, "Router") == _packages(prod, "Setup") == _packages(local, "Setup")
    assert _packages(local, "Router") > _packages(prod, "Router") | {"route_switch_offline"}


def test_prods_layers_contain_no_heavy_packages(prod: Synthesized) -> None:
    packages = _packages(prod, "Router")
    assert {"route_switch", "boto3", "httpx", "pydantic"} <= packages
    assert not packages & {"litellm", "dspy", "optuna", "numpy", "onnxruntime", "openai"}


def test_prods_wheels_are_for_its_platform(prod: Synthesized) -> None:
    router = prod.function("Router")
    assert (router["Runtime"], router["Architectures"]) == ("python3.14", ["arm64"])
    libraries = [f.name for folder in prod.layer_folders("Router") for f in folder.rglob("*.so")]
    assert libraries
    assert all("cpython-314-aarch64" in name for name in libraries)


def test_the_core_layer_does_not_contain_the_command_line(prod: Synthesized) -> None:
    (core,) = [f for f in prod.layer_folders("Router") if (f / "python/route_switch").exists()]
    assert (core / "python/route_switch/data/hand_written.md").exists()
    assert not (core / "python/route_switch/cli").exists()


def _packages(stage: Synthesized, function: str) -> set[str]:
    folders = stage.layer_folders(function)
    return {
        item.name
        for folder in folders
        for item in (folder / "python").iterdir()
        if (item / "__init__.py").exists()
    }
