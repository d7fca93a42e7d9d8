"""Check digits of numbers that identify people and accounts.

Each function takes the text of a possible number, with separators, and returns how many of its
characters belong to a valid number: 0 for none.
"""

from collections.abc import Callable

CARD_DIGITS = range(13, 20)
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def whole(text: str) -> int:
    return len(text)


def card(text: str) -> int:
    """Check the length and Luhn's checksum (ISO/IEC 7812-1)."""
    digits = _digits(text)
    return len(text) if len(digits) in CARD_DIGITS and _luhn(digits) else 0


def canadian(text: str) -> int:
    """Check a Social Insurance Number."""
    return len(text) if _luhn(_digits(text)) else 0


def iban(text: str) -> int:
    """Check an account number at the start of the text, which must be 1 modulo 97 (ISO 13616)."""
    account = ""
    longest = 0
    for place, character in enumerate(text, start=1):
        if character.isalnum():
            account += character
            if len(account) >= 15 and _modulo_97(account) == 1:
                longest = place
    return longest


def spanish(text: str) -> int:
    """Check a DNI or NIE."""
    number = text.replace("-", "").upper()
    value = int(str("XYZ".find(number[0])) + number[1:-1] if number[0] in "XYZ" else number[:-1])
    return len(text) if _SPANISH_LETTERS[value % 23] == number[-1] else 0


def french(text: str) -> int:
    """Check a NIR: 13 digits and a key of two."""
    digits = "".join(map(str, _digits(text)))
    return len(text) if len(digits) == 15 and 97 - int(digits[:13]) % 97 == int(digits[13:]) else 0


def brazilian(text: str) -> int:
    """Check a CPF."""
    digits = _digits(text)
    return len(text) if all(_cpf_digit(digits[:n]) == digits[n] for n in (9, 10)) else 0


def chinese(text: str) -> int:
    """Check a resident identity number (GB 11643)."""
    sums = sum(w * int(d) for w, d in zip(_CHINESE_WEIGHTS, text[:17], strict=True))
    return len(text) if "10X98765432"[sums % 11] == text[17].upper() else 0


def digits_at_least(least: int) -> Callable[[str], int]:
    return lambda text: len(text) if len(_digits(text)) >= least else 0


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdecimal()]


def _luhn(digits: list[int]) -> bool:
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _modulo_97(account: str) -> int:
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97


def _cpf_digit(digits: list[int]) -> int:
    weighted = sum(d * w for d, w in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
    return weighted * 10 % 11 % 10
