"""docs/metrics.md: every metric and every alarm, from the modules that declare them."""

from collections.abc import Mapping

from docs.generate.markdown import page, table
from infra.alarm_specs import alarm_specs
from infra.app import read_context
from infra.metric_names import BY_SERVICE, CIRCUITS, MODEL, RUNS
from infra.stage import load_stage
from route_switch.domain.learning.learning_run import RunOutcome

INTRODUCTION = """\
# Metrics and alarms

Functions emit these CloudWatch metrics into the namespace `RouteSwitch/<stage>`. A metric costs
0.30 USD in a month in which it gets data every hour; the dashboard shows how many a stage has. No
metric has an API key as a dimension: figures by key are counters in DynamoDB
(`GET /v1/costs?group_by=key`)."""

STREAMS = """\
Time to the first token and stream errors by model (`first_token_ms`, `stream_errors`) are on the
dashboard. `broken-streams` watches all models together: AWS charges an alarm for each metric that
it reads, so alarms by model would cost that for every model
([streaming.md](streaming.md#what-watches-it))."""


def metrics_page() -> str:
    sections = [_section(f"`service` = `{name}`", found) for name, found in BY_SERVICE.items()]
    outcomes = ", ".join(f"`{outcome}`" for outcome in RunOutcome)
    return page(
        INTRODUCTION,
        "## Metrics",
        *sections,
        _section("`service` = `router`, and `model`", {**MODEL, **CIRCUITS}),
        _section(f"`service` = `learning`, and `outcome`: {outcomes}", RUNS),
        "## Alarms",
        "The alarms of the stage `prod`, each with a link to what to do:",
        _alarms(),
        STREAMS,
    )


def _alarms() -> str:
    specs = alarm_specs(load_stage(read_context({}), "prod", {}))
    rows = [
        (
            f"[{spec.name}](runbook.md#{spec.name})",
            spec.description,
            ", ".join(f"`{name}`" for name in dict.fromkeys(spec.metrics)),
        )
        for spec in specs
    ]
    return table(("alarm", "when it fires", "metrics"), rows)


def _section(dimensions: str, metrics: Mapping[str, str]) -> str:
    rows = [(f"`{name}`", meaning, _unit(name)) for name, meaning in metrics.items()]
    return f"Dimension {dimensions}:\n\n{table(('metric', 'meaning', 'unit'), rows)}"


def _unit(name: str) -> str:
    if name.endswith("_usd"):
        return "USD"
    if name.endswith("_ms"):
        return "ms"
    if name.endswith(("_score", "_quality", "_distance")) or name.startswith("heldout_quality"):
        return "0 to 1"
    return "version" if name == "prompt_version" else "count"
