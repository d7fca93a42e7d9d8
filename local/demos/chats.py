"""Show how answers to chats begin, in `make demo`."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from local.demos.traffic import Exchange, Record

QUESTION_CHARACTERS = 200
ANSWER_LINES = 6
ANSWER_CHARACTERS = 400


def print_chats(
    console: Console,
    sent: Sequence[Exchange],
    records: Mapping[str, Record],
    chats: frozenset[str],
) -> None:
    """Print the first chat that each tier answered: the question, which model answered at what
    cost, and how the answer begins. `records` are by the request's id, and `chats` are queries."""
    console.print("\n[bold]Chats, and how their answers begin[/]")
    for each, record in first_of_each_tier(sent, records, chats):
        cost = record["cost_usd"]
        price = "cost unknown" if cost is None else f"${cost:.6f}"
        author = record["provider_model"] or record["model"]
        question = shorten(each.query, QUESTION_CHARACTERS, placeholder=" …")
        console.print(f"\n{question}", markup=False, highlight=False)
        console.print(f"[dim]Tier {record['tier']}, {author}, {price}[/]", highlight=False)
        console.print(Padding(Text(beginning_of(each.text)), (0, 0, 0, 4)))
    console.print()


def first_of_each_tier(
    sent: Sequence[Exchange], records: Mapping[str, Record], chats: frozenset[str]
) -> Iterator[tuple[Exchange, Record]]:
    shown: set[int] = set()
    for each in sent:
        if each.answered and each.query in chats:
            record = records[each.body["id"]]
            if record["tier"] not in shown:
                shown.add(record["tier"])
                yield each, record


def beginning_of(answer: str) -> str:
    """Return the first lines of an answer, with `…` if there is more."""
    whole = answer.strip()
    begun = "\n".join(whole.splitlines()[:ANSWER_LINES])
    if len(begun) > ANSWER_CHARACTERS:
        begun = begun[:ANSWER_CHARACTERS].rpartition(" ")[0] or begun[:ANSWER_CHARACTERS]
    return begun if begun == whole else f"{begun.rstrip()} …"
