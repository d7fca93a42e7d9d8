"""Parse an HTML page, for tests of what it contains."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Parses a page. Raises `AssertionError` if a tag is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.styles: list[str] = []
        self._tips: list[tuple[str, list[str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "svg":
            self._tips.append((dict(attrs).get("class") or "", []))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles.append(data)
        elif self._open:
            self.text += data
            if self._open[-1] == "title" and "svg" in self._open:
                self._tips[-1][1].append(data)

    def pictures(self, kind: str) -> list[list[str]]:
        """Return the tooltips of each picture for wide or for narrow screens."""
        return [tips for name, tips in self._tips if name == kind]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def policy(self) -> str:
        metas = self.named("meta")
        return next(
            m["content"] or "" for m in metas if m.get("http-equiv") == "Content-Security-Policy"
        )
