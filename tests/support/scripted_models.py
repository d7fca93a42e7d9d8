"""A small world to learn in: queries of two kinds, and models that a script defines.

Hard queries need Tier 3, easy ones Tier 1. The router distinguishes them only if its instruction
states the criterion; otherwise it sends everything to Tier 2, which fails on the hard ones. A
model's answer depends only on the request, so an interrupted run gets the same answers again.

When the world shifts, hard queries are of another kind with its own criterion. To a router that
knows only the first criterion, they look easy.
"""

import json
import os
import random
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from typer.testing import CliRunner, Result

from route_switch.cli.main import app, run
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.split import Side, side_of
from route_switch.domain.query import text_of
from tests.support.upstream import Body, Reply, Script, completion

CRITERION = "a proof that has to be found"
OTHER_CRITERION = "a text in a language that is dead"
PROOF = "Prove the {} theorem on {} groups of {} rank in {} fields for case {}."
TRANSLATION = "Translate the {} tablet from {} tomb beside {} altar under {} vault for case {}."
HARD = {CRITERION: PROOF[:9], OTHER_CRITERION: TRANSLATION[:13]}
"""What marks a hard query, by the criterion that a router needs for it."""
TIERS = ("openai/small", "openai/medium", "openai/large")
PAID_ONCE = ("small", "medium", "large", "judge")
RECORDED_USD = {"openai/small": 0.1, "openai/medium": 0.4, "openai/large": 1.0}
PRICES = {"openai/small": (1.0, 1.0), "openai/medium": (4.0, 4.0), "openai/large": (10.0, 10.0)}
"""USD per million tokens. Router, proposer and judge are free because they run locally."""

_NAMES = """
    amber birch cedar daisy ember fjord grove heron ivory jade kelp lotus maple night ocean pearl
    quartz river stone tulip umber violet willow yarrow zinc acorn basil clover dune elm
    """.split()  # noqa: SIM905 (as a list it would be a page long)
_CASE = re.compile(r"case (\d+)")
_ASKED_FOR = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`")
_ANSWER = re.compile(r"<answer-([ab])-\w+>\n(.*?)\n</answer", re.DOTALL)


def query(number: int, hard: str = PROOF) -> str:
    """Every other query is hard."""
    a, b, c, d = random.Random(number).sample(_NAMES, 4)  # noqa: S311 (no secret)
    if number % 2:
        return hard.format(a, b, c, d, number)
    return (
        f"Thanks, please tell me when the {a} shop at {b} street by {c} {d} opens, case {number}."
    )


def numbers(
    train: int, validation: int, heldout: int, first: int = 0, hard: str = PROOF
) -> list[int]:
    """Return numbers of queries, this many on each side."""
    left = {Side.TRAIN: train, Side.VALIDATION: validation, Side.HELDOUT: heldout}
    found = []
    for number in count(first):
        if left[side(number, hard)]:
            left[side(number, hard)] -= 1
            found.append(number)
        if not any(left.values()):
            break
    return found


def side(number: int, hard: str = PROOF) -> Side:
    return side_of(Example(query=query(number, hard)).template_key)


def is_hard(text: str) -> bool:
    return any(words in text for words in HARD.values())


def is_right(model: str, text: str) -> bool:
    return model.endswith("large") or not is_hard(text)


def recorded(number: int) -> dict[str, JsonValue]:
    """An example with a result for each tier: only router and proposer need calls."""
    text = query(number)
    results: dict[str, JsonValue] = {
        model: {"score": float(is_right(model, text)), "cost_usd": RECORDED_USD[model]}
        for model in TIERS
    }
    return {"query": text, "models": results}


def with_gold(number: int) -> dict[str, JsonValue]:
    return {"query": query(number), "gold": str(number)}


def ungraded(number: int) -> dict[str, JsonValue]:
    """An example that only a judge can grade."""
    return {"query": query(number)}


def write_examples(path: Path, rows: Sequence[Mapping[str, JsonValue]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def instruction(number: int, criteria: Sequence[str]) -> str:
    hard = "\n- ".join(criteria or [f"a question about the color of the {_NAMES[number]}"])
    return (
        f"Assign the query to a tier; wording {number}.\n\n"
        "Tier 1 (small model) is for:\n- a question about opening hours\n\n"
        "Tier 2 (medium model) is for:\n- anything else\n\n"
        f"Tier 3 (large model) is for:\n- {hard}"
    )


_DESCRIPTIONS = (
    "starting with the field `[[ ## program_description ## ]]`",
    "starting with the field `[[ ## module_description ## ]]`",
)


class Models:
    """The models behind the server. `stating` is the position, from 1, of the proposal that states
    the criteria; None if none does. The proposer's very first answer comes in addition; MIPROv2
    replaces it with the incumbent's own instruction.

    `calls` counts the answered requests by text, and `usd` their cost by the server's own token
    count.
    """

    def __init__(
        self,
        stating: int | None = 1,
        usd_per_million: Mapping[str, tuple[float, float]] | None = None,
        criteria: Sequence[str] = (CRITERION,),
    ) -> None:
        self._stating = stating
        self._criteria = criteria
        self._prices = {**PRICES, **(usd_per_million or {})}
        self._proposed: dict[str, int] = {}
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.by_model: Counter[str] = Counter()
        self.usd = 0.0

    def __call__(self, body: Body) -> Reply:
        text, model = _text(body), str(body["model"])
        answer = self._answer(model, body)
        read = sum(len(content.encode()) for content in _contents(body)) // 2
        written = len(answer)
        price = self._prices.get(f"openai/{model}", (0.0, 0.0))
        with self._lock:
            self.calls[text] += 1
            self.by_model[model] += 1
            self.usd += (read * price[0] + written * price[1]) / 1e6
        return completion(answer, read, written)

    def asked(self, model: str, text: str = "") -> int:
        """How many requests to the model contained the text."""
        return sum(
            number
            for call, number in self.calls.items()
            if text in call and json.loads(call)["model"] == model
        )

    @property
    def paid_once(self) -> set[str]:
        """What tiers and judge were asked. No later run pays for it again."""
        return {call for call in self.calls if json.loads(call)["model"] in PAID_ONCE}

    @property
    def asked_again(self) -> int:
        """How many calls repeated an earlier one needlessly.

        DSPy describes an empty set of demos by those of the next set, so each search asks the
        questions in `_DESCRIPTIONS` twice.
        """
        return sum(
            max(number - (2 if any(field in call for field in _DESCRIPTIONS) else 1), 0)
            for call, number in self.calls.items()
        )

    def _answer(self, model: str, body: Body) -> str:
        contents = _contents(body)
        match model:
            case "router":
                return str(routed(contents[0], contents[-1]))
            case "proposer":
                return self._propose(_text(body), contents[-1])
            case "judge":
                return _judge(contents[-1])
            case _:
                return _solve(model, contents[-1])

    def _propose(self, body: str, asked: str) -> str:
        field = _ASKED_FOR.search(asked)
        name = field[1] if field else "proposed_instruction"
        answer = "It has hard and easy questions."
        if name in ("proposed_instruction", "new_instruction"):
            with self._lock:
                place = self._proposed.setdefault(body, len(self._proposed))
            answer = instruction(place, self._criteria if place == self._stating else ())
        return f"[[ ## {name} ## ]]\n{answer}\n\n[[ ## completed ## ]]"


def _text(body: Body) -> str:
    """Return the same text for the same request, in any notation of its numbers."""
    return json.dumps({**body, "temperature": body.get("temperature") or 0}, sort_keys=True)


def _contents(body: Body) -> list[str]:
    messages = body["messages"]
    assert isinstance(messages, list)
    return [text_of(message) for message in messages if isinstance(message, dict)]


def routed(system: str, text: str) -> int:
    """Return the tier that the router answers."""
    known = [words for criterion, words in HARD.items() if criterion in system]
    if not known:
        return 2
    return 3 if any(words in text for words in known) else 1


def _solve(model: str, text: str) -> str:
    """Tier 2 words its answers in its own way, right or wrong."""
    answer = _case(text) if is_right(model, text) else "0"
    return f"It is {answer}" if model == "medium" else answer


def _judge(text: str) -> str:
    answers = _ANSWER.findall(text)
    right = {name for name, answer in answers if answer.split()[-1] == _case(text)}
    return f"Verdict: {right.pop().upper() if len(right) == 1 else 'SAME'}"


def _case(text: str) -> str:
    found = _CASE.search(text)
    assert found is not None
    return found[1]


def arguments(examples: Path, out: Path, *options: str) -> list[str]:
    """Arguments of `route-switch` for a small run. If an option occurs twice, the last one
    counts."""
    prices = (f"--price={model}={read},{written}" for model, (read, written) in PRICES.items())
    small = ["--candidates=5", "--trials=6", "--rounds=1"]
    models = ["--router-model=openai/router", "--proposer-model=openai/proposer"]
    files = [f"--examples={examples}", f"--out={out}", f"--tiers={','.join(TIERS)}"]
    return ["optimize", *files, *models, *small, *prices, *options]


def environment(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "sk-of-the-test",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


@dataclass(frozen=True)
class Learner:
    """`route-switch optimize` in this process, on one file of examples, with one server."""

    url: str
    examples: Path
    folder: Path

    def __call__(self, *options: str, out: str = "run") -> Result:
        command = arguments(self.examples, self.folder / out, *options)
        return CliRunner().invoke(app, command, env=environment(self.url))

    def candidate(self, out: str = "run") -> bytes:
        return (self.folder / out / "candidate.json").read_bytes()

    # Plain JSON, as a script would read it.
    def report(self, out: str = "run") -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            (self.folder / out / "report.json").read_text("utf-8")
        )
        return document


def optimize(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """`route-switch` in its own process."""
    os.environ.update(variables)
    sys.argv = ["route-switch", *command]
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (as long as the process)
    run()


Broken = Callable[[int, Body], Reply | None]


def breaking(script: Script, broken: Broken) -> Script:
    """Call `broken` first, with the number of the call, from 1. None lets the call through."""
    lock = threading.Lock()
    calls = 0

    def answer(body: Body) -> Reply:
        nonlocal calls
        with lock:
            calls += 1
            number = calls
        return broken(number, body) or script(body)

    return answer
