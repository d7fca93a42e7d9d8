"""`make up` finds real models, says which, and sends the key nowhere else."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.prices import with_prices
from infra.stage import load_stage
from local import real_models
from local.aws.errors import LocalStackError
from local.real_models import Models, find_models
from tests.support.get_server import GetServer, serving

KEY = "sk-only-for-the-base-url"
Address = tuple[str, int]


@pytest.fixture
def nothing() -> Iterator[Address]:
    """An address where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


def ollama(*models: dict[str, Any]) -> dict[str, Any]:
    return {"/api/tags": {"models": list(models)}}


def model(name: str, gigabytes: float, family: str = "llama", **more: str) -> dict[str, Any]:
    return {"name": name, "size": int(gigabytes * 1e9), "details": {"family": family}, **more}


def llama_cpp(owner: str = "llamacpp") -> dict[str, Any]:
    served = {"id": "qwen3-4b-q4.gguf", "object": "model", "owned_by": owner}
    return {"/v1/models": {"object": "list", "data": [served]}}


def listing(*names: str) -> dict[str, Any]:
    return {"/v1/models": {"object": "list", "data": [{"id": name} for name in names]}}


def tiers_of(found: Models) -> list[str]:
    assert found.settings is not None
    return [tier["model"] for tier in found.settings["models"]["tiers"].values()]


def test_without_any_model_the_recordings_are_replayed_and_the_next_step_is_named(
    nothing: Address,
) -> None:
    found = find_models({}, nothing, nothing)
    assert (found.profile, found.settings) == ("offline", None)
    assert "OPENAI_API_KEY" in found.said
    assert "Ollama" in found.said


def test_probing_a_machine_without_servers_is_quick(nothing: Address) -> None:
    began = time.process_time()  # refused connections take no other time
    find_models({}, nothing, nothing)
    assert time.process_time() - began < 0.3


def test_a_server_that_accepts_and_says_nothing_does_not_hold_up_the_start(
    nothing: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_models, "PROBE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = find_models({}, nothing, silent.getsockname())
    assert found.profile == "offline"


def test_a_key_alone_means_openai_and_nothing_is_probed() -> None:
    with serving(ollama(model("llama3.2:3b", 2))) as server:
        found = find_models({"OPENAI_API_KEY": KEY}, server.address, server.address)
    assert (found.profile, found.settings) == ("openai", None)
    assert "costs money" in found.said
    assert server.requests == []
    assert KEY not in found.said


def test_ollamas_models_are_spread_over_the_tiers_by_size_and_are_free(nothing: Address) -> None:
    models = [model("qwen3:32b", 20), model("llama3.2:1b", 1.3), model("qwen3:8b", 5)]
    with serving(ollama(*models)) as server:
        found = find_models({}, server.address, nothing)
    assert tiers_of(found) == ["openai/llama3.2:1b", "openai/qwen3:8b", "openai/qwen3:32b"]
    assert found.settings is not None
    assert found.settings["models"]["router"] == "openai/llama3.2:1b"
    assert found.settings["openai_base_url"] == server.url
    assert "Tier 3 is qwen3:32b" in found.said
    assert all("authorization" not in map(str.lower, headers) for _, headers in server.requests)


def test_with_one_local_model_all_tiers_and_the_router_use_it_and_a_note_says_so(
    nothing: Address,
) -> None:
    with serving(ollama(model("llama3.2:3b", 2))) as server:
        found = find_models({}, server.address, nothing)
    assert {*tiers_of(found)} == {"openai/llama3.2:3b"}
    assert "The router and all tiers use the only model, llama3.2:3b." in found.said


def test_embedding_models_and_models_in_a_cloud_are_not_used(nothing: Address) -> None:
    models = [
        model("nomic-embed-text:latest", 0.3),
        model("all-minilm:latest", 0.1, family="bert"),
        model("gpt-oss:120b-cloud", 0, remote_host="https://ollama.com"),
        model("llama3.2:3b", 2),
    ]
    with serving(ollama(*models)) as server:
        found = find_models({}, server.address, nothing)
    assert {*tiers_of(found)} == {"openai/llama3.2:3b"}


def test_ollama_without_a_model_is_mentioned_with_the_command_that_gets_one(
    nothing: Address,
) -> None:
    with serving(ollama()) as server:
        found = find_models({}, server.address, nothing)
    assert found.profile == "offline"
    assert "ollama pull" in found.said


def test_a_llama_cpp_server_is_found(nothing: Address) -> None:
    with serving(llama_cpp()) as server:
        found = find_models({}, nothing, server.address)
    assert {*tiers_of(found)} == {"openai/qwen3-4b-q4.gguf"}
    assert found.said.startswith(f"llama.cpp answers at {server.url}.")


@pytest.mark.parametrize(
    "answers", [llama_cpp(owner="vllm"), {"/v1/models": ["odd"]}, {"/v1/models": "hello"}, {}]
)
def test_another_program_on_llama_cpps_port_is_left_alone(
    answers: dict[str, Any], nothing: Address
) -> None:
    with serving(answers) as server:
        found = find_models({}, nothing, server.address)
    assert found.profile == "offline"


def test_the_environment_chooses_models_of_a_found_server(nothing: Address) -> None:
    with serving(ollama(model("a:1b", 1), model("b:9b", 9))) as server:
        chosen = {"TIER_1_MODEL": "openai/b:9b", "ROUTER_MODEL": "b:9b"}
        found = find_models(chosen, server.address, nothing)
    assert tiers_of(found) == ["openai/b:9b", "openai/b:9b", "openai/b:9b"]
    assert found.settings is not None
    assert found.settings["models"]["router"] == "openai/b:9b"


def at(server: GetServer, **more: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY, **more}


def test_a_base_url_gets_the_key_and_its_only_model_is_used() -> None:
    with serving(listing("my-vllm-model")) as server:
        found = find_models(at(server))
    assert {*tiers_of(found)} == {"openai/my-vllm-model"}
    [(path, headers)] = server.requests
    assert (path, headers["authorization"]) == ("/v1/models", f"Bearer {KEY}")


def test_a_base_url_that_serves_openais_models_keeps_the_openai_profile() -> None:
    with serving(listing("gpt-4.1", "gpt-4.1-mini", "gpt-4o-mini", "other")) as server:
        assert find_models(at(server)).profile == "openai"


def test_a_base_url_that_keeps_no_list_keeps_the_openai_profile() -> None:
    with serving({}) as server:
        assert find_models(at(server)).profile == "openai"


def test_several_models_of_unknown_size_must_be_chosen_by_the_user() -> None:
    with serving(listing("alpha", "beta")) as server:
        with pytest.raises(LocalStackError, match=r"alpha, beta.*TIER_1_MODEL") as error:
            find_models(at(server))
        assert str(error.value).endswith(
            "\nTIER_1_MODEL=alpha TIER_2_MODEL=beta TIER_3_MODEL=beta ROUTER_MODEL=alpha make up"
        )
        names = {f"TIER_{n}_MODEL": "alpha" for n in (1, 2, 3)} | {"ROUTER_MODEL": "beta"}
        assert {*tiers_of(find_models(at(server, **names)))} == {"openai/alpha"}


def test_models_with_a_list_price_are_spread_over_the_tiers_by_price() -> None:
    known = ("o3", "gpt-5.2", "gpt-4.1", "gpt-4.1-nano", "gpt-4.1-mini")
    with serving(listing("alpha", *known, "text-embedding-3-small", "o1-pro")) as server:
        found = find_models(at(server))
    assert tiers_of(found) == ["openai/gpt-4.1-nano", "openai/gpt-4.1", "openai/gpt-5.2"]
    assert "the router is gpt-4.1-nano. They may cost money." in found.said


@pytest.mark.parametrize("url", ["localhost:18432/v1", "ftp://localhost:18432/v1"])
def test_a_base_url_without_http_is_refused_with_what_it_lacks(url: str) -> None:
    with pytest.raises(LocalStackError, match=r"scheme.* http://localhost:18432/v1$"):
        find_models({"OPENAI_BASE_URL": url})


def test_ollama_at_the_base_url_reports_the_sizes() -> None:
    answers = listing("big", "small") | ollama(model("big", 9), model("small", 1))
    with serving(answers) as server:
        found = find_models(at(server))
    assert tiers_of(found) == ["openai/small", "openai/big", "openai/big"]
    assert [h for path, h in server.requests if path == "/api/tags" and KEY in str(h)] == []


def test_a_redirect_does_not_take_the_key_elsewhere() -> None:
    with serving(listing("elsewhere")) as other:
        with serving({"/v1/models": (302, {"Location": f"{other.url}/models"})}) as server:
            find_models(at(server))
        assert other.requests == []


def test_a_base_url_without_a_server_is_an_error_that_says_so(nothing: Address) -> None:
    url = f"http://{nothing[0]}:{nothing[1]}/v1"
    with pytest.raises(LocalStackError, match=r"no server answers.*PROFILE=offline"):
        find_models({"OPENAI_BASE_URL": url})


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_error_without_the_key(status: int) -> None:
    with (
        serving({"/v1/models": (status, {})}) as server,
        pytest.raises(LocalStackError, match="refuses the key") as refused,
    ):
        find_models(at(server))
    assert KEY not in str(refused.value)


def prices(found: Models) -> dict[str, Any]:
    """Return the prices that the synthesized stage would have."""
    context = json.loads(Path("cdk.json").read_text("utf-8"))["context"]
    environment = found.environment({})
    context["profiles"] |= json.loads(environment["CDK_CONTEXT_JSON"])["profiles"]
    models, _ = with_prices(load_stage(context, "local", environment).router.models)
    return {name: price.input_usd_per_million for name, price in models.prices.items()}


def test_models_of_this_machine_are_free_and_other_unknown_prices_stay_unknown(
    nothing: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(ollama(model("llama3.2:3b", 2))) as server:
        assert prices(find_models({}, server.address, nothing)) == {"openai/llama3.2:3b": 0}
    with serving(listing("my-vllm-model")) as server:
        assert prices(find_models(at(server))) == {"openai/my-vllm-model": 0}
        monkeypatch.setattr(real_models, "LOOPBACK", frozenset())  # as if it were far away
        assert prices(find_models(at(server))) == {}


def test_a_listed_price_of_a_server_on_this_machine_holds() -> None:
    """A proxy such as LiteLLM's passes calls on to a provider that charges."""
    with serving(listing("gpt-4o-mini")) as server:
        assert prices(find_models(at(server)))["openai/gpt-4o-mini"] > 0


@pytest.mark.parametrize(
    ("target", "given", "profile"),
    [
        ("up", {}, "auto"),
        ("up", {"PROFILE": "offline"}, "offline"),
        ("demo", {}, "offline"),
        ("weekly", {}, "offline"),
        ("test", {}, "offline"),
    ],
)
def test_only_make_up_looks_for_models(target: str, given: dict[str, str], profile: str) -> None:
    recipe = "@echo $(if $(filter up,$(T)),$(UP_PROFILE),$(ROUTE_SWITCH_PROFILE))"
    printed = subprocess.run(
        ["make", "-s", "-f", "-", "shown", f"T={target}"],
        input=Path("Makefile").read_text("utf-8") + f"\nshown:\n\t{recipe}\n",
        env={"PATH": os.environ["PATH"], "OPENAI_API_KEY": KEY, **given},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == profile
