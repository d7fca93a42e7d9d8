"""Read the settings of a key from options."""

from collections.abc import Iterable

from route_switch.cli.stage_names import UsageError
from route_switch.domain.tiers import Tier


def read_tags(texts: Iterable[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign:
            raise UsageError(
                f"--tag {text!r} has no '='. Write NAME=VALUE, such as --tag team=search."
            )
        if name in tags:
            raise UsageError(f"--tag {name} is given twice. A key has one value per tag.")
        tags[name] = value
    return tags


def read_tiers(text: str) -> frozenset[Tier]:
    try:
        return frozenset(Tier(int(part)) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--tiers is {text!r}, but must be one or more of 1, 2 and 3, such as --tiers 1,2."
        ) from error
