"""The weekly report on a terminal, and as JSON."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from route_switch.api.costs_answer import costs_body
from route_switch.cli.terminal import say
from route_switch.cli.whole_tables import print_table
from route_switch.dashboard.week.context import AboutReport, about_prompt, days_in_words, opening
from route_switch.dashboard.week.figures import figures_of
from route_switch.dashboard.week.tables import found_by, tables_of
from route_switch.domain.ports import JsonObject
from route_switch.optimizer.report.text_format import ReportTable
from route_switch.services.operations.advise_week import next_steps
from route_switch.services.operations.show_week import MonthBudget, RunOfWeek, WeekReport
from route_switch.services.operations.sum_costs import CostGroup, CostsQuery, CostsReport, GroupBy
from route_switch.services.operations.three_sentences import WeekFigures
from route_switch.services.prompts.describe_versions import VersionOrigin


def print_report(report: WeekReport, context: AboutReport) -> None:
    say(f"{days_in_words(report.figures.first, report.figures.last)} (UTC), stage {context.name}")
    for sentence in opening(report, context):
        say(f"\n{sentence}")
    if context.simulated is not None:
        say(f"\n{context.simulated}")
    steps = next_steps(report, context.stage)
    if steps:
        say("\nWhat to do next")
    for step in steps:
        say(f"- {step}")
    say("")
    for figure in figures_of(report):
        space = "" if figure.mark == "%" else " "
        value = f"{figure.value}{space}{figure.mark}".rstrip()
        say(f"{figure.name:24}{value}{f' ({figure.note})' if figure.note else ''}")
    for name, table in tables_of(report):
        say("")
        print_table(_on_terminal(name, table))
    say("\nThe live prompt")
    for sentence in about_prompt(report):
        say(sentence)


def _on_terminal(name: str, table: ReportTable) -> Table:
    drawn = Table(title=escape(name), title_justify="left", caption=escape(table.caption))
    drawn.caption_justify = "left"
    for number, title in enumerate(table.head):
        drawn.add_column(escape(title), justify="left" if number < table.texts else "right")
    for number, row in enumerate(table.rows):
        style = "bold" if number in table.strong else None
        drawn.add_row(*(escape(cell) if isinstance(cell, str) else "" for cell in row), style=style)
    return drawn


def report_body(report: WeekReport, context: AboutReport) -> JsonObject:
    """Return the report as JSON, with costs in the fields of `GET /v1/costs`."""
    figures, sentences = report.figures, opening(report, context)
    days = _costs(report, "day", (CostGroup(*row) for row in report.days.items()))
    groups = {
        "tiers": _costs(report, "tier", (CostGroup(*row) for row in report.tiers.items())),
        "models": _costs(report, "model", (CostGroup(*row) for row in report.models.items())),
        "keys_of_month": _costs(report, "key", report.keys),
    }
    return {
        "object": "report",
        "stage": context.name,
        **{name: days[name] for name in ("from", "to", "total")},
        "sentences": {
            "money": sentences.money,
            "quality": sentences.quality,
            "prompt": sentences.prompt,
        },
        "next_steps": [*next_steps(report, context.stage)],
        "days": days["data"],
        **{name: body["data"] for name, body in groups.items()},
        "quality": _quality(figures),
        "prompt": _prompt(report),
        "runs": [_run(run) for run in report.runs],
        "budgets": {"month": _budget(report.month), "learning": _budget(report.learning)},
        "simulated": context.simulated,
        "note": days["note"],
    }


def _costs(report: WeekReport, group_by: GroupBy, rows: Iterable[CostGroup]) -> JsonObject:
    query = CostsQuery(report.figures.first, report.figures.last, group_by)
    return costs_body(CostsReport(query, report.figures.costs, tuple(rows)))


def _quality(figures: WeekFigures) -> JsonObject:
    found, people = figures.measured, figures.people
    measured: JsonObject | None = None
    if found is not None:
        measured = {
            "no_worse_than_tier_3": round(1 - found.share, 4),
            "low": round(1 - found.high, 4),
            "high": round(1 - found.low, 4),
            "n": found.rows,
            "run": found.run,
        }
    rated: JsonObject | None = {"mean": round(people.mean, 4), "n": people.n} if people.n else None
    return {"measured": measured, "people": rated}


def _prompt(report: WeekReport) -> JsonObject:
    steering = report.steering
    return {
        "live_version": report.figures.live,
        "promise": report.promise,
        "steering": None if steering is None else steering.model_dump(mode="json"),
        "versions": [_version(version) for version in report.versions],
    }


def _version(version: VersionOrigin) -> JsonObject:
    gain = version.gain
    return {
        "version": version.version,
        "written_at": version.written_at.isoformat(timespec="seconds"),
        "written_by": version.written_by,
        "origin": version.origin,
        "live": version.serves,
        "verdict": version.verdict,
        "gain": None if gain is None else {"mean": gain.mean, "low": gain.low, "high": gain.high},
    }


def _run(run: RunOfWeek) -> JsonObject:
    return {
        "run": run.id,
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "trigger": run.trigger,
        "outcome": run.outcome,
        "waits_for_approval": run.waits,
        "stopped": run.stopped,
        "found": found_by(run),
        "live_version": run.version,
    }


def _budget(budget: MonthBudget) -> JsonObject:
    left = budget.left_usd
    return {
        "limit_usd": budget.limit_usd,
        "spent_usd": round(budget.spent_usd, 9) + 0.0,
        "left_usd": None if left is None else round(left, 9) + 0.0,
    }
