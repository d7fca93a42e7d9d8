"""Bodies that are small to send and expensive or ambiguous to read. Each is a template of a chat
request, filled to a number of bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_BYTES = 4_400_000
"""Just under what the API accepts."""


@dataclass(frozen=True, slots=True)
class Bomb:
    """`piece` is repeated, or written with its number, until `text` has the wanted size."""

    status: int
    before: str
    piece: str | Callable[[int], str]
    after: str
    joined: str = ","

    def body(self, size: int) -> str:
        sample = self.piece if isinstance(self.piece, str) else self.piece(10**5)
        room = max(1, size - len(self.before) - len(self.after))
        n = max(1, room // (len(sample) + len(self.joined)))
        piece = self.piece
        pieces = (piece,) * n if isinstance(piece, str) else map(piece, range(n))
        return self.before + self.joined.join(pieces) + self.after


_HELLO = '{"model":"tier-1","messages":[{"role":"user","content":"hi"}],'
_ROUTED = '{"model":"auto","messages":[{"role":"user","content":'


def _field(status: int, before: str, piece: str, after: str, joined: str = ",") -> Bomb:
    return Bomb(status, f"{_HELLO}{before}", piece, f"{after}}}", joined)


BOMBS: Mapping[str, Bomb] = {
    "open arrays": Bomb(400, "", "[", "", ""),
    "open objects": Bomb(400, "", '{"a":', "", ""),
    "deep and wide": _field(400, '"x":[', "[" * 90 + "]" * 90, "]"),
    "empty arrays": _field(400, '"x":[', "[]", "]"),
    "empty objects": _field(400, '"x":[', "{}", "]"),
    "fields": Bomb(400, "{", lambda n: f'"f{n}":1', "}"),
    "metadata": Bomb(200, f'{_HELLO}"metadata":{{', lambda n: f'"f{n}":"1"', "}}"),
    "logit_bias": Bomb(200, f'{_HELLO}"logit_bias":{{', lambda n: f'"{n}":1', "}}"),
    "huge integer": _field(400, '"seed":', "9", "", ""),
    "long integers": _field(200, '"x":[', "9" * 4000, "]"),
    "huge float": _field(400, '"temperature":1e', "9", "", ""),
    "long fraction": _field(200, '"x":0.', "9", "", ""),
    "floats": _field(200, '"x":[', "1.2345678901234567e-300", "]"),
    "repeated field": Bomb(400, "{", '"messages":[]', "}"),
    "content parts": Bomb(200, f"{_ROUTED}[", '{"type":"text","text":"a"}', "]}]}"),
    "messages": Bomb(200, '{"model":"auto","messages":[', '{"role":"user","content":"a"}', "]}"),
    "tools": _field(
        200, '"tools":[', '{"type":"function","function":{"name":"a","parameters":{}}}', "]"
    ),
    "escapes": Bomb(200, f'{_ROUTED}"', "\\u0041", '"}]}', ""),
    "surrogate pairs": Bomb(200, f'{_ROUTED}"', "\\ud83d\\ude00", '"}]}', ""),
    "half pairs": Bomb(400, f'{_ROUTED}"', "\\ud83d", '"}]}', ""),
    "blanks": Bomb(200, f'{_ROUTED}"', " ", 'x"}]}', ""),
    "blanks before": Bomb(200, "", " ", f'{_ROUTED}"hi"}}]}}', ""),
    "line ends": Bomb(200, f'{_ROUTED}"', "a b\\n", '"}]}', ""),
    "text without an end": Bomb(400, "[" * 200_001 + '"', '\\"', "", ""),
    "escape at the end": Bomb(400, "[" * 200_001 + '"', '\\"', "\\", ""),
    "NaN": _field(400, '"x":[', "NaN", "]"),
}
"""By name: the status, and the template."""

ENCODINGS: Mapping[str, bytes] = {
    "byte order mark": f'\ufeff{_HELLO}"x":1}}'.encode(),
    "UTF-16": f'{_HELLO}"x":1}}'.encode("utf-16"),
    "UTF-16 without a mark": f'{_HELLO}"x":1}}'.encode("utf-16-le"),
    "UTF-32": f'{_HELLO}"x":1}}'.encode("utf-32"),
    "Latin-1": f'{_HELLO}"x":"é"}}'.encode("latin-1"),
    "overlong": _HELLO.encode() + b'"x":"\xc0\xaf"}',
    "surrogate in UTF-8": _HELLO.encode() + b'"x":"\xed\xa0\x80"}',
}
"""Bodies that are not JSON in UTF-8. All get 400."""
