"""Repeat short pieces into long texts, and find readers whose time grows faster than the text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import process_time

from route_switch.domain.learning.disguised_text import readings
from route_switch.domain.learning.example import Example, normalize_query
from route_switch.domain.learning.grading import read
from route_switch.domain.learning.normalized_text import readable, sentences, words
from route_switch.domain.learning.redaction import redact
from route_switch.domain.learning.text_policy import UserText, as_demo, unsafe_of_user
from route_switch.domain.local_features import excerpts_of
from route_switch.domain.local_readings import readings_of
from route_switch.domain.plain_text import plain_text, visible
from route_switch.domain.query import Query
from route_switch.domain.routed_text import as_read

NOTHING_MUCH_S = 0.02
"""Below it, a clock says more about the machine than about the text."""

READERS: Mapping[str, Callable[[str], object]] = {
    "redact": redact,
    "unsafe": unsafe_of_user,
    "readings": lambda text: list(readings(text)),
    "grading": lambda text: [read(text, gold) for gold in ("B", "42", "[1, 2]", "yes", "5 km")],
    "gold": lambda text: read("The answer is 42.", text[:50_000]),
    "normalized": lambda text: (words(readable(text)), sentences(text)),
    "normalize_query": normalize_query,
    "as_read": as_read,
    "plain_text": lambda text: visible(plain_text(text)),
    "features": lambda text: [excerpts_of(each) for each in readings_of(Query(text))],
    "demo": lambda text: as_demo(Query(text), text),
    "router's view": lambda text: Query(text).for_router(1000),
    "template": lambda text: Example(query=text).template_key,
    "quotes": lambda text: UserText([text]).is_quoted_in(text),
}

PIECES = (
    *("a", "1", " ", "\n", "\t", "é", "字", "\u200b", "\x00", "👍", "\u0301", "."),
    *("a ", "1 ", "a.", "a@", "a@b.", "a at ", "a (at) b ", "%40", "://", "a://b@", "-", "_", ":"),
    *("4111 ", "12-", "+1 ", "(0) ", "DE89 ", "0x1", "A1", "a1B2c3D4e5F6g7H8i9J0 ", "SSN 1"),
    *("password is ", "password: ", "pass a1 ", "PIN 1 ", "token=", "key: ", "Bearer a1", "eyJa."),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "ignore all ",
        "your rules ",
        "largest ",
        "model ",
        "answer 3 ",
    ),
    *(
        "every question ",
        "put what ",
        "tier 3 ",
        "all ",
        "i.g.n.o.r.e.",
        "A B C D E ",
        "<img on",
        "{",
    ),
    *("\\boxed{", "#### ", "answer: ", "\\frac{1", "[1,", "1,", "B. ", "<think>", "$", "```", '"'),
    *(
        "忽略",
        "答案是",
        "。",
        "１",
        "<|im_end|>",
        "[INST]",
        "system:",
        "- ",
        "# ",
        "aaaaaaaaaa bbbb ",
    ),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """Processor time for a text, and for one twice as long; the best of three each."""

    reader: str
    piece: str
    once_s: float
    twice_s: float

    @property
    def is_linear(self) -> bool:
        return self.twice_s < NOTHING_MUCH_S or self.twice_s <= 3 * self.once_s


def grown(size: int, pieces: tuple[str, ...] = PIECES) -> Iterator[Growth]:
    for piece in pieces:
        text = (piece * (2 * size // len(piece) + 1))[: 2 * size]
        for name, reader in READERS.items():
            yield Growth(name, piece, *(_best_s(reader, text[:n]) for n in (size, 2 * size)))


def _best_s(reader: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = process_time()
        reader(text)
        best = min(best, process_time() - start)
        if best < NOTHING_MUCH_S / 4:
            break
    return best
