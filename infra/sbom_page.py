"""The bill of materials of the console's page, from its lock of npm packages."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from infra.licenses import refused

LOCK = Path("functions/console/page/package-lock.json")
_FOLDER = "node_modules/"


def page_bom(lock: Path = LOCK) -> dict[str, object]:
    """Return the packages that browsers load. What builds the page is not deployed.

    Raise `SystemExit` if a package states no license that is allowed.
    """
    packages = json.loads(lock.read_text())["packages"].items()
    shipped = {name: each for name, each in packages if name and not each.get("dev")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [_component(name, each) for name, each in sorted(shipped.items())],
    }


def _component(path: str, package: Mapping[str, str]) -> dict[str, object]:
    name, license_ = path.rpartition(_FOLDER)[2], package.get("license", "")
    if refused(license_):
        raise SystemExit(f"{name} of {LOCK} states the license '{license_}', which is not allowed.")
    algorithm, _, digest = package["integrity"].partition("-")
    purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": package["version"],
        "purl": purl,
        "hashes": [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": _hex(digest)}],
        "licenses": [{"expression": license_}],
    }


def _hex(digest: str) -> str:
    return base64.b64decode(digest).hex()
