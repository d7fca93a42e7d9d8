"""AWS usage of a month's requests, counted from what the router function does for each."""

import math

from route_switch.adapters.dynamodb_results import MAX_TEXT_BYTES
from route_switch.cost_estimate.bill import MONTH_DAYS, MONTH_S, BillLine
from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.domain.providers import KEYLESS, provider_of
from route_switch.domain.tokens import BYTES_PER_TOKEN
from route_switch.services.refreshed_value import REFRESH_AFTER_S

WAITING = "Lambda, waiting for models"

OVERHEAD_S = 0.02
"""The router's own time per request, with writing the record and a share of cold starts: 3 ms on a
desktop core, and a cold start of 0.5 s in at most every 50th request."""

RECORD_BYTES = 1_920
"""Size of a record without its texts, with model names as long as Bedrock's."""
DAY_BYTES, KEY_BYTES = 1_150, 1_000
"""Size of a shard's counters of a busy day, and of a busy key's month: every tier, reason and
response time occurs, with model names as long as Bedrock's."""
ENTRY_BYTES = 450
"""Size of a request's entry in the list of results, with model names as long as Bedrock's."""
TRANSACTIONAL = 2
"""A transactional write takes twice the units."""
INDEX_WRITES = 2
"""One entry in the learning index and one in the users index."""

SESSION_WRITES, SESSION_READS = 1, 1
"""The state of a session: an item of about 300 bytes, read consistently. A conversation's first
request does not read it; count it for all."""

METRIC_LINE_BYTES = 2_100
LAMBDA_LINES_BYTES = 400
"""Lambda's own START, END and REPORT lines."""
ACCESS_LINE_BYTES = 300
LOG_LINES = 5
EVENT_BYTES = 26
"""What CloudWatch adds to each log line."""
LOG_COMPRESSION = 0.15
"""Stored logs are charged by compressed size; AWS's own examples use this ratio."""

ANSWER_BYTES = 800
"""JSON and headers around the text of an answer."""
PROVIDER_CALL_BYTES = 1_000

TRACED_PER_S = 1
TRACED_SHARE = 0.05
"""X-Ray's default sampling: the first request of each second and 5% of the others."""

GB = 1024**3


def request_lines(deployment: Deployment, traffic: Traffic) -> tuple[BillLine, ...]:
    """Return a month's usage by service. Storage is that of the steady state, when requests begin
    to expire."""
    n = traffic.requests
    own = {**_times(deployment.gb_s(OVERHEAD_S), n), "lambda_requests": n}
    return (
        BillLine(WAITING, _times(deployment.gb_s(traffic.waiting_s), n)),
        BillLine("Lambda, all else", own),
        BillLine("API Gateway", {"api_requests": n}),
        BillLine("DynamoDB, writes and reads", _table_usage(deployment, traffic)),
        BillLine(
            f"DynamoDB, {deployment.config.retention_days} days kept", _kept(deployment, traffic)
        ),
        *_long_texts(deployment, traffic),
        BillLine("CloudWatch Logs", _logs(deployment, n)),
        *([BillLine("X-Ray", {"traces": _traced(n)})] if deployment.tracing else []),
        BillLine("Parameter Store", {"advanced_parameter_reads": _prompt_reads(traffic)}),
        BillLine("Data transfer", {"transfer_out_gb": n * _sent_bytes(deployment, traffic) / GB}),
    )


def item_bytes(deployment: Deployment, traffic: Traffic) -> int:
    """Return the bytes of a request's item."""
    return RECORD_BYTES + sum(each for each in _texts(deployment, traffic) if not _is_long(each))


def _table_usage(deployment: Deployment, traffic: Traffic) -> dict[str, float]:
    """One transaction per request, and its session. The key is read once a minute and process;
    count it per request."""
    sizes = (item_bytes(deployment, traffic), ENTRY_BYTES, DAY_BYTES, KEY_BYTES)
    units = sum(math.ceil(size / 1024) for size in sizes)
    writes = TRANSACTIONAL * units + INDEX_WRITES
    reads = 0.5
    if deployment.config.sessions == "on":
        writes, reads = writes + SESSION_WRITES, reads + SESSION_READS
    return {
        "dynamodb_writes": traffic.requests * writes,
        "dynamodb_reads": traffic.requests * reads,
    }


def _kept(deployment: Deployment, traffic: Traffic) -> dict[str, float]:
    months = deployment.config.retention_days / MONTH_DAYS
    gb = traffic.requests * (item_bytes(deployment, traffic) + ENTRY_BYTES) * months / GB
    return {
        "dynamodb_storage_gb": gb,
        **({"dynamodb_backup_gb": gb} if deployment.backups else {}),
    }


def _long_texts(deployment: Deployment, traffic: Traffic) -> tuple[BillLine, ...]:
    long = [each for each in _texts(deployment, traffic) if _is_long(each)]
    if not long:
        return ()
    months = deployment.config.retention_days / MONTH_DAYS
    usage = {
        "s3_puts": traffic.requests * len(long),
        "s3_storage_gb": traffic.requests * sum(long) * months / GB,
    }
    return (BillLine("S3, long texts", usage),)


def _texts(deployment: Deployment, traffic: Traffic) -> tuple[int, ...]:
    """Return the bytes of the conversation and of the answer, if the stage stores texts."""
    if deployment.config.text_storage != "full":
        return ()
    return (traffic.input_tokens * BYTES_PER_TOKEN, traffic.output_tokens * BYTES_PER_TOKEN)


def _is_long(text_bytes: int) -> bool:
    return text_bytes > MAX_TEXT_BYTES


def _logs(deployment: Deployment, requests: float) -> dict[str, float]:
    line_bytes = METRIC_LINE_BYTES + LAMBDA_LINES_BYTES + ACCESS_LINE_BYTES
    gb = requests * (line_bytes + LOG_LINES * EVENT_BYTES) / GB
    kept = gb * LOG_COMPRESSION * deployment.log_days / MONTH_DAYS
    return {"logs_gb": gb, "logs_storage_gb": kept}


def _traced(requests: float) -> float:
    """Return an upper bound: evenly spaced requests are nearly all first in their second."""
    first = min(requests, MONTH_S * TRACED_PER_S)
    return first + TRACED_SHARE * (requests - first)


def _prompt_reads(traffic: Traffic) -> float:
    """Return the reads of the prompt: once a minute and process, at most once a request. There are
    as many processes as concurrent requests."""
    concurrent = traffic.requests * (traffic.waiting_s + OVERHEAD_S) / MONTH_S
    return min(traffic.requests, MONTH_S / REFRESH_AFTER_S * max(concurrent, 1.0))


def _sent_bytes(deployment: Deployment, traffic: Traffic) -> int:
    """Return the bytes sent out per request: the answer, and the call to a provider outside AWS."""
    answer = ANSWER_BYTES + traffic.output_tokens * BYTES_PER_TOKEN
    models = deployment.config.models
    leaves_aws = any(provider_of(name) not in KEYLESS for name in models.names)
    call = PROVIDER_CALL_BYTES + traffic.input_tokens * BYTES_PER_TOKEN
    return answer + (call if leaves_aws else 0)


def _times(usage: dict[str, float], n: float) -> dict[str, float]:
    return {name: quantity * n for name, quantity in usage.items()}
