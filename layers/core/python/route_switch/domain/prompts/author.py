"""Who wrote a version of the prompt."""

from route_switch.domain.operations.amounts import NONE


def author_of(written_by: str) -> str:
    """Return who an ARN names, without its account: `user/ann`, `assumed-role/promoter/run`; `NONE`
    if Parameter Store does not say, as on the local stack."""
    if written_by in ("", "N/A"):
        return NONE
    return written_by.split(":", 5)[-1] if written_by.startswith("arn:") else written_by


def author_name(written_by: str) -> str:
    """Return the same in short: `ann`, or the session of a role."""
    author = author_of(written_by)
    return author.rpartition("/")[2] if written_by.startswith("arn:") else author
