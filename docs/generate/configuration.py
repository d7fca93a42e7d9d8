"""docs/configuration.md: every field of a stage, from the models that read cdk.json."""

import json
from dataclasses import dataclass
from typing import Any

import typer.main
from pydantic import BaseModel, JsonValue
from typer.core import TyperGroup

from docs.generate.field_docs import field_docs
from docs.generate.markdown import page, table
from infra.stage import Stage
from route_switch.cli.main import app
from route_switch.domain.learning.learning_config import MAX_RUN_HOURS, LearningConfig
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import LongContextRates, Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tier_parameters import TierParameters
from route_switch.domain.tiers import ModelCatalog, TierModels

Json = dict[str, Any]  # a JSON schema
ABOUT_THE_CALL = ("as_json", "stage")
"""Options of `keys create` that say nothing about the key."""

INTRODUCTION = """\
# Configuration

A deployment is a **stage** in `cdk.json`, under `context.stages`: `local`, `dev`, `staging` or
`prod`. A stage names a **profile** (`"profile": "bedrock"`), under `context.profiles`, which holds
the models; a stage without one uses the profile in the environment variable
`ROUTE_SWITCH_PROFILE`, else `offline`. A profile has the fields of [`router`](#router) and an
object [`learning`](#learning); the stage's own `router` and `learning` override them.

```json
{"stages": {"prod": {"region": "eu-central-1", "profile": "bedrock", "retain": true,
                     "router": {"bypass_tokens": 12}, "learning": {"lambda": 0.3}}}}
```

A wrong value stops `make synth` and `make cdk` with the name of the field and the reason. In the
tables, *required* means that there is no default; `null` means "not set"."""

RULES = f"""\
## Rules between fields

- `router.router_timeout_s` is below `router.request_deadline_s`.
- `learning.days` is at most `router.retention_days`: a run cannot learn from deleted requests.
- `learning.approval_hours` plus three steps of `slices` × `slice_s` is at most
  {MAX_RUN_HOURS} hours, so that a weekly run ends before the next one starts.
- `learning.trials` is at least 2 with the optimizer `gepa`.
- Every model's provider has a client: `bedrock`, `openai`, `offline`, `local`, or a provider of
  LiteLLM that needs nothing but a key."""

KEYS = """\
## API keys

Keys are not part of `cdk.json`: `route-switch keys create` creates one with these options. A limit
or budget applies to one key."""

UNITS = {
    "_s": "seconds",
    "_ms": "milliseconds",
    "_hours": "hours",
    "_days": "days",
    "_mb": "MB",
    "_bytes": "bytes",
    "_usd": "USD",
    "_usd_per_million": "USD per million tokens",
    "_tokens": "tokens",
    "temperature": "degrees of randomness",
    "top_p": "share of probability",
    "_per_minute": "per minute",
    "_per_second": "per second",
    "_ratio": "tokens per token",
    "_tier": "tier",
    "_concurrency": "executions",
    "_saving": "share",
    "days": "days",
    "lambda": "quality per cost",
    "judge_floor": "κ",
    "max_quality_loss": "share of answers",
    "max_upgrade_share": "share of requests",
    "no_worse_margin": "score",
    "max_not_understood": "share",
    "burst": "requests",
    "sample": "requests",
    "min_examples": "examples",
    "rounds": "searches",
    "candidates": "prompts",
    "trials": "prompts",
    "demos": "demos",
    "seed": "number",
    "threads": "calls",
    "shards": "workers",
    "slices": "invocations",
}
"""Units of numbers, by the end of the field's name or its whole name; the longest match wins."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table of one model. `leave_out` are fields that the introduction explains."""

    title: str
    model: type[BaseModel]
    leave_out: frozenset[str] = frozenset()


SECTIONS = (
    Section("stage", Stage, frozenset({"name"})),
    Section("router", RouterConfig),
    Section("router.models", ModelCatalog),
    Section("router.models.tiers", TierModels),
    Section("router.models.tiers.params", TierParameters),
    Section("router.models.capabilities", Capabilities),
    Section("prices", Price),
    Section("prices.long_context", LongContextRates),
    Section("learning", LearningConfig),
)
LINKS = {
    each.model.__name__: f"[{each.title}](#{each.title.replace('.', '')})" for each in SECTIONS
}


class UndocumentedFieldError(Exception):
    """A field has no docstring, or a number has no unit."""


def configuration_page() -> str:
    sections = (f"## {each.title}\n\n{fields_table(each)}" for each in SECTIONS)
    return page(INTRODUCTION, *sections, RULES, KEYS, _key_options())


def fields_table(section: Section) -> str:
    """Return one row per field; raise `UndocumentedFieldError` if one is not explained."""
    schema = section.model.model_json_schema()
    docs = field_docs(section.model)
    required = schema.get("required", [])
    names = {field.alias or name: name for name, field in section.model.model_fields.items()}
    rows = []
    for alias, field in schema["properties"].items():
        if alias in section.leave_out:
            continue
        where = f"{section.model.__name__}.{names[alias]}"
        if names[alias] not in docs:
            raise UndocumentedFieldError(f"{where} has no docstring. Write one below the field.")
        allowed = Allowed(schema.get("$defs", {}))
        default = "*required*" if alias in required else _json(field.get("default", {}))
        cells = (docs[names[alias]], _unit(where, alias, field), default, allowed(field))
        rows.append((f"`{alias}`", *cells))
    return table(("field", "meaning", "unit", "default", "allowed"), rows)


def _json(value: JsonValue) -> str:
    """Return a default as it is written in cdk.json; one of many fields is in its own table."""
    return "" if isinstance(value, dict) and value else f"`{json.dumps(value)}`"


def _unit(where: str, name: str, field: Json) -> str:
    kinds = {each.get("type") for each in (field, *field.get("anyOf", ()))}
    if not kinds & {"integer", "number"}:
        return ""
    endings = [ending for ending in UNITS if name == ending or name.endswith(ending)]
    if not endings:
        raise UndocumentedFieldError(
            f"The unit of {where} is unknown. Add it to UNITS in docs/generate/configuration.py."
        )
    return UNITS[max(endings, key=len)]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The values that a JSON schema allows, in words. `definitions` are the schema's `$defs`."""

    definitions: Json

    def __call__(self, field: Json) -> str:
        if "anyOf" in field:
            return " or ".join(self(option) for option in field["anyOf"])
        if "$ref" in field:
            name = field["$ref"].rpartition("/")[2]
            return LINKS.get(name) or self(self.definitions[name])
        if "enum" in field:
            return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
        return self._by_type(field)

    def _by_type(self, field: Json) -> str:
        match field["type"]:
            case "integer" | "number":
                return _range(field)
            case "boolean":
                return "`true`, `false`"
            case "array":
                return f"list of {self(field['items'])}"
            case "object":
                return self._object(field)
            case "string" if "pattern" in field:
                return f"text like `{field['pattern']}`"
            case "string":
                return str(field.get("format", "text"))
            case kind:
                return f"`{kind}`"

    def _object(self, field: Json) -> str:
        values = field.get("additionalProperties") or next(
            iter(field["patternProperties"].values())
        )
        by = "tier" if "$ref" in field.get("propertyNames", {}) else "model"
        by = "name" if values == {"type": "string"} else by
        return f"object by {by}: {self(values)}"


def _range(field: Json) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    bounds = [f"{sign} {field[name]:,}" for name, sign in signs.items() if name in field]
    return " and ".join(bounds) or "any"


def _key_options() -> str:
    keys = typer.main.get_group(app).commands["keys"]
    assert isinstance(keys, TyperGroup)  # noqa: S101 (it has subcommands)
    options = [each for each in keys.commands["create"].params if each.name not in ABOUT_THE_CALL]
    rows = [
        (f"`{option.opts[0]}`", str(getattr(option, "help", "")), f"`{json.dumps(option.default)}`")
        for option in options
    ]
    return table(("option", "meaning", "default"), rows)
