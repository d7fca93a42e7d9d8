"""Headers that resemble those of a valid key, and what each must lead to."""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

Headers = tuple[tuple[str, str], ...]
"""Names and values as a client sends them. A name may occur several times."""
BLANKS = " \t"
SCHEME = "bearer"


@dataclass(frozen=True, slots=True)
class Attempt:
    family: str
    headers: Headers

    def may_pass(self, key: str) -> bool:
        """Say, independently of the product, which headers present the key: one value for each
        name, and the key after the scheme and spaces, with only blanks around it."""
        values = {name: {v for n, v in self.headers if n.lower() == name} for name in NAMES}
        if any(len(found) > 1 for found in values.values()):
            return False
        bearer = values["authorization"] or {f"{SCHEME} {v}" for v in values["x-api-key"]}
        return any(_is_key(value, key) for value in bearer)


NAMES = ("authorization", "x-api-key")


def _is_key(value: str, key: str) -> bool:
    while value and value[0] in BLANKS:
        value = value[1:]
    while value and value[-1] in BLANKS:
        value = value[:-1]
    if value[:6].lower() != SCHEME or not value.endswith(key):
        return False
    between = value[6 : len(value) - len(key)]
    return between != "" and not between.strip(" ")


def attempts(key: str, n: int, seed: int = 0) -> Iterator[Attempt]:
    draw = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    families = tuple(FAMILIES.items())
    for number in range(n):
        family, make = families[number % len(families)]
        yield Attempt(family, make(key, draw))


def _bearer(value: str) -> Headers:
    return (("Authorization", value),)


def _edited(key: str, draw: random.Random) -> Headers:
    letters = list(key)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(letters))
        letters[at : at + draw.randint(0, 1)] = draw.choice((["x"], [], [letters[at]] * 2))
    return _bearer(f"Bearer {''.join(letters)}")


def _cased(key: str, draw: random.Random) -> Headers:
    cased = "".join(draw.choice((c.lower(), c.upper())) for c in key)
    return _bearer(f"{draw.choice(SCHEMES)}{draw.choice((key, cased))}")


def _cut(key: str, draw: random.Random) -> Headers:
    start, end = sorted(draw.sample(range(len(key) + 1), 2))
    return _bearer(f"Bearer {key[start:end]}{draw.choice(ENDS)}")


def _blank(key: str, draw: random.Random) -> Headers:
    around = [draw.choice(SPACES) * draw.randint(0, 2) for _ in range(4)]
    return _bearer(f"{around[0]}Bearer{around[1]}{draw.choice(' ')}{key}{around[2]}{around[3]}")


def _inside(key: str, draw: random.Random) -> Headers:
    at = draw.randrange(len(key) + 1)
    return _bearer(f"Bearer {key[:at]}{draw.choice((*SPACES, *ODD))}{key[at:]}")


def _look_alike(key: str, draw: random.Random) -> Headers:
    at = draw.randrange(len(key))
    other = chr(ord(key[at]) + 0xFEE0) if draw.random() < 0.5 else chr(draw.randrange(0x80, 0xFFFF))
    return _bearer(f"Bearer {key[:at]}{other}{key[at + 1 :]}")


def _folded(key: str, draw: random.Random) -> Headers:
    fold = draw.choice(("\r\n ", "\n ", "\r", "\n", "\r\nAuthorization: Bearer ", "%0d%0a"))
    return _bearer(
        draw.choice((f"Bearer{fold}{key}", f"Bearer x{fold}{key}", f"Bearer {key}{fold}x"))
    )


def _repeated(key: str, draw: random.Random) -> Headers:
    values = [f"Bearer {key}", draw.choice(("Bearer x", "", f"Bearer {key}", "Basic x", key))]
    draw.shuffle(values)
    names = (draw.choice(CASED_NAMES), draw.choice((*CASED_NAMES, "x-api-key")))
    return tuple(zip(names, values, strict=True))


def _joined(key: str, draw: random.Random) -> Headers:
    joined = draw.choice((f"{key}, Bearer x", f"x, {key}", f"{key};{key}", key * 2, f"{key} {key}"))
    return _bearer(f"Bearer {joined}")


def _other_scheme(key: str, draw: random.Random) -> Headers:
    encoded = base64.b64encode(draw.choice((key, f":{key}", f"{key}:", f"x:{key}")).encode())
    forms = ("Token {}", "Key {}", "{}", "Bearer: {}", "Bearer={}", 'Bearer "{}"', "Bearer <{}>")
    return _bearer(draw.choice((f"Basic {encoded.decode()}", *(f.format(key) for f in forms))))


def _encoded(key: str, draw: random.Random) -> Headers:
    form = draw.choice((quote(key), key.encode().hex(), base64.b64encode(key.encode()).decode()))
    at = draw.randrange(len(key))
    percent = f"{key[:at]}%{ord(key[at]):02x}{key[at + 1 :]}"
    return _bearer(f"Bearer {draw.choice((form, percent))}")


def _injected(key: str, draw: random.Random) -> Headers:
    return _bearer(f"Bearer {draw.choice(INJECTED).replace('KEY', key)}")


def _api_key(key: str, draw: random.Random) -> Headers:
    value = draw.choice((key, f" {key}", f"{key}\t", f"Bearer {key}", f"{key} x", "", key[:-1]))
    return (("X-Api-Key", value),)


def _other_place(key: str, draw: random.Random) -> Headers:
    name = draw.choice(("Proxy-Authorization", "Cookie", "X-Authorization", "api-key", "X-Admin"))
    return ((name, draw.choice((key, f"Bearer {key}", f"key={key}"))),)


def _noise(_: str, draw: random.Random) -> Headers:
    length = draw.choice((0, 1, 10, 43, 100, 10_000))
    return _bearer(f"Bearer {''.join(chr(draw.randrange(0x11000)) for _ in range(length))}")


SCHEMES = ("Bearer ", "bearer ", "BEARER ", "bEaReR  ", "Bearer\t", "Bearer", "Bear er ", "Вearer ")
SPACES = (
    " ",
    "\t",
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\xa0",
    "\u2003",
    "\u3000",
    "\u200b",
)
ODD = ("\x00", "\ufeff", "\u0301", "\ud800", "\udfff", "\x7f", "\U000e0041", "\u202e", ",", ";")
ENDS = ("", "*", "%", "_", "\x00", "?")
CASED_NAMES = ("Authorization", "authorization", "AUTHORIZATION")
INJECTED = (
    "' OR '1'='1", "KEY' --", '{"$ne": null}', "KEY#", "KEY#KEY", "*", "../KEY", "${KEY}", "admin",
    "null", "undefined", "true", "0", "rs-", "KEY\x00", "\x00KEY", "KEY/../KEY", "%00", "KEY%20",
)  # fmt: skip

FAMILIES: dict[str, Callable[[str, random.Random], Headers]] = {
    "edited key": _edited,
    "case": _cased,
    "cut": _cut,
    "blanks around": _blank,
    "characters inside": _inside,
    "look-alikes": _look_alike,
    "folded lines": _folded,
    "several headers": _repeated,
    "joined keys": _joined,
    "other schemes": _other_scheme,
    "encodings": _encoded,
    "injections": _injected,
    "x-api-key": _api_key,
    "other headers": _other_place,
    "noise": _noise,
}
