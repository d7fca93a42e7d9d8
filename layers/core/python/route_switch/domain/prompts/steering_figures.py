"""The steering score of a prompt version, as stored in the prompt's provenance."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from route_switch.domain.intervals import wilson
from route_switch.domain.prompts.verdict_scope import CONTENT
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.domain.steering import Direction, SteeringScore

NO_ROUTER = "none"
"""Instead of a router model's name, for a prompt whose local model decides alone."""

STEERING = "steering"
ROUTER = "router"
"""Names in the provenance."""
NOTHING, UNKNOWN = "-", "an unknown router LLM"

Share = Annotated[float, Field(ge=0, le=1)]


class MovedFigures(BaseModel):
    """The share of queries that texts of one direction move: the mean over texts, and the worst
    text, which moved `moved` of `n` queries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Share
    worst: str
    moved: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1)]

    @property
    def worst_share(self) -> str:
        """The share with its 95% interval, as a person reads it."""
        low, high = wilson(self.moved, self.n)
        return f"{self.moved / self.n:.0%} ({low:.0%} to {high:.0%}, n = {self.n})"


class SteeringFigures(BaseModel):
    """The steering score of version `prompt`, measured with `texts` texts, whose set is named by
    `strings`. `router` is the router model, or `NO_ROUTER`. A direction is None if no query of the
    sample could be moved in it, `control` if no harmless text was tried. `measured` is a date,
    empty if it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str
    router: str
    texts: int
    strings: str
    up: MovedFigures | None
    down: MovedFigures | None
    control: Share | None
    measured: str = ""

    @classmethod
    def of(cls, score: SteeringScore, prompt: RoutingPrompt, router: str) -> "SteeringFigures":
        return cls(
            prompt=prompt.version,
            router=router,
            texts=len(score.scores),
            strings=score.strings_digest,
            up=_moved(score, "up"),
            down=_moved(score, "down"),
            control=round(score.mean("control"), 4) if score.of("control") else None,
        )


def as_provenance(figures: SteeringFigures) -> Provenance:
    """Return the score as provenance, in few bytes: it is valid for the version that the provenance
    names as its content, and its router model is the provenance's router."""
    parts = (
        NOTHING if figures.router == NO_ROUTER else ROUTER,
        str(figures.texts),
        figures.strings,
        _written(figures.up),
        _written(figures.down),
        NOTHING if figures.control is None else f"{figures.control:g}",
    )
    return {STEERING: " ".join(parts)}


def steering_of(prompt: RoutingPrompt) -> SteeringFigures | None:
    """Return the score in the provenance. Return None when there is none, or when it was measured
    for another text because somebody edited the prompt."""
    said = prompt.provenance
    if said.get(CONTENT) != prompt.version:
        return None
    try:
        router, texts, strings, up, down, control = str(said.get(STEERING, "")).split()
        return SteeringFigures(
            prompt=prompt.version,
            router=NO_ROUTER if router == NOTHING else str(said.get(ROUTER, UNKNOWN)),
            texts=int(texts),
            strings=strings,
            up=_parsed(up),
            down=_parsed(down),
            control=None if control == NOTHING else float(control),
        )
    except ValueError:  # somebody edited the provenance
        return None


def known_score(prompt: RoutingPrompt, packaged: SteeringFigures) -> SteeringFigures | None:
    """Return the score that the prompt carries, else that of the packaged prompt if this is it."""
    carried = steering_of(prompt)
    return packaged if carried is None and packaged.prompt == prompt.version else carried


def in_words(figures: SteeringFigures) -> tuple[str, str]:
    """Return what was measured, and with what, as two sentences."""
    ways = (("a larger", figures.up), ("a smaller", figures.down))
    measured = ", and ".join(_words(size, moved) for size, moved in ways)
    by = "its local model" if figures.router == NO_ROUTER else figures.router
    when = f" on {figures.measured}" if figures.measured else ""
    harmless = figures.control
    return (
        f"Texts around a query: {measured}."
        + ("" if harmless is None else f" Harmless texts move {harmless:.1%}."),
        f"Measured with {by} and {figures.texts} texts (set {figures.strings}){when}.",
    )


def _words(size: str, moved: MovedFigures | None) -> str:
    if moved is None:
        return f"no query could be moved to {size} model"
    return (
        f"{moved.mean:.1%} of queries are moved to {size} model on average, "
        f"{moved.worst_share} by the worst text, {moved.worst}"
    )


def _moved(score: SteeringScore, direction: Direction) -> MovedFigures | None:
    worst = score.worst(direction)
    if worst is None or not worst.n:
        return None
    mean = round(score.mean(direction), 4)
    return MovedFigures(mean=mean, worst=worst.string.id, moved=worst.moved, n=worst.n)


def _written(moved: MovedFigures | None) -> str:
    return NOTHING if moved is None else f"{moved.mean:g}:{moved.moved}/{moved.n}:{moved.worst}"


def _parsed(text: str) -> MovedFigures | None:
    """Parse `0.0625:3/12:up-22`. Raise `ValueError` for another form."""
    if text == NOTHING:
        return None
    mean, share, worst = text.split(":", 2)
    moved, n = share.split("/")
    return MovedFigures(mean=float(mean), worst=worst, moved=int(moved), n=int(n))
