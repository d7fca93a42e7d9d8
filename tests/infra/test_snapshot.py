"""The template of stage prod as a reviewer reads it: `make snapshot` writes it anew.

Names that change with every change of code are left out, so that a difference is one of the stack.
"""

import json
import os
import re
from pathlib import Path

from tests.infra.conftest import Synthesized

SNAPSHOT = Path(__file__).with_name("snapshots") / "prod.template.json"
OF_CODE = (
    (r"\b[0-9a-f]{64}\b", "<asset>"),
    (r"(CurrentVersion\w{8})[0-9a-f]{32}", r"\1<version>"),
    (r"(ApiRestDeployment\w{8})[0-9a-f]{32}", r"\1<deployment>"),
)


def as_reviewed(template: str) -> str:
    for pattern, name in OF_CODE:
        template = re.sub(pattern, name, template)
    return json.dumps(json.loads(template), indent=1, sort_keys=True) + "\n"


def test_the_template_is_the_one_that_was_reviewed(prod: Synthesized) -> None:
    found = as_reviewed(prod.text)
    if "UPDATE_SNAPSHOT" in os.environ:
        SNAPSHOT.write_text(found, encoding="utf-8")
    reviewed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    changed = sorted(set(found.splitlines()) - set(reviewed))
    assert found.splitlines() == reviewed, (
        f"The template has changed, here among others: {changed[:5]}. If that is meant, run "
        "'make snapshot' and commit the difference."
    )
