"""Find real models for `make up`: those that the environment names, or a server on this machine.

Nothing but `OPENAI_BASE_URL` (or OpenAI, if only the key is set) ever sees the key.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

from local.aws.errors import LocalStackError
from local.loopback_http import Address, get_json
from local.model_list import Listing, listed_models

OLLAMA: Address = ("127.0.0.1", 11434)
LLAMA_CPP: Address = ("127.0.0.1", 8080)
PROBE_S = 1.0
"""Time for both servers to answer. Where nothing listens, the probes end at once."""
PROFILE = "found"
"""Name of the profile that is generated for found models, in the CDK context."""
TIERS = ("1", "2", "3")
VARIABLES = {"router": "ROUTER_MODEL", **{tier: f"TIER_{tier}_MODEL" for tier in TIERS}}
OPENAI_DEFAULTS = ("gpt-4o-mini", "gpt-4.1-mini", "gpt-4.1")
"""The models of the profile `openai` in cdk.json."""
FREE = {"input_usd_per_million": 0, "output_usd_per_million": 0}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CHOOSE = "Set TIER_1_MODEL, TIER_2_MODEL, TIER_3_MODEL and ROUTER_MODEL"
Json = dict[str, Any]


@dataclass(frozen=True)
class Models:
    """The profile to deploy. `said` tells the user what was found."""

    profile: str
    said: str
    settings: Json | None = None
    """The profile's content, if cdk.json does not have it."""

    def environment(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that make the synthesis and the stack use the profile."""
        chosen = {"ROUTE_SWITCH_PROFILE": self.profile}
        if self.settings is None:
            return chosen
        context = json.loads(before.get("CDK_CONTEXT_JSON", "{}"))
        context["profiles"] = {**context.get("profiles", {}), self.profile: self.settings}
        return {**chosen, "CDK_CONTEXT_JSON": json.dumps(context)}


def find_models(
    environment: Mapping[str, str], ollama: Address = OLLAMA, llama_cpp: Address = LLAMA_CPP
) -> Models:
    """Return what `make up` uses. Raise `LocalStackError` if a named server cannot be used."""
    if url := environment.get("OPENAI_BASE_URL"):
        check_scheme(url)
        return at_base_url(url.rstrip("/"), environment)
    if environment.get("OPENAI_API_KEY"):
        return Models(
            "openai",
            "OPENAI_API_KEY is set, so OpenAI answers, which costs money. PROFILE=offline replays "
            "recorded answers instead.",
        )
    with_ollama, with_llama_cpp = probe(ollama, llama_cpp)
    found = [each for each in (with_ollama, with_llama_cpp) if each is not None]
    for listing in found:
        if listing.names:
            return on_this_machine(listing, environment)
    empty = "".join(f" {each.server} runs, but has no model: {each.remedy}." for each in found)
    return Models(
        "offline",
        f"No real model was found, so recorded answers are replayed.{empty} To use a real model, "
        "set OPENAI_API_KEY or OPENAI_BASE_URL, or start Ollama or llama.cpp's server.",
    )


def check_scheme(url: str) -> None:
    if not url.lower().startswith(("http://", "https://")):
        raise LocalStackError(
            f"OPENAI_BASE_URL is {url}, which lacks the scheme. Set it to a whole address, for "
            f"example http://{url.rpartition('://')[2]}"
        )


def probe(ollama: Address, llama_cpp: Address) -> list[Listing | None]:
    """Ask both servers at the same time; None means that there is no such server."""
    asks = (partial(ollama_models, ollama), partial(llama_cpp_models, llama_cpp))
    answers: list[Listing | None] = [None, None]

    def ask(place: int) -> None:
        answers[place] = asks[place]()

    # Daemons: a server that never finishes its answer must not keep this process.
    threads = [threading.Thread(target=ask, args=[place], daemon=True) for place in (0, 1)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PROBE_S
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    return [*answers]


def ollama_models(address: Address) -> Listing | None:
    """Return Ollama's own chat models, smallest first. Leave out those that Ollama has in a cloud:
    they are neither free nor on this machine."""
    body = get_json(address, "/api/tags", PROBE_S)
    models = body.get("models") if isinstance(body, dict) else None
    if not isinstance(models, list):
        return None
    usable = [each for each in models if isinstance(each, dict) and is_local_chat_model(each)]
    usable.sort(key=lambda each: (each.get("size", 0), each["name"]))
    names = tuple(str(each["name"]) for each in usable)
    return Listing("Ollama", url_of(address), names, "run 'ollama pull llama3.2'")


def is_local_chat_model(model: Json) -> bool:
    name, details = str(model.get("name", "")), model.get("details") or {}
    remote = "remote_host" in model or name.endswith(("-cloud", ":cloud"))
    return bool(name) and not remote and "embed" not in name and "bert" not in str(details)


def llama_cpp_models(address: Address) -> Listing | None:
    """Return the models of llama.cpp's server. Another program may well use its port."""
    body = get_json(address, "/v1/models", PROBE_S)
    models = body.get("data") if isinstance(body, dict) else None
    if not isinstance(models, list) or not all(isinstance(each, dict) for each in models):
        return None
    names = tuple(str(each["id"]) for each in models if each.get("owned_by") == "llamacpp")
    return Listing("llama.cpp", url_of(address), names, "start it with -m") if names else None


def url_of(address: Address) -> str:
    return f"http://{address[0]}:{address[1]}/v1"


def on_this_machine(listing: Listing, environment: Mapping[str, str]) -> Models:
    chosen = by_size(listing.names) | named(environment)
    return Models(
        PROFILE,
        f"{listing.server} answers at {listing.url}. {told(chosen)} They are free. "
        "PROFILE=offline replays recorded answers instead.",
        settings(listing.url, chosen, free=set(chosen.values())),
    )


def at_base_url(url: str, environment: Mapping[str, str]) -> Models:
    """Choose from the models that the server lists."""
    own = named(environment)
    listing = listed_models(url, environment.get("OPENAI_API_KEY"))
    names = () if listing is None else listing
    if len(own) < len(VARIABLES) and names and not {*OPENAI_DEFAULTS} <= {*names}:
        own = by_size(several_to_choose_from(url, names)) | own
    elif len(own) < len(VARIABLES):
        return Models("openai", f"OPENAI_BASE_URL is set, so {url} answers. It may cost money.")
    free = unlisted(own) if urlsplit(url).hostname in LOOPBACK else set()
    said = f"OPENAI_BASE_URL is set, so {url} answers. {told(own)}"
    cost = "They are free." if free >= {*own.values()} else "They may cost money."
    return Models(PROFILE, f"{said} {cost}", settings(url, own, free))


def several_to_choose_from(url: str, names: Sequence[str]) -> Sequence[str]:
    """Return the models by size or, if sizes are unknown, those with a list price by price. Raise
    `LocalStackError` if neither is known."""
    if len(names) == 1:
        return names
    at = urlsplit(url)
    if at.hostname in LOOPBACK and at.port is not None:
        ollama = ollama_models((at.hostname, at.port))
        if ollama is not None and ollama.names:
            return ollama.names
    priced = by_price(names)
    if len(priced) > 1:
        return priced
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise LocalStackError(
        f"{url} (OPENAI_BASE_URL) serves {len(names)} models, and neither their sizes nor their "
        f"prices are known: {shown}. {CHOOSE}, for example:\n{line_to_paste(names)}"
    )


def by_price(names: Sequence[str]) -> Sequence[str]:
    """Return the chat models that the price list has, the cheapest output first."""
    from route_switch.adapters.models.litellm_catalog import is_listed_chat_model, list_price

    listed = [
        (price.output_usd_per_million, price.input_usd_per_million, name)
        for name in names
        if is_listed_chat_model(f"openai/{name}") and (price := list_price(f"openai/{name}"))
    ]
    return [name for _, _, name in sorted(listed)]


def line_to_paste(names: Sequence[str]) -> str:
    chosen = by_size(names)
    variables = (f"{VARIABLES[role]}={quote(chosen[role])}" for role in (*TIERS, "router"))
    return f"{' '.join(variables)} make up"


def named(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the models that the environment chooses."""
    return {
        role: environment[variable].removeprefix("openai/")
        for role, variable in VARIABLES.items()
        if environment.get(variable)
    }


def by_size(names: Sequence[str]) -> dict[str, str]:
    """Spread models, smallest first, over the tiers. The smallest is the router."""
    places = (0, len(names) // 2, len(names) - 1)
    tiers = {tier: names[place] for tier, place in zip(TIERS, places, strict=True)}
    return {"router": names[0], **tiers}


def settings(url: str, chosen: Mapping[str, str], free: set[str]) -> Json:
    """Return a profile for cdk.json. Without a price here, the price list's holds, if any."""
    tiers = {tier: {"model": f"openai/{chosen[tier]}"} for tier in TIERS}
    models: Json = {"tiers": tiers, "router": f"openai/{chosen['router']}"}
    models["prices"] = {f"openai/{name}": FREE for name in sorted(free)}
    models["tier_3_output_ratio"] = {tier: 1 for tier in "12" if chosen[tier] == chosen["3"]}
    judge = {"judge": f"openai/{chosen['2']}"} if chosen["2"] != chosen["3"] else {}
    prices = {name: FREE for name in judge.values() if name in models["prices"]}
    return {"models": models, "openai_base_url": url, "learning": {**judge, "prices": prices}}


def unlisted(chosen: Mapping[str, str]) -> set[str]:
    """Return the models that no price list has: on this machine, those are free."""
    from route_switch.adapters.models.litellm_catalog import list_price

    return {name for name in chosen.values() if list_price(f"openai/{name}") is None}


def told(chosen: Mapping[str, str]) -> str:
    if len(set(chosen.values())) == 1:
        return f"The router and all tiers use the only model, {chosen['1']}."
    tiers = ", ".join(f"Tier {tier} is {chosen[tier]}" for tier in TIERS)
    return f"{tiers}; the router is {chosen['router']}."
