"""Processor time and memory of splitting examples that are conversations:
`python -m tests.bench.conversations [CONVERSATIONS [MESSAGES [WORDS]]]`.

All of them end in "continue". Their words are drawn from 20,000, so hardly any two share a shingle.
"""

import resource
import sys
from random import Random
from time import process_time

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.split import split
from tests.support.outcomes import spelled

ROLES = ("user", "assistant")


def main(conversations: int = 10_000, messages: int = 20, words: int = 50) -> None:
    random = Random(1)  # noqa: S311 (sample data)
    known = [spelled(number) for number in range(100_000, 120_000)]

    def text() -> str:
        return " ".join(random.choices(known, k=words))

    def made(number: int) -> Example:
        said = [{"role": ROLES[n % 2], "content": text()} for n in range(messages - 1)]
        return Example.model_validate({"id": number, "query": "continue", "conversation": said})

    rows = [made(number) for number in range(conversations)]
    before_mb = _peak_mb()
    start = process_time()
    parts = split(rows)
    sys.stdout.write(
        f"{conversations:,} conversations of {messages} messages with {words} words: "
        f"{process_time() - start:.1f} s, peak {_peak_mb()} MB (the rows alone: {before_mb} MB), "
        f"{len(parts.examples):,} examples\n"
    )


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
