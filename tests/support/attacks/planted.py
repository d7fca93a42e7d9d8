"""Plant canaries in traffic, let a week of learning run, and look for them in what it writes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.models.provider_errors import error_in_answer, error_of_response
from route_switch.domain.errors import ModelError, RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig, OptimizerName
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.learning.text_policy import LearnFromText, text_for_learning
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.switches import Switches
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.report.assemble import assemble_report
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.json_file import to_json as report_to_json
from route_switch.optimizer.report.markdown_page import to_markdown as report_to_markdown
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.spending_caps import LocalCap
from route_switch.workflow.ask import AskForApproval
from route_switch.workflow.events import AskEvent, CaughtError, Evaluated, RunState, WorkEvent
from route_switch.workflow.failures import named_failures
from route_switch.workflow.mail import Mail
from route_switch.workflow.report import figures, outcome_of, sentence
from route_switch.workflow.run_slice import RunParts, RunSlice
from tests.support.attacks.canary_forms import Canary
from tests.support.learning import CONTEXT, PLAN, example, learn
from tests.support.paid import PRICE, FakeModel, FakeTime
from tests.support.searching import Models
from tests.support.week import FIGURES

RUN = LearningRun(id="2026-11-22T030000Z", month="2026-11", trigger="schedule", cap_usd=100.0)


def shown(canary: Canary, policy: LearnFromText) -> bool:
    """Whether a prompt or a proposal may show the value."""
    example = Example(query=canary.text, from_traffic=True)
    return canary.value in (text_for_learning(example, policy) or "")


def long_enough(canaries: Iterable[Canary]) -> list[Canary]:
    """Leave out values that ids and figures may hold by chance."""
    return [canary for canary in canaries if len(canary.value) >= 8]


def found_in(text: str, canaries: Iterable[Canary]) -> list[Canary]:
    """Return the canaries whose value stands in the text, as it is or inside a JSON string."""
    forms = (lambda value: value, lambda value: json.dumps(value)[1:-1])
    return [c for c in canaries if any(form(c.value) in text for form in forms)]


# A week.


def learned_from(
    canaries: Sequence[Canary], policy: LearnFromText, optimizer: OptimizerName = "mipro"
) -> dict[str, str]:
    """Learn from traffic of which two thirds hold a canary. Return what a run writes, by place."""
    models, plan = Models(), replace(PLAN, rounds=1, optimizer=optimizer, learn_from_text=policy)
    found, calls = learn(models, plan, _traffic(canaries))
    candidate = candidate_prompt(found, plan, "digest")
    report = assemble_report(found, candidate, plan, calls, CONTEXT)
    tried = [to_markdown(trial.prompt) for trial in found.trials]
    return {
        "proposer's prompts": "\n".join(_sent(models)),
        "prompts tried": "\n".join(tried),
        "candidate": to_markdown(candidate) + to_json(candidate),
        "report.md": report_to_markdown(report),
        "report.html": to_html(report),
        "report.json": report_to_json(report),
        "notifications": "\n".join(_told_of(report)),
    }


def _traffic(canaries: Sequence[Canary]) -> tuple[Example, ...]:
    """Every third row is one of the owner's examples; each other one is a request with a canary."""
    left = iter(canaries)
    rows = []
    for number in range(3 * len(canaries) // 2 + 2):
        row = example(number)
        planted = next(left, None) if number % 3 else None
        if planted is not None:
            query = f"{row.query.split()[0]}: {planted.text}"
            row = row.model_copy(update={"query": query, "from_traffic": True})
        rows.append(row.model_copy(update={"id": f"r{number}"}))
    return tuple(rows)


def _sent(models: Models) -> list[str]:
    return [str(message["content"]) for call in models.proposed for message in call.messages]


@dataclass
class _Told:
    """A stage that always asks, and whose owner is told."""

    report: Report
    plan: object = PLAN
    mails: list[str] = field(default_factory=list)

    def job(self, _: LearningRun) -> tuple[Any, None]:
        return lambda _: self.report, None

    def read(self) -> Switches:
        return Switches()

    def wait_for_approval(self, *_: str) -> None: ...

    def notify(self, subject: str, message: str) -> None:
        self.mails.append(f"{subject}\n{message}")


def _told_of(report: Report) -> list[str]:
    """Return the notifications of a run with this report: the question, and the end."""
    told = _Told(report)
    step = RunSlice(LearningConfig(approval="always"), told, cast("RunParts", told), print)
    evaluated = step(WorkEvent(step="evaluate", run=RUN))
    assert isinstance(evaluated, Evaluated)
    mail = Mail(lambda: FIGURES)
    runs = cast("DynamoDbRuns", told)
    ask = AskForApproval(runs, told.notify, mail, "dev", 24, lambda run: f"s3://learning/{run}")
    ask(AskEvent(step="ask", run=RUN, token="t", why=evaluated.ask or ""))
    state = RunState(run=RUN, evaluated=evaluated)
    return [*told.mails, sentence(outcome_of(state), state), *figures(evaluated)]


def told_of_failures(canaries: Sequence[Canary]) -> dict[str, str]:
    """Let models fail with errors that quote a request, until the run gives up. Return what the log
    and the owner are told."""
    logged: list[str] = []
    mailed = []
    for canary in canaries:
        for error in _quoting(canary.text):
            failure = _failure_after(error, logged)
            logged.append(str(failure))
            cause = json.dumps({"errorMessage": str(failure)})
            caught = CaughtError(Error=type(failure).__name__, Cause=cause)
            mailed.append(sentence(RunOutcome.FAILED, RunState(run=RUN, error=caught)))
    return {"log of a failed run": "\n".join(logged), "its notification": "\n".join(mailed)}


def _quoting(text: str) -> list[ModelError]:
    """Errors as providers make them: in an answer, and with a status that is the request's fault,
    the owner's and the provider's."""
    body = {"error": {"message": f"{text} is not supported"}}
    content = json.dumps(body).encode()
    statuses = (400, 403, 500)
    return [
        error_in_answer("fake/model", cast("Any", body), None),
        *(error_of_response("fake/model", status, {}, content) for status in statuses),
    ]


def _failure_after(error: ModelError, logged: list[str]) -> RouteSwitchError:
    model, pace = FakeModel(lambda _: error), FakeTime().pace()
    memo, cap = MemoryMemo(), LocalCap(100.0)
    calls = MeteredCalls(lambda _: model, lambda _: PRICE, memo, cap, pace, tell=logged.append)
    try:
        with named_failures():
            calls("fake/model", ({"role": "user", "content": "Why?"},), {}, Purpose.PROPOSER)
    except RouteSwitchError as failure:
        return failure
    raise AssertionError("the run goes on")
