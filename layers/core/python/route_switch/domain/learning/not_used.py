"""Why a run did not use examples that it could have collected, in words."""

from collections.abc import Mapping

MERGED = "merged"
NOT_USED = {
    "attachments": "requests with attachments",
    "empty": "requests without text from the user",
    "continued": "requests that end in the start of an answer",
    "too_large": "requests of more than 1 MB",
    "beyond_memory": "sampled requests beyond what a run can hold in memory",
    "expired": "requests that expired before they were read",
    "unreadable": "records that could not be read",
    "withheld": "requests whose text may not be used for learning",
    "costly": "requests of one client that cost far more to learn from than those of others",
}
"""Reasons in words, by the names of `CollectedExamples.left_out`. Merged requests are missing: they
are used, with their weight. So are labels, which are not examples."""


def examples_not_used(left_out: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return reasons in words with their counts, the most frequent first."""
    named = ((NOT_USED[name], count) for name, count in left_out.items() if name in NOT_USED)
    return sorted((each for each in named if each[1] > 0), key=lambda each: -each[1])
