"""Text in the form that prompt documents and terminals can hold."""

import re
import unicodedata

_RETURNS = re.compile(r"\r++\n?")
_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")
_TRAILING_BLANKS = re.compile(r"(?<![^\S\n])[^\S\n]++$", re.MULTILINE)

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain_text(text: str) -> str:
    """Return the text with `\\n` as its only line end.

    Replace control characters other than tabs, and halves of surrogate pairs, by U+FFFD: neither
    Markdown nor UTF-8 can hold all of them. The result is empty only if the text is.
    """
    unix = _RETURNS.sub(lambda run: "\n" if run[0].endswith("\n") else "\n" * len(run[0]), text)
    return _NOT_TEXT.sub(REPLACEMENT, _LINE_ENDS.sub("\n", unix))


def whole_characters(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can hold and Unicode text cannot, by U+FFFD."""
    return _HALVES.sub(REPLACEMENT, text)


def without_trailing_blanks(text: str) -> str:
    """Remove blanks at line ends: editors do so, and a prompt must not change when it is edited."""
    return _TRAILING_BLANKS.sub("", text)


def excerpt(text: str, most: int) -> str:
    """Return the text on one line of at most `most` characters, cut between words and with `…` if
    it is longer. Text without blanks, as in Chinese, is cut anywhere."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    words = head if line[most - 1] == " " else head.rpartition(" ")[0]
    return (words if 2 * len(words) >= most else head).rstrip() + "…"


def visible(text: str) -> str:
    """Replace characters that a reader would not see or that control a terminal: control and
    invisible characters, and those that reorder text. A person cannot approve what they cannot
    see."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _UNSEEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
