"""What the owner function loads at its start."""

import json
import subprocess
import sys

HEAVY = (
    "litellm",
    "dspy",
    "optuna",
    "numpy",
    "sklearn",
    "onnxruntime",
    "tokenizers",
    "typer",
    "rich",
)
CHECK = """
import json, sys
from functions.owner import handler
print(json.dumps(sorted(sys.modules)))
"""


def test_the_owner_function_loads_no_heavy_package_and_no_command() -> None:
    run = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    loaded = json.loads(run.stdout.splitlines()[-1])
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert [name for name in loaded if name.startswith("route_switch.cli")] == []
    assert [name for name in loaded if name.startswith("route_switch.optimizer")] == []
