"""Options that several commands share, each declared once, and the examples in their help."""

from pathlib import Path
from typing import Annotated

import typer

from route_switch.cli.stage import STACK_FILE
from route_switch.domain.profiles import Profile

StageOption = Annotated[
    str | None,
    typer.Option(
        "--stage", help=f"Stage deployed in AWS. Default: the local stack in {STACK_FILE}."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TiersOption = Annotated[
    str,
    typer.Option("--tiers", help="Tier models, small to large: SMALL,MEDIUM,LARGE or SMALL,LARGE."),
]
RouterModelOption = Annotated[
    str, typer.Option("--router-model", help="Router LLM, as provider/model.")
]
LambdaOption = Annotated[
    float,
    typer.Option(
        "--lambda",
        help="Weight λ of cost in quality − λ · cost; the cost of sending everything to Tier 3 "
        "is 1.",
    ),
]
PriceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--price",
        metavar="MODEL=INPUT,OUTPUT",
        help="USD per million tokens of a model. Repeatable.",
    ),
]
NoWorseMarginOption = Annotated[
    float,
    typer.Option(
        "--no-worse-margin",
        min=0,
        max=0.999,
        help="How far a score may be below Tier 3's and still count as no worse.",
    ),
]
ProfileOption = Annotated[
    Profile, typer.Option("--profile", help="Routing profile of the requests.")
]
NoBypassOption = Annotated[
    bool, typer.Option("--no-bypass", help="Send short queries to the router LLM too.")
]
IncumbentOption = Annotated[
    Path | None,
    typer.Option("--incumbent", help="Prompt that is live now. Default: the packaged prompt."),
]


def usage_examples(*lines: str) -> str:
    """Return the epilog of a command: each line is a call without its leading `route-switch`."""
    return "\n".join(["\b", "Examples:", *(f"  route-switch {line}" for line in lines)])
