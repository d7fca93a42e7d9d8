"""The learning configuration of a stage, which the workflow's functions read."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from route_switch.domain.learning.calibration import MIN_KAPPA
from route_switch.domain.learning.quantities import Lambda
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.domain.learning.understanding import MAX_NOT_UNDERSTOOD
from route_switch.domain.pricing import Price

MAX_RUN_HOURS = 144
"""Six days."""
STEPS_IN_SLICES = 3
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) \S+ (\S+) \S+\)")
_RATE = re.compile(r"rate\((?:1 (hour|day)|([2-9]|[1-9]\d+) (hours|days))\)")
LearnedStrategy = Literal["prompt", "local", "hybrid", "auto"]
"""The strategy to learn; `auto` lets validation rows choose."""
Approval = Literal["uncalibrated", "always"]
GoLive = Literal["person", "gate"]
OptimizerName = Literal["mipro", "gepa"]


class LearningConfig(BaseModel):
    """How a stage learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schedule: str = "cron(0 3 ? * SUN *)"
    """When a run starts, in UTC: an EventBridge Scheduler expression."""
    lambda_: Annotated[Lambda, Field(alias="lambda")] = 0.2
    """Weight λ of cost in the objective, quality − λ · cost."""
    days: Annotated[int, Field(ge=1, le=90)] = 28
    """Days of traffic that a run learns from. An answer is paid for once in that time."""
    sample: Annotated[int, Field(ge=1)] = 2000
    """Expected number of requests drawn from these days."""
    min_examples: Annotated[int, Field(ge=15)] = 300
    """A run with fewer examples ends early."""
    strategy: LearnedStrategy = "prompt"
    """What a run proposes: a better `prompt`; a `local` model, which decides without the router
    LLM; `hybrid`, which asks the router LLM where the local model is unsure; or `auto`, which
    proposes the one that does best on validation rows."""
    learn_from_text: LearnFromText = "redacted"
    """How much of the users' text the proposer and prompts may see. Reports quote no traffic."""
    proposer: str | None = None
    """Model that writes instructions, as `provider/model`; null is the model of Tier 3."""
    judge: str | None = None
    """Model that grades answers without feedback, test result or gold; null is none."""
    judge_floor: Annotated[float, Field(ge=-1, le=1)] = MIN_KAPPA
    """Lowest agreement (Cohen's κ) of the judge with labels; below it a person must approve."""
    trusted_keys: tuple[Annotated[str, Field(pattern=r"^key_\w+$")], ...] = ()
    """Keys, by id (`route-switch keys list`), whose feedback counts as the owner's: it is not
    capped, and a promotion may rest on it."""
    max_quality_loss: Annotated[float, Field(ge=0.001, le=0.5)] | None = None
    """Largest share of answers worse than Tier 3's. A candidate goes live only if held-out rows
    promise it with 95% confidence; null asks for no promise."""
    no_worse_margin: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """By how much a recorded score may be below Tier 3's and still count as no worse."""
    max_not_understood: Annotated[float, Field(ge=0, le=1)] = MAX_NOT_UNDERSTOOD
    """Largest share of gold answers not recognized in Tier 3's answer, verdicts that cannot be
    read, router replies without a tier, or refused answers; above it a run stops."""
    approval: Approval = "uncalibrated"
    """When a person must approve a promotion: if the judge is uncalibrated, or always."""
    approval_hours: Annotated[float, Field(gt=0)] = 72
    """How long a run waits for approval; without an answer, the candidate is rejected."""
    go_live: GoLive = "person"
    """Who turns routing on after shadow: a `person`, or the `gate` too, when it promotes a prompt
    that clearly beats the tier that answers in shadow."""
    monthly_usd: Annotated[float, Field(ge=0)] = 25.0
    """Cap on what all runs of a month spend."""
    share_of_saving: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Second cap, as a share of last month's net saving (at least 1 USD). The lower cap applies."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Prices of proposer and judge if no price list has them."""
    optimizer: OptimizerName = "mipro"
    """Which optimizer of DSPy searches for a better prompt: `mipro` (MIPROv2) combines new
    instructions with demos; `gepa` revises the instruction after reading what its choices cost, and
    keeps the demos. Both make as many calls."""
    rounds: Annotated[int, Field(ge=1)] = 2
    """Searches per run; each starts from the winner of the previous one."""
    candidates: Annotated[int, Field(ge=4)] = 14
    """Instructions, and demo sets, proposed per round. With `gepa`, which proposes one instruction
    at a time, this and `trials` set the number of calls."""
    trials: Annotated[int, Field(ge=1)] = 40
    """Prompts evaluated per round."""
    demos: Annotated[int, Field(ge=1)] = 9
    """Most demos in a prompt. `gepa` keeps the incumbent's."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Seed of the search."""
    threads: Annotated[int, Field(ge=1, le=256)] = 16
    """Concurrent model calls of one worker."""
    calls_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Rate limit of model calls; null is none."""
    shards: Annotated[int, Field(ge=1, le=40)] = 1
    """Workers that answer and judge examples in parallel."""
    slices: Annotated[int, Field(ge=1)] = 60
    """Most invocations of one step."""
    slice_s: Annotated[float, Field(gt=0)] = 780.0
    """How long one invocation works on new calls, replay excluded. It always stops two minutes
    before its function's time limit."""
    patience_s: Annotated[float, Field(gt=0)] = 60.0
    """How long an invocation waits for a failing provider before the workflow waits instead, at no
    cost."""
    retry_s: Annotated[int, Field(ge=1)] = 60
    """First wait of the workflow for a failing provider; it doubles each time."""

    @field_validator("schedule")
    @classmethod
    def _schedule_is_valid(cls, value: str) -> str:
        """Fail early: EventBridge Scheduler would reject it only during deployment."""
        cron = _CRON.fullmatch(value)
        if cron is not None:
            minute, hour, day, weekday = cron.groups()
            in_range = _at_most(59, minute) and _at_most(23, hour)
            if in_range and (day == "?") != (weekday == "?"):
                return value
        elif _RATE.fullmatch(value):
            return value
        raise ValueError(
            f"'{value}' is not a schedule: write cron(minute hour day month weekday year) in UTC "
            "with '?' as day or weekday, such as cron(0 3 ? * SUN *), or rate(7 days)"
        )

    @model_validator(mode="after")
    def _trials_suffice(self) -> Self:
        reason = why_too_few_trials(self.optimizer, self.trials)
        if reason is not None:
            raise ValueError(f"trials is {self.trials}, but {reason}")
        return self

    @model_validator(mode="after")
    def _run_ends_before_the_next(self) -> Self:
        hours = self.approval_hours + STEPS_IN_SLICES * self.slices * self.slice_s / 3600
        if hours > MAX_RUN_HOURS:
            raise ValueError(
                f"approval_hours plus three steps of slices × slice_s is {hours:.0f} hours, but a "
                f"run may take {MAX_RUN_HOURS} at most: it must end before the next one starts"
            )
        return self


def why_too_few_trials(optimizer: OptimizerName, trials: int) -> str | None:
    """Return why an optimizer could not try any prompt with the calls of so few trials, or None."""
    if optimizer == "gepa" and trials < 2:
        return "gepa needs the calls of at least 2 trials to test a revision. Set it to 2 or more."
    return None


def _at_most(most: int, field: str) -> bool:
    return all(int(number) <= most for number in re.findall(r"\d+", field))
