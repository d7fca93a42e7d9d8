"""What the product is built from: licenses, locks, and what importing it does."""

import json
import re
import subprocess
import sys
from importlib.metadata import PathDistribution, distributions
from pathlib import Path

import pytest

from infra.licenses import license_of, refused
from infra.sbom import ARTIFACTS, installed_licenses, normalized, with_licenses
from infra.sbom_page import LOCK, page_bom

LOCKS = sorted((*Path(".requirements").rglob("*.txt"), *Path().glob("l*/*/requirements.txt")))
LOCKS += [Path("functions/optimizer/requirements.txt")]
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
WITH_A_BACKDOOR = {("litellm", "1.82.7"), ("litellm", "1.82.8")}

IMPORT_ALL = """
import importlib, pkgutil, socket
def refuse(*_, **__): raise AssertionError("an import uses the network")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.create_connection = refuse
import route_switch, route_switch_offline
from pathlib import Path
names = [f"functions.{each.parent.name}.handler" for each in Path("functions").glob("*/handler.py")]
print(len(names))
for package in (route_switch, route_switch_offline):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            names.append(module.name)
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def metadata(folder: Path, *lines: str) -> PathDistribution:
    info = folder / "x.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(("Name: x", "Version: 1", *lines)))
    return PathDistribution(info)


@pytest.mark.parametrize("package", list(distributions()), ids=lambda each: each.name)
def test_every_installed_package_has_an_allowed_license(package: PathDistribution) -> None:
    if package.name != "route-switch":
        assert refused(license_of(package)) == ()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("License-Expression: MIT AND (Apache-2.0 OR GPL-3.0-only)", ("GPL-3.0-only",)),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3", None),
        ("License: Proprietary", ("Proprietary",)),
        ("Summary: states nothing", ("unknown",)),
        ("License-Expression: BSD-2-Clause OR MIT", ()),
        ("Classifier: License :: OSI Approved :: MIT License", ()),
    ],
)
def test_a_license_that_is_not_listed_is_refused(
    tmp_path: Path, line: str, found: tuple[str, ...] | None
) -> None:
    names = refused(license_of(metadata(tmp_path, line)))
    assert names == found if found is not None else names


def test_no_lock_has_a_release_with_a_known_backdoor() -> None:
    pinned = {
        (name, version) for lock in LOCKS for name, version in PINNED.findall(lock.read_text())
    }
    assert ("litellm", "1.106.2") in pinned
    assert not pinned & WITH_A_BACKDOOR


def test_every_lock_pins_each_package_with_a_hash() -> None:
    for lock in LOCKS:
        text = lock.read_text()
        assert len(PINNED.findall(text)) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), lock
        for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block, (lock, block[:40])


def test_importing_the_package_and_each_handler_uses_no_network() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-800:]
    handlers, modules = map(int, done.stdout.split())
    assert handlers > 8
    assert modules > 400


def test_each_component_of_a_bill_of_materials_has_a_license() -> None:
    bom = {"components": [{"name": "Typing_Extensions"}, {"name": "only-on-another-platform"}]}
    found = with_licenses(bom, installed_licenses())
    license_ = [{"expression": "PSF-2.0"}]
    assert found["components"] == [{"name": "Typing_Extensions", "licenses": license_}]
    with pytest.raises(SystemExit, match="states no license"):
        with_licenses(bom, {"typing-extensions": ""})


def test_what_is_deployed_is_installed_here_with_its_license() -> None:
    licenses = installed_licenses()
    for lock in ARTIFACTS.values():
        names = {normalized(name) for name, _ in PINNED.findall(lock.read_text())}
        assert len(names & {*licenses}) >= len(names) - 2, lock


def test_the_consoles_packages_have_allowed_licenses_and_those_it_ships_are_in_its_bill() -> None:
    lock = json.loads(LOCK.read_text())["packages"]
    packages = {name: each for name, each in lock.items() if name}
    assert {
        name: each["license"] for name, each in packages.items() if refused(each["license"])
    } == {}
    components = page_bom()["components"]
    assert isinstance(components, list)
    assert {each["name"] for each in components} == {*lock[""]["dependencies"]}
    assert all(len(each["hashes"][0]["content"]) == 128 for each in components)  # SHA-512


def test_bandit_finds_only_what_has_a_reason_in_its_line() -> None:
    folders = ("layers/core", "layers/offline", "functions", "infra", "local")
    command = (sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-f", "json", "-r")
    done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert not report["errors"]
    unexplained = [
        f"{each['filename']}:{each['line_number']}: {each['test_id']} {each['issue_text']}"
        for each in report["results"]
        if not _has_a_reason(each)
    ]
    assert unexplained == []


def _has_a_reason(finding: dict[str, object]) -> bool:
    """Ruff knows bandit's rules by the same numbers; `noqa` names the rule and says why."""
    rule = str(finding["test_id"]).replace("B", "S", 1)
    lines = Path(str(finding["filename"])).read_text().splitlines()
    of_finding = finding["line_range"]
    assert isinstance(of_finding, list)
    said = " ".join(lines[number - 1] for number in of_finding)
    return re.search(rf"# noqa: [A-Z0-9, ]*{rule}\b.*[(-]\s*\w+", said) is not None


def test_workflows_use_actions_by_their_commit() -> None:
    workflows = "\n".join(file.read_text() for file in Path(".github/workflows").glob("*.yml"))
    used = re.findall(r"uses: (\S+)", workflows)
    assert len(used) >= 3
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)
