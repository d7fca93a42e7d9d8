"""Stored documents, damaged byte by byte, and the product's own readers of them."""

import gzip
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from route_switch.adapters.dynamodb_sessions import DynamoDbSessions
from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.adapters.learning.outcome_file import read_outcomes, serialize_outcomes
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.api.stored_responses import AnswerNotStoredError, StoredResponses
from route_switch.domain.errors import PromptError, RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import Outcome, OutcomeTable
from route_switch.domain.lost_record import lost_record_as_json, read_lost_record
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.verdict_scope import CONTENT
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.wiring import secrets_manager
from tests.support.local_models import numbers, with_local_model
from tests.support.records import answered

WAYS = ("flip", "truncate", "insert", "delete", "repeat", "zero", "deepen")


def damaged(content: bytes, n: int, seed: int = 0) -> Iterator[tuple[str, int, bytes]]:
    """Yield the way, the place and the damaged content, at places spread over all bytes."""
    draw = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    for number in range(n):
        way = WAYS[number % len(WAYS)]
        at = (number * len(content) // n + draw.randrange(8)) % max(1, len(content))
        yield way, at, _damage(content, way, at, draw)


def _damage(content: bytes, way: str, at: int, draw: random.Random) -> bytes:
    before, after = content[:at], content[at:]
    some = bytes(draw.randrange(256) for _ in range(draw.randint(1, 4)))
    return {
        "flip": before + bytes([content[at] ^ (1 << draw.randrange(8))]) + after[1:],
        "truncate": before,
        "insert": before + some + after,
        "delete": before + after[draw.randint(1, 20) :],
        "repeat": before + after[: draw.randint(1, 50)] + after,
        "zero": before + bytes(min(16, len(after))) + after[16:],
        "deepen": before + b"[" * 2000 + after,
    }[way]


@dataclass(frozen=True, slots=True)
class Stored:
    """`read` takes the content and a folder of its own. `refuses` are the errors that it may raise;
    `None` from it means that the content counts as not there."""

    content: bytes
    read: Callable[[bytes, Path], object]
    refuses: tuple[type[Exception], ...] = (RouteSwitchError,)


class _Store:
    """S3, Parameter Store and DynamoDB in one: every read returns this content."""

    exceptions: Any = None

    def __init__(self, content: bytes) -> None:
        self.content = content

    def get_object(self, **_: object) -> dict[str, object]:
        return {"Body": io.BytesIO(self.content)}

    def get_parameter(self, **_: object) -> dict[str, object]:
        return {"Parameter": {"Value": _text(self.content)}}

    def get_item(self, **_: object) -> dict[str, object]:
        try:
            item = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}  # DynamoDB itself returns nothing else than typed attributes
        return {"Item": item} if isinstance(item, dict) and all(map(_typed, item.values())) else {}


def _typed(value: object) -> bool:
    return isinstance(value, dict) and [type(each) for each in value.values()] == [str]


def _text(content: bytes) -> str:
    """Parameter Store and DynamoDB hold texts only."""
    return content.decode("utf-8", "replace")


def _prompt(content: bytes, _: Path) -> object:
    return parse_prompt(_text(content))


def _candidate(content: bytes, _: Path) -> object:
    """As the promoter checks it: only a prompt whose content the verdict is about may go live."""
    try:
        prompt = parse_prompt(content.decode())
    except UnicodeDecodeError as error:
        raise PromptError("The candidate is not valid UTF-8.") from error
    if prompt.provenance.get(CONTENT) != prompt.version:
        raise PromptError("the verdict is about something else")
    return prompt.version


def _model(content: bytes, _: Path) -> object:
    store: Any = _Store(content)
    return S3LocalModels(lambda: store, lambda: "bucket").get(numbers().sha256)


def _switches(content: bytes, _: Path) -> object:
    store: Any = _Store(content)
    return SsmSwitchStore(store, "/switches").read()


def _session(content: bytes, _: Path) -> object:
    store: Any = _Store(content)
    return DynamoDbSessions(store, "results", lambda: 0.0).load("s")


def _answer(content: bytes, _: Path) -> object:
    texts: Any = None
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        return None  # it is Powertools that reads the item
    return StoredResponses(texts, "full").restore(stored) if isinstance(stored, dict) else None


def _ratios(content: bytes, _: Path) -> object:
    return OutputRatios.from_json(_text(content))


def _queued(content: bytes, _: Path) -> object:
    """As `records replay` reads a message of the queue or a line of the log."""
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        return None  # the command says which message or line is not JSON
    return read_lost_record(stored) if isinstance(stored, dict) else None


def _provider_keys(content: bytes, _: Path) -> object:
    with patch.object(secrets_manager, "_fetch", lambda _: _text(content)):
        return secrets_manager._fetch_keys("provider")


def _file(content: bytes, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _examples(content: bytes, folder: Path) -> object:
    return read_examples(_file(content, folder, "examples.jsonl.gz"))


def _outcomes(content: bytes, folder: Path) -> object:
    return read_outcomes(_file(content, folder, "outcomes.jsonl.gz"), EXAMPLES, {})


def _memo(content: bytes, folder: Path) -> object:
    memo = MemoFile(_file(content, folder, "memo.jsonl"))
    memo.close()
    return memo


def _measured(prompt: RoutingPrompt) -> RoutingPrompt:
    return prompt.model_copy(update={"provenance": {CONTENT: prompt.version, "verdict": "better"}})


EXAMPLES = tuple(Example(id=f"e{n}", query=f"What is {n} plus {n}?") for n in range(40))
_OUTCOME = Outcome(score=1.0, equivalent=True, graded_by="gold", input_tokens=10, output_tokens=5)
_TABLE = OutcomeTable(
    dict(zip(Tier, ("a", "b", "c"), strict=True)),
    {},
    EXAMPLES,
    tuple(dict.fromkeys(Tier, _OUTCOME) for _ in EXAMPLES),
)
_LINES = "\n".join(each.model_dump_json(exclude_defaults=True) for each in EXAMPLES)
_ANSWERS = "".join(f'{{"key": "k{n}", "text": "four", "usage": {{}}}}\n' for n in range(30))
_SESSION = {
    "tier": {"N": "2"},
    "model": {"S": "openai/medium"},
    "input_tokens": {"N": "100"},
    "cached_tokens": {"N": "0"},
    "estimated_tokens": {"N": "90"},
    "answers": {"N": "3"},
    "used_at": {"N": "1700000000.000"},
    "cache_s": {"N": "300"},
    "expires_at": {"N": "1800000000"},
}
_RATIO = {"model": "a", "tier_3_model": "b", "rows": 40, "ratio": 1.5, "low": 1.2, "high": 1.9}
_KEPT = {"headers": {"x": "1"}, "content_type": "application/json", "body": "{}"}

_QUEUED = json.dumps(
    lost_record_as_json(answered("chatcmpl-1", "Why?", datetime(2026, 1, 31, tzinfo=UTC)))
).encode()

STORED: Mapping[str, Stored] = {
    "prompt, Markdown": Stored(to_markdown(packaged_prompt()).encode(), _prompt),
    "prompt, JSON": Stored(to_json(packaged_prompt()).encode(), _prompt),
    "candidate.json": Stored(to_json(_measured(packaged_prompt())).encode(), _candidate),
    "candidate.json, local model": Stored(
        to_json(_measured(with_local_model(packaged_prompt()))).encode(), _candidate
    ),
    "local model": Stored(numbers().model_dump_json().encode(), _model),
    "switches": Stored(b'{"pin_tier": 2, "router": "shadow", "learning": "off"}', _switches),
    "session": Stored(json.dumps(_SESSION).encode(), _session),
    "kept answer": Stored(json.dumps(_KEPT).encode(), _answer, (AnswerNotStoredError,)),
    "output ratios": Stored(json.dumps({"measured": [_RATIO]}).encode(), _ratios, (ValueError,)),
    "examples": Stored(_LINES.encode(), _examples),
    "examples, gzip": Stored(gzip.compress(_LINES.encode()), _examples),
    "outcome table": Stored(serialize_outcomes(_TABLE), _outcomes),
    "queued record": Stored(_QUEUED, _queued, (ValueError,)),
    "provider keys": Stored(b'{"OPENAI_API_KEY": "sk-1", "MISTRAL_API_KEY": "k2"}', _provider_keys),
    "paid answers": Stored(_ANSWERS.encode(), _memo),
}


@dataclass(frozen=True, slots=True)
class Damage:
    """Counts of damaged contents: `refused` with an error that says so, `read` as something else,
    or `broken`: any other exception, with its description."""

    refused: int = 0
    read: int = 0
    broken: tuple[str, ...] = ()


def try_damage(name: str, n: int, folder: Path, seed: int = 0) -> Damage:
    stored, refused, read = STORED[name], 0, 0
    broken: list[str] = []
    for way, at, content in damaged(stored.content, n, seed):
        try:
            stored.read(content, folder)
        except stored.refuses as error:
            refused += 1
            if len(str(error)) < 20:  # a code is no explanation
                broken.append(f"{way} at {at}: it only says {error}")
        except Exception as error:
            broken.append(f"{way} at {at}: {type(error).__name__}: {error}"[:300])
        else:
            read += 1
    return Damage(refused, read, tuple(broken))
