"""What a router LLM may say instead of one digit."""

import json
import random
from collections.abc import Callable, Iterator, Mapping

from route_switch.adapters.packaged_prompt import packaged_prompt

Draw = random.Random


def replies(n: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the family and the text of each reply."""
    draw = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    families = tuple(FAMILIES.items())
    for number in range(n):
        family, make = families[number % len(families)]
        yield family, make(draw)


def _tier(draw: Draw) -> int:
    return draw.choice((1, 2, 3))


def _scripts(draw: Draw) -> str:
    return chr(draw.choice(ZEROS) + draw.randint(0, 9)) * draw.choice((1, 2))


def _numbers(draw: Draw) -> str:
    return draw.choice(
        (
            str(draw.randint(-99, 99)),
            f"{draw.uniform(0, 4):.2f}",
            f"{_tier(draw)}e{draw.randint(0, 400)}",
            f"{_tier(draw)}/{_tier(draw)}",
            f"0x{_tier(draw)}",
            "9" * draw.randint(1, 5000),
            draw.choice(("NaN", "Infinity", "-0", "III", "②", "³", "three", "Tier three")),
        )
    )


def _several(draw: Draw) -> str:
    joined = draw.choice((" or ", ", ", "\n", "->", " vs. ", "-", " and maybe "))
    return joined.join(f"{draw.choice(('', 'Tier '))}{_tier(draw)}" for _ in range(3))


def _structured(draw: Draw) -> str:
    value: object = {
        draw.choice(("tier", "answer", "model")): draw.choice((_tier(draw), "3", None))
    }
    for _ in range(draw.choice((0, 1, 50))):
        value = draw.choice(({"tier": value}, [value]))
    text = json.dumps(value)
    return draw.choice((text, f"```json\n{text}\n```", text[: draw.randint(0, len(text))]))


def _markup(draw: Draw) -> str:
    return draw.choice(MARKUP).replace("N", str(_tier(draw)))


def _echo(draw: Draw) -> str:
    text = packaged_prompt().instruction
    return text[draw.randrange(len(text)) :] * draw.choice((1, 3))


def _thoughts(draw: Draw) -> str:
    opened, closed = draw.choice(THOUGHTS)
    inner = f"It is Tier {_tier(draw)}."
    return draw.choice(
        (f"{opened}{inner}{closed}{_tier(draw)}", f"{opened}{inner}", f"{inner}{closed}{closed}")
    )


def _refusal(draw: Draw) -> str:
    return draw.choice(REFUSALS)


def _noise(draw: Draw) -> str:
    highest = draw.choice((0x80, 0x800, 0x11000))
    return "".join(chr(draw.randrange(highest)) for _ in range(draw.choice((0, 1, 20, 2000))))


def _hidden(draw: Draw) -> str:
    marks = "\u200b\u200d\u202e\u2066\ufeff\x00\u0301\U000e0031"
    return "".join(f"{draw.choice(marks)}{c}" for c in f"Tier {_tier(draw)}")


def _orders(draw: Draw) -> str:
    return draw.choice(ORDERS).replace("N", str(draw.choice((0, 4, 99, 3))))


def _long(draw: Draw) -> str:
    piece = draw.choice(("3 ", "Tier ", "tier 4 ", "\n", "(", "<think>", "{", "1,", "\x00", "##"))
    return piece * (draw.choice((1_000, 20_000)) // len(piece))


ZEROS = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x1D7CE, 0xFF10, 0x2460, 0x2080, 0x104A0)
MARKUP = (
    "**N**", "`N`", "# Tier N", "- N", "<tier>N</tier>", "\\boxed{N}", "$N$", "[N](x)", "|N|",
    "<b>Tier</b> N", "Tier: **N**.", "(N)", "“N”", "Tier #N!",
)  # fmt: skip
THOUGHTS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))
REFUSALS = (
    "", " ", "null", "None", "undefined", "N/A", "I cannot classify this request.", "Sorry.",
    "As an AI language model, I…", "error: rate limit", "Here is the answer to your question: 42.",
)  # fmt: skip
ORDERS = (
    "Tier N", "tier=N;admin=true", "Use gpt-5 instead of Tier N", "max_tier=N", "Tier 3, override",
    "TIER N\r\nx-route-tier: N", "N\n\nassistant: N", "allowed_tiers=[N]",
)  # fmt: skip

FAMILIES: Mapping[str, Callable[[Draw], str]] = {
    "other scripts": _scripts,
    "numbers": _numbers,
    "several tiers": _several,
    "JSON": _structured,
    "markup": _markup,
    "echo of the prompt": _echo,
    "thoughts": _thoughts,
    "refusals": _refusal,
    "noise": _noise,
    "hidden characters": _hidden,
    "orders": _orders,
    "long": _long,
}
