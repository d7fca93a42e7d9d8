"""The template of stage prod, for reviewers. `make snapshot` rewrites it.

Hashes that change with every change of code are replaced, so that a difference is one of the stack.
"""

import json
import os
import re
from pathlib import Path

from tests.infra.conftest import Synthesized

SNAPSHOT = Path(__file__).with_name("snapshots") / "prod.template.json"
HASHES = (
    (r"\b[0-9a-f]{64}\b", "<asset>"),
    (r"(CurrentVersion\w{8})[0-9a-f]{32}", r"\1<version>"),
    (r"(ApiRestDeployment\w{8})[0-9a-f]{32}", r"\1<deployment>"),
)


def without_hashes(template: str) -> str:
    for pattern, name in HASHES:
        template = re.sub(pattern, name, template)
    return json.dumps(json.loads(template), indent=1, sort_keys=True) + "\n"


def test_the_template_matches_the_reviewed_snapshot(prod: Synthesized) -> None:
    found = without_hashes(prod.text)
    if "UPDATE_SNAPSHOT" in os.environ:
        SNAPSHOT.write_text(found, encoding="utf-8")
    reviewed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    changed = sorted(set(found.splitlines()) - set(reviewed))
    assert found.splitlines() == reviewed, (
        f"The template has changed, for example: {changed[:5]}. If you intended that, run "
        "'make snapshot' and commit the difference."
    )
