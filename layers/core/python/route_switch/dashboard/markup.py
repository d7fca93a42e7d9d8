"""The HTML elements of the widgets. All text is escaped here.

CloudWatch styles tables and headings itself, light and dark, and removes scripts. So all styles are
inline and none sets a color. (Amazon CloudWatch User Guide, "Details about custom widgets in
CloudWatch".)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NewType

Html = NewType("Html", str)

LONG_WORD = 16
"""In characters. Only longer words, such as model names, may be broken: a narrow widget would
otherwise break all words."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first `texts` columns hold text, the others figures. The rows in `strong` are bold."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    strong: frozenset[int] = frozenset()

    @property
    def html(self) -> Html:
        head = _row("th", self.head, self.texts)
        body = "".join(
            _row("td", row, self.texts, strong=n in self.strong) for n, row in enumerate(self.rows)
        )
        return Html(
            '<div style="overflow-x:auto"><table style="width:100%">'
            f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
        )


def heading(text: str) -> Html:
    return Html(f"<h3>{escape(text)}</h3>")


def paragraph(text: str) -> Html:
    return Html(f"<p>{escape(text)}</p>")


def joined(*parts: Html) -> Html:
    return Html("".join(parts))


def _row(tag: str, cells: Sequence[str], texts: int, *, strong: bool = False) -> str:
    weight = ";font-weight:bold" if strong else ""
    return "<tr>" + "".join(_cell(tag, c, n < texts, weight) for n, c in enumerate(cells)) + "</tr>"


def _cell(tag: str, text: str, is_text: bool, weight: str) -> str:
    style = "text-align:left" if is_text else "text-align:right"
    if is_text and any(len(word) > LONG_WORD for word in text.split()):
        style += ";overflow-wrap:anywhere"
    if not is_text and tag == "td":
        style += ";white-space:nowrap"
    return f'<{tag} style="{style}{weight}">{escape(text)}</{tag}>'
