"""The diagrams of docs/architecture.md: every solid arrow is an import, every module exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path("layers/core/python/route_switch")
DIAGRAMS = re.findall(
    r"^## ([^\n]+)\n\n```mermaid\nflowchart TD\n(.*?)^```$",
    Path("docs/architecture.md").read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)
NODE = r'(\w+)(?:\["([^"]+)"\]|\[\("[^"]+"\)\]|\(\["[^"]+"\]\))?'
ARROW = re.compile(rf"    {NODE} (-->|-\.->) {NODE}")


class UncheckedDiagramError(Exception):
    """A line of a diagram cannot be read, or an arrow names an unknown module."""


def modules(diagram: str) -> dict[str, Path]:
    """Return the nodes that are modules; the others have another shape and are not code."""
    return {name: find(path) for name, path in re.findall(r'(\w+)\["([^"]+)"\]', diagram)}


def find(path: str) -> Path:
    root = Path() if path.startswith(("functions/", "infra/")) else PACKAGE
    return root / path


def arrows(diagram: str) -> Iterator[tuple[Path, Path]]:
    """Return the solid arrows; both of their ends are modules."""
    known = modules(diagram)
    for line in diagram.splitlines():
        arrow = ARROW.fullmatch(line)
        if arrow is None:
            raise UncheckedDiagramError(f"{line.strip()!r} is no arrow between two nodes.")
        source, _, kind, target, _ = arrow.groups()
        if kind == "-->":
            if {source, target} - known.keys():
                raise UncheckedDiagramError(f"{line.strip()!r} is no arrow between two modules.")
            yield known[source], known[target]


@cache
def imports(module: Path) -> frozenset[str]:
    """Return the modules that the source imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def dotted(module: Path) -> str:
    path = module.relative_to(PACKAGE.parent) if module.is_relative_to(PACKAGE) else module
    return ".".join(path.with_suffix("").parts)


def missing_imports(diagram: str) -> list[str]:
    return [f"{a} -> {b}" for a, b in arrows(diagram) if dotted(b) not in imports(a)]


def test_there_is_one_diagram_for_each_life() -> None:
    assert [title for title, _ in DIAGRAMS] == ["A request", "A week", "A prompt"]


@pytest.mark.parametrize("diagram", [d for _, d in DIAGRAMS], ids=[t for t, _ in DIAGRAMS])
def test_every_module_of_a_diagram_exists_and_every_arrow_is_an_import(diagram: str) -> None:
    assert [str(path) for path in modules(diagram).values() if not path.is_file()] == []
    assert missing_imports(diagram) == []


def test_an_arrow_that_is_not_an_import_is_found() -> None:
    domain, service = "domain/routing.py", "services/choose_tier.py"
    assert missing_imports(f'    a["{service}"] --> b["{domain}"]\n') == []
    [found] = missing_imports(f'    a["{domain}"] --> b["{service}"]\n')
    assert domain in found


@pytest.mark.parametrize(
    "line", ['    a["domain/tiers.py"] ==> b', '    a(["client"]) --> b["x.py"]']
)
def test_an_arrow_that_cannot_be_checked_is_refused(line: str) -> None:
    with pytest.raises(UncheckedDiagramError):
        list(arrows(line))


def test_no_class_name_occurs_twice_in_the_package() -> None:
    """Two classes of one name are two meanings of one word."""
    found = [
        node.name
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert sorted({name for name in found if found.count(name) > 1}) == []
