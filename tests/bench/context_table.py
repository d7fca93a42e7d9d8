"""How often the conversation changes a tier, and whether it is right:

    python -m tests.bench.context_table FOLDER

FOLDER holds the benchmark files that docs/data.md names. The router is `local/encoder` with the
packaged prompt; nothing is bypassed. Pairings are made here: a real query, once per row, with an
unrelated real text, with a follow-up or with a start. Their queries and texts have an odd SHA-256,
because the encoder's parameters were chosen on the others. Right is the tier of the query by
itself. `without` is the decision without the context; where the text is in the same message, it is
the one by the first 254 word pieces.
"""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.sentence_vectors import MOST_PIECES, pieces_in
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.completion import complete
from route_switch.domain.intervals import wilson
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.query import query_of
from route_switch.optimizer.statistics import bootstrap
from tests.bench.context_material import (
    RecordedTurn,
    airline_turns,
    long_texts,
    message,
    queries_to_pair,
    second_turns,
)

MAX_TOKENS = 1000
CONTEXTS = {
    "support queries": "bitext_queries",
    "exam questions": "mmlu_pro",
    "chat": "arena_chat",
}
FOLLOW_UPS = (
    *("continue", "go on", "now in Python"),  # seen when the parameters were chosen
    *("Go ahead.", "Keep going, please.", "And then?", "Do the rest too.", "Once more, please."),
)
STARTS = ("go", "Do it.", "Start.", "Here we go.", "Please begin.")
CLIENT = EncoderClient()
PROMPT = packaged_prompt()

Made = Callable[[str, str], int]
"""The tier for a query and a second text."""


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tier(*messages: JsonObject) -> int:
    sent = PROMPT.render(query_of(messages), MAX_TOKENS)
    return int(complete(CLIENT.stream(ModelCall("encoder", sent))).text)


def alone(text: str) -> int:
    return tier(message("user", text))


def by_its_head(text: str) -> int:
    """Return the tier by the words whose pieces are among the first 254 of the text."""
    words = re.split(r"(?<=\s)", text)
    lengths = accumulate(pieces_in(word) for word in words)
    fits = sum(length <= MOST_PIECES for length in lengths)
    return alone("".join(words[:fits]))


def after(earlier: str, last: str) -> int:
    replied = message("assistant", "Here is what I found.")
    return tier(message("user", earlier), replied, message("user", last))


def instructed(instruction: str, last: str) -> int:
    return tier(message("system", instruction), message("user", last))


PAIRINGS: dict[str, tuple[Made, Made]] = {
    "behind 300 words in the same message": (
        lambda query, text: alone(f"{text}\n\n{query}"),
        lambda query, text: by_its_head(f"{text}\n\n{query}"),
    ),
    "before 300 words in the same message": (
        lambda query, text: alone(f"{query}\n\n{text}"),
        lambda query, text: by_its_head(f"{query}\n\n{text}"),
    ),
    "300 words in the system message": (
        lambda query, text: instructed(text, query),
        lambda query, _: alone(query),
    ),
    "300 words in an earlier turn": (
        lambda query, text: after(text, query),
        lambda query, _: alone(query),
    ),
    "a follow-up of the query": (
        lambda query, follow_up: after(query, follow_up),
        lambda _, follow_up: alone(follow_up),
    ),
    "the query in the system message, then a start": (
        lambda query, start: instructed(query, start),
        lambda _, start: alone(start),
    ),
}


def print_pairings(folder: Path, random: Random) -> None:
    queries = queries_to_pair(folder, random)
    texts = {name: long_texts(folder, file, random) for name, file in CONTEXTS.items()}
    _print(
        "| pairing | n | changed | right with context | right without | Tier 3's with | without |"
    )
    _print("|---|---|---|---|---|---|---|")
    for name, made in PAIRINGS.items():
        if "300 words" in name:
            seconds = texts
        else:
            seconds = {"": list(FOLLOW_UPS if "follow-up" in name else STARTS)}
        for kind, choices in seconds.items():
            pairs = [(query, random.choice(choices)) for query in queries]
            label = f"{name} ({kind})" if kind else name
            _print(_pairing_row(label, made, pairs))


def _pairing_row(label: str, made: tuple[Made, Made], pairs: Sequence[tuple[str, str]]) -> str:
    right = [alone(query) for query, _ in pairs]
    given, without = ([make(*pair) for pair in pairs] for make in made)
    changed = sum(a != b for a, b in zip(given, without, strict=True))
    hard = [i for i, own in enumerate(right) if own == 3]
    cells = [
        _share(sum(decided[i] == right[i] for i in among), len(among))
        for among in (range(len(pairs)), hard)
        for decided in (given, without)
    ]
    return f"| {label} | {len(pairs)} | {changed / len(pairs):.2f} | {' | '.join(cells)} |"


def _share(k: int, n: int) -> str:
    low, high = wilson(k, n)
    return f"{k / n:.2f} ({low:.2f} to {high:.2f})"


def print_recorded(name: str, turns: Sequence[RecordedTurn]) -> None:
    """Print how often context changes the tier, and the mean score of the chosen tier's model."""
    given = [tier(*turn.messages) for turn in turns]
    without = [tier(turn.messages[-1]) for turn in turns]
    scores = np.array([turn.scores for turn in turns])
    each = np.arange(len(turns))
    columns = np.column_stack([scores[each, np.array(chosen) - 1] for chosen in (given, without)])
    columns = np.column_stack([columns, columns[:, 0] - columns[:, 1]])
    clusters = np.array([turn.conversation for turn in turns])
    found = bootstrap(columns, np.ones_like(columns), 1, clusters=clusters)
    cells = [f"{e.mean:.3f} ({e.low:.3f} to {e.high:.3f})" for e in found]
    changed = sum(a != b for a, b in zip(given, without, strict=True))
    large = (f"{sum(t == 3 for t in chosen) / len(turns):.2f}" for chosen in (given, without))
    line = (name, len(turns), len(set(clusters)), f"{changed / len(turns):.2f}", *large, *cells)
    _print(f"| {' | '.join(map(str, line))} |")


if __name__ == "__main__":
    data = Path(sys.argv[1])
    print_pairings(data, Random(20))  # noqa: S311 (a draw of rows)
    _print(
        "\n| recorded | turns | conversations | changed | Tier 3 with | without "
        "| score with | without | difference |"
    )
    _print("|---|---|---|---|---|---|---|---|---|")
    print_recorded("MT-Bench, second turns", second_turns(data))
    print_recorded("τ²-bench airline, later turns", airline_turns(data))
