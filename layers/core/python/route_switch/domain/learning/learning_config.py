"""The learning configuration of a stage, which the workflow's functions read."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from route_switch.domain.learning.calibration import MIN_KAPPA
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.domain.pricing import Price

MAX_RUN_HOURS = 144
"""Six days."""
STEPS_IN_SLICES = 3
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) \S+ (\S+) \S+\)")
_RATE = re.compile(r"rate\((?:1 (hour|day)|([2-9]|[1-9]\d+) (hours|days))\)")
Approval = Literal["uncalibrated", "always"]


class LearningConfig(BaseModel):
    """The settings of a weekly run. Money is in USD; `schedule` is in UTC.

    `approval`: ask a person before every promotion, or only when the judge is uncalibrated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schedule: str = "cron(0 3 ? * SUN *)"
    lambda_: Annotated[float, Field(ge=0, allow_inf_nan=False, alias="lambda")] = 0.2
    days: Annotated[int, Field(ge=1, le=90)] = 28
    """Learn from the traffic of this many past days. Answers paid for in this period are reused."""
    sample: Annotated[int, Field(ge=1)] = 2000
    """Approximate number of requests to sample from these days."""
    min_examples: Annotated[int, Field(ge=15)] = 300
    learn_from_text: LearnFromText = "redacted"
    proposer: str | None = None
    """`provider/model` that writes instructions. None uses Tier 3's model."""
    judge: str | None = None
    """`provider/model` that grades answers without feedback, a test or a gold. None grades none of
    them."""
    judge_floor: Annotated[float, Field(ge=-1, le=1)] = MIN_KAPPA
    approval: Approval = "uncalibrated"
    approval_hours: Annotated[float, Field(gt=0)] = 72
    """A run that nobody approves within this time is rejected."""
    monthly_usd: Annotated[float, Field(ge=0)] = 25.0
    share_of_saving: Annotated[float, Field(ge=0, le=1)] = 0.1
    """All runs of a month together may spend the smaller of `monthly_usd` and this share of what
    routing saved in the previous month (`services.learning.spending_caps`)."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Prices of the proposer and the judge when no price list has them. The other models use the
    router's prices."""
    rounds: Annotated[int, Field(ge=1)] = 2
    candidates: Annotated[int, Field(ge=4)] = 14
    trials: Annotated[int, Field(ge=1)] = 40
    demos: Annotated[int, Field(ge=1)] = 16
    seed: Annotated[int, Field(ge=0)] = 1
    threads: Annotated[int, Field(ge=1, le=256)] = 16
    calls_per_minute: Annotated[float, Field(gt=0)] | None = None
    shards: Annotated[int, Field(ge=1, le=40)] = 1
    """Workers that answer and judge examples in parallel."""
    slices: Annotated[int, Field(ge=1)] = 60
    """Maximum invocations per step."""
    slice_s: Annotated[float, Field(gt=0)] = 780.0
    """Seconds that one invocation spends on new work; replaying earlier work does not count. Less
    when that would leave the function under two minutes."""
    patience_s: Annotated[float, Field(gt=0)] = 60.0
    """How long an invocation waits for a failing provider. After that the workflow waits, which
    costs nothing."""
    retry_s: Annotated[int, Field(ge=1)] = 60
    """The workflow's first wait. It doubles each time."""

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
    def _run_ends_before_the_next(self) -> Self:
        hours = self.approval_hours + STEPS_IN_SLICES * self.slices * self.slice_s / 3600
        if hours > MAX_RUN_HOURS:
            raise ValueError(
                f"approval_hours plus three steps of slices × slice_s is {hours:.0f} hours, but a "
                f"run may take {MAX_RUN_HOURS} at most: it must end before the next one starts"
            )
        return self


def _at_most(most: int, field: str) -> bool:
    return all(int(number) <= most for number in re.findall(r"\d+", field))
