"""How a stage learns: one document that the stage configures and the workflow's functions read."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from route_switch.domain.learning.calibration import LOWEST_KAPPA
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.domain.pricing import Price

LONGEST_RUN_HOURS = 144
"""Six days."""
STEPS_IN_SLICES = 3
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) \S+ (\S+) \S+\)")
_RATE = re.compile(r"rate\((?:1 (hour|day)|([2-9]|[1-9]\d+) (hours|days))\)")
Approval = Literal["uncalibrated", "always"]


class LearningConfig(BaseModel):
    """What a weekly run does. Money is in USD; `schedule` is in UTC.

    `approval`: a person is asked before every promotion, or only where the judge is uncalibrated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schedule: str = "cron(0 3 ? * SUN *)"
    lambda_: Annotated[float, Field(ge=0, allow_inf_nan=False, alias="lambda")] = 0.2
    days: Annotated[int, Field(ge=1, le=90)] = 28
    """Traffic of the last days is learned from. What was paid for one of them is paid once."""
    sample: Annotated[int, Field(ge=1)] = 2000
    """About so many requests of these days are drawn."""
    min_examples: Annotated[int, Field(ge=15)] = 300
    learn_from_text: LearnFromText = "redacted"
    proposer: str | None = None
    """`provider/model` that writes instructions; None: that of Tier 3."""
    judge: str | None = None
    """`provider/model` that grades answers which nothing else grades; None: nobody does."""
    judge_floor: Annotated[float, Field(ge=-1, le=1)] = LOWEST_KAPPA
    approval: Approval = "uncalibrated"
    approval_hours: Annotated[float, Field(gt=0)] = 72
    """After so long, silence means no."""
    monthly_usd: Annotated[float, Field(ge=0)] = 25.0
    share_of_saving: Annotated[float, Field(ge=0, le=1)] = 0.1
    """All runs of a month may spend the smaller of `monthly_usd` and this share of what routing
    saved in the month before: `services.learning.spending_caps`."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Of proposer and judge, where no list has them; those of the others are the router's."""
    rounds: Annotated[int, Field(ge=1)] = 2
    candidates: Annotated[int, Field(ge=4)] = 14
    trials: Annotated[int, Field(ge=1)] = 40
    demos: Annotated[int, Field(ge=1)] = 16
    seed: Annotated[int, Field(ge=0)] = 1
    threads: Annotated[int, Field(ge=1, le=256)] = 16
    calls_per_minute: Annotated[float, Field(gt=0)] | None = None
    shards: Annotated[int, Field(ge=1, le=40)] = 1
    """Workers that answer and judge examples at the same time."""
    slices: Annotated[int, Field(ge=1)] = 60
    """Most invocations that one step may take."""
    slice_s: Annotated[float, Field(gt=0)] = 780.0
    """Seconds that one invocation works on what is new, however long it takes to come to that;
    less, where its function has less than two minutes more."""
    patience_s: Annotated[float, Field(gt=0)] = 60.0
    """How long an invocation waits for a failing provider; then the workflow waits, for nothing."""
    retry_s: Annotated[int, Field(ge=1)] = 60
    """How long the workflow waits first; each time twice as long."""

    @field_validator("schedule")
    @classmethod
    def _scheduler_takes_it(cls, value: str) -> str:
        """EventBridge Scheduler would refuse it only at the deployment."""
        cron = _CRON.fullmatch(value)
        if cron is not None:
            minute, hour, day, weekday = cron.groups()
            in_range = _at_most(59, minute) and _at_most(23, hour)
            if in_range and (day == "?") != (weekday == "?"):
                return value
        elif _RATE.fullmatch(value):
            return value
        raise ValueError(
            f"'{value}' is no schedule: write cron(minute hour day month weekday year) in UTC with "
            "'?' as day or as weekday, such as cron(0 3 ? * SUN *), or rate(7 days)"
        )

    @model_validator(mode="after")
    def _a_run_is_over_before_the_next_one(self) -> Self:
        hours = self.approval_hours + STEPS_IN_SLICES * self.slices * self.slice_s / 3600
        if hours > LONGEST_RUN_HOURS:
            raise ValueError(
                f"approval_hours and three steps of slices × slice_s are {hours:.0f} hours, and a "
                f"run may take {LONGEST_RUN_HOURS}: it has to be over before the next one is due"
            )
        return self


def _at_most(most: int, field: str) -> bool:
    return all(int(number) <= most for number in re.findall(r"\d+", field))
