"""Show how answers to chats begin, in `make demo`."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent, shorten

from local.demos.traffic import Exchange, Record

QUESTION_CHARACTERS = 200
ANSWER_CHARACTERS = 400


def chat_excerpts(
    sent: Sequence[Exchange], records: Mapping[str, Record], chats: frozenset[str]
) -> Iterator[str]:
    """Yield the first chat that each tier answered: its question, its cost, and how its answer
    begins. `records` are by the request's id, and `chats` are queries."""
    shown: set[int] = set()
    for each in sent:
        if not each.answered or each.query not in chats:
            continue
        record = records[each.body["id"]]
        if record["tier"] not in shown:
            shown.add(record["tier"])
            yield _excerpt(each, record)


def _excerpt(sent: Exchange, record: Record) -> str:
    cost = record["cost_usd"]
    price = "cost unknown" if cost is None else f"${cost:.6f}"
    question = shorten(sent.query, QUESTION_CHARACTERS, placeholder=" …")
    answer = shorten(sent.text, ANSWER_CHARACTERS, placeholder=" …")
    author = record["provider_model"] or record["model"]
    return (
        f"Q: {question}\nTier {record['tier']}, {author}, {price}:\n" + indent(answer, "   ") + "\n"
    )
