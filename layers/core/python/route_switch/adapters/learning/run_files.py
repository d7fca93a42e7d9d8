"""Read what a learning run left in the bucket, for a person who looks at the run."""

import json
from dataclasses import dataclass

from route_switch.adapters.learning.learning_bucket import PROGRESS, LearningBucket
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.report_facts import ReportFacts, report_facts
from route_switch.domain.learning.stored_run import ReportPage
from route_switch.domain.ports import JsonObject

REPORT, CANDIDATE_TEXT = "report.json", "candidate.md"
PAGES = {"report.html": "text/html", "report.md": "text/markdown"}
"""The forms of a report for people, best first, with their media types."""


@dataclass(frozen=True, slots=True)
class RunFilesReader:
    """Every method raises `StoreError` when S3 refuses or is unreachable."""

    bucket: LearningBucket

    def progress(self, run_id: str) -> JsonObject | None:
        """Return what the run last wrote about itself, or None. Nothing depends on it, so a file
        that cannot be read counts as missing."""
        try:
            content = self.bucket.work(run_id).read(PROGRESS)
            found = None if content is None else json.loads(content)
        except (StoreError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def report(self, run_id: str) -> ReportFacts | None:
        content = self.bucket.artifacts(run_id).read(REPORT)
        return None if content is None else report_facts(content)

    def candidate(self, run_id: str) -> str | None:
        content = self.bucket.artifacts(run_id).read(CANDIDATE_TEXT)
        return None if content is None else content.decode(errors="replace")

    def page(self, run_id: str, most_bytes: int) -> ReportPage | None:
        """Return the best form of the report that is not too long, or None."""
        for name, media_type in PAGES.items():
            content = self.bucket.artifacts(run_id).read(name)
            if content is not None and len(content) <= most_bytes:
                return ReportPage(media_type, content.decode(errors="replace"))
        return None

    def names(self, run_id: str) -> list[str]:
        prefix = f"runs/{run_id}/"
        return sorted(key.removeprefix(prefix) for key in self.bucket.names(prefix))
