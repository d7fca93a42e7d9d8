"""The console's page as committed: built from its sources, small, and safe by construction."""

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

CONSOLE = Path("functions/console")
PAGE, STATIC = CONSOLE / "page", CONSOLE / "static"
BUDGET_BYTES = 250_000
"""Of everything that a browser loads, compressed."""
NOT_SOURCES = {"node_modules", "out"}


def digests(folder: Path) -> dict[str, str]:
    files = (each for each in folder.rglob("*") if each.is_file())
    names = ((file.relative_to(folder), file) for file in files)
    return {
        name.as_posix(): sha256(file.read_bytes()).hexdigest()
        for name, file in names
        if name.parts[0] not in NOT_SOURCES
    }


def sources() -> list[Path]:
    return [each for each in (PAGE / "src").rglob("*") if each.suffix in (".ts", ".tsx", ".html")]


def test_the_page_was_built_from_its_sources() -> None:
    built = json.loads((CONSOLE / "built.json").read_text())
    assert digests(PAGE) == built["sources"], "Run 'make console' and commit what it builds."
    assert digests(STATIC) == built["static"], "Run 'make console' and commit what it builds."


def test_the_page_fits_its_budget() -> None:
    for suffix in (".br", ".gz"):
        assert sum(each.stat().st_size for each in STATIC.glob(f"*{suffix}")) <= BUDGET_BYTES


def test_compressed_files_hold_the_same_as_the_files_themselves() -> None:
    packed = list(STATIC.glob("*.gz"))
    assert packed
    for file in packed:
        assert gzip.decompress(file.read_bytes()) == file.with_suffix("").read_bytes()


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text())
    assert lock["packages"]
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert not [name for name, each in lock["packages"].items() if name and "integrity" not in each]


def test_no_source_writes_html_or_evaluates_text() -> None:
    unsafe = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|"
        r"new Function|localStorage|srcdoc|DOMParser|createContextualFragment"
    )
    found = {str(file): unsafe.findall(file.read_text()) for file in sources()}
    assert found
    assert not {file: words for file, words in found.items() if words}


def test_the_page_refers_to_nothing_but_its_own_relative_files() -> None:
    index = (STATIC / "index.html").read_text()
    references = re.findall(r'(?:src|href)="([^"]*)"', index)
    assert references
    for each in references:
        assert re.fullmatch(r"console/[\w.-]+", each)
        assert (STATIC / each.removeprefix("console/")).exists()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", index)


ALLOWED = {
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "MIT": "Permission is hereby granted",
}
"""Licenses of packages that are built into the page, and words of their texts."""


def test_licenses_of_shipped_packages_are_stated() -> None:
    packages = json.loads((PAGE / "package.json").read_text())["dependencies"]
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    stated = (STATIC / "THIRD-PARTY.txt").read_text()
    found = {name: locked[f"node_modules/{name}"] for name in packages}
    for name, package in found.items():
        assert f"{name} {package['version']} ({package['license']})" in stated
    for license_, words in ALLOWED.items():
        shipped = [each for each in found.values() if each["license"] == license_]
        assert stated.count(words) == len(shipped)
    assert {each["license"] for each in found.values()} <= ALLOWED.keys()
