"""`make weekly`: its output, and its requests for approval."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.support.checkout import linked_checkout

SMALL = {"candidates": 4, "trials": 2, "days": 2, "min_examples": 15}
QUERIES = 40
HEADLINES = {
    "not better": "# Keep the current prompt",
    "not enough evidence": "# Not enough evidence",
}
"""By verdict. The sample is drawn by the requests' ids, and so few rows allow no other verdict. By
chance, a constant policy may look clearly better than the current prompt."""


def test_a_week_on_the_offline_profile_ends_with_a_verdict_and_a_report(tmp_path: Path) -> None:
    checkout = linked_checkout(tmp_path)
    stages = json.loads(Path("cdk.json").read_text("utf-8"))["context"]["stages"]
    stages["local"]["learning"] |= SMALL
    done = subprocess.run(
        ["make", "weekly", f"QUERIES={QUERIES}"],
        cwd=checkout,
        env={**os.environ, "CDK_CONTEXT_JSON": json.dumps({"stages": stages})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout
    assert f"Sent {QUERIES} real queries" in printed
    assert re.search(r"simulated person's thumb.*: \d+ up, \d+ down", printed)
    told = re.findall(r"^ +[\d.]+ s  (\w+)", printed, re.MULTILINE)
    assert told == [
        "Claim",
        "Collect",
        "BuildOutcomes",
        "Optimize",
        "Evaluate",
        "Report",
        "Notify",
    ]
    assert "search, round 1" in printed
    [verdict] = [each for each in HEADLINES if f"\n{each}\n" in printed]
    assert "The API now routes with prompt live@1 (as before)." in printed
    assert "What was simulated:" in printed
    report = (checkout / ".local/weekly/report.md").read_text("utf-8")
    assert report.startswith((HEADLINES[verdict], "# Always Tier"))
    assert "</html>" in (checkout / ".local/weekly/report.html").read_text("utf-8")
    assert not (checkout / ".local/stack.json").exists()
