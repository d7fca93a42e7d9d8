"""The results table: the format that writers and readers share.

Keys are `pk` and `sk`:

    RESULT#<request id>             RESULT    the record; `record` and `replay` are JSON
    RESULT#<request id>             FEEDBACK  feedback on the answer
    TIME#<YYYY-MM-DD>#<shard>       <time>#…  what the list of results shows of a request:
                                              `listed_results`
    DAY#<YYYY-MM-DD>#<shard>        TOTALS    counters of the day: total, by tier, by model, and
                                              of routing by prompt version
    KEY#<key id>#<YYYY-MM>#<shard>  TOTALS    counters of the key's month
    RATE#<key id>#<minute>          LIMIT     requests in the key's minute: `dynamodb_limits`
    BUDGET#<key id>#<YYYY-MM>       BUDGET    what the key has spent or reserved: `dynamodb_limits`
    SESSION#<digest>                STATE     what a session's last answer left behind, for a day:
                                              `dynamodb_sessions`
    LOCK#prompt                     LOCK      who is changing the live prompt: `prompt_lock`
    LOCK#learning                   LOCK      which run is learning: `dynamodb_runs`
    RUNS                            <run id>  runs of the weekly workflow: `dynamodb_runs`
    FORGOTTEN                       <request id>  deleted requests: `dynamodb_deletion`
    AUDIT#<YYYY-MM>                 <time>#…  who changed what: `dynamodb_audit`
    COUNTED#<request id>            COUNTED   a deleted request, whose counters stay: a copy of its
                                              record from the queue or the log must not count again
    DRIFT#DAYS                      <day>     the daily drift checks: `dynamodb_drift`
    REJECTED                        <id>      what `records replay` could not read, and why
    LEARNING#<YYYY-MM>              CAP       what learning spent, total and by run: `dynamodb_cap`
    QUALITY#<prompt version>        FEEDBACK, CLIENT#<client>  sums of its answers' scores, and
    QUALITY#ROLLBACK, …#REJECTED              what followed from them: `dynamodb_quality`

Counters are spread over `SHARDS` items, so that none becomes hot. A record, its
feedback and its entry in the list expire at `expires_at`; counters stay.

`learning:…` and counters that start with a prompt version (`live@7:tier:1`, `live@7:length:2`;
about 150 bytes per version and day) count the requests that learning samples: routed, answered by
any model, with their text stored. The former count those that can be replayed, and those that
cannot, by reason. The latter count, among those that can, what routing chose and how long the query
was. A request whose router failed is counted by length only.

`shadow:…` counts requests in shadow: `domain.shadow` and `domain.shadow_counters`.

Requests to learn from are also in the index `Learning`, with the keys `learn_pk` and `learn_sk`;
records without these attributes are not in it:

    LEARN#<YYYY-MM-DD>#<bucket>     <position>  a record that can be replayed
    FEEDBACK#<YYYY-MM-DD>           <position>  feedback; the day is the request's

The position is the request's place on the circle of `domain.sampling`, as 16 hex digits; the bucket
is its first digit. An arc therefore touches few buckets, and writes spread evenly over the 16
buckets of a day and within each. 1,000 requests/s are 63 per second and bucket; a partition takes
1,000. The index contains only keys (about 150 bytes), so it adds one write unit per request.

Requests that named a user are in the index `UsersByKey`, so that a user's requests can be deleted.
Its keys are `user_pk`, `USER#<user>#<bucket>` with the bucket as above, and `key_id`: a key's own
requests are read without those of other keys under the same name. It adds another write unit. So
does its predecessor, the index `Users`, which nothing reads: an update of a table cannot both add
and remove an index, so the next release removes it.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from route_switch.domain.ports import JsonObject, TextStore
from route_switch.domain.request_record import NotReplayable
from route_switch.domain.sampling import position_of
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import LENGTH_BUCKETS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

SHARDS = 16
RUN_COUNTER = "run:"
"""Prefix of a run's counter in the item of its month."""
LEARNING_INDEX = "Learning"
LEARNING_KEYS = ("learn_pk", "learn_sk")
TOTAL_SK, CLIENT_SK = "FEEDBACK", "CLIENT#"
"""Sort keys of the sums of feedback on a prompt version: of all clients, and of one."""
USERS_INDEX = "UsersByKey"
USERS_KEYS = ("user_pk", "key_id")
FORMER_USERS_INDEX = "Users"
UNKNOWN_AT_MOST = "unknown_at_most_usd"
"""Counter of the bounds of unknown costs, of requests that only the log's announcement knows."""
FORGOTTEN = "FORGOTTEN"
REJECTED = "REJECTED"
TEXTS = ("query_text", "answer_text", "replay")
"""Texts that may be too long for an item. Those are stored in S3, and `<text>_s3` holds their
key."""

_BUCKET_BITS = 60


def item_key(pk: str, sk: str) -> "Item":
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def record_key(request_id: str) -> "Item":
    return item_key(f"RESULT#{request_id}", "RESULT")


def counted_key(request_id: str) -> "Item":
    return item_key(f"COUNTED#{request_id}", "COUNTED")


def feedback_key(request_id: str) -> "Item":
    return item_key(f"RESULT#{request_id}", "FEEDBACK")


def request_id_of(item: "Mapping[str, AttributeValueTypeDef]") -> str:
    return item["pk"]["S"].removeprefix("RESULT#")


def session_key(session_id: str) -> "Item":
    return item_key(f"SESSION#{session_id}", "STATE")


def rate_key(key_id: str, now: datetime) -> "Item":
    return item_key(f"RATE#{key_id}#{now:%Y-%m-%dT%H:%M}", "LIMIT")


def budget_key(key_id: str, month: str) -> "Item":
    return item_key(f"BUDGET#{key_id}#{month}", "BUDGET")


def day_key(day: date, shard: int) -> "Item":
    return item_key(f"DAY#{day:%Y-%m-%d}#{shard}", "TOTALS")


def month_key(key_id: str, month: str, shard: int) -> "Item":
    """`month` is `YYYY-MM`, here and below."""
    return item_key(f"KEY#{key_id}#{month}#{shard}", "TOTALS")


def cap_key(month: str) -> "Item":
    return item_key(f"LEARNING#{month}", "CAP")


def quality_key(prompt_version: str, client: str | None = None) -> "Item":
    """`prompt_version` is the recorded name, such as `live@7`; without `client`, the sums are of
    all clients."""
    sk = TOTAL_SK if client is None else f"{CLIENT_SK}{client}"
    return item_key(f"QUALITY#{prompt_version}", sk)


def learning_counter(reason: NotReplayable | None) -> str:
    """Return the counter of routed requests that can be replayed, or cannot for this reason."""
    return "learning:replayable" if reason is None else f"learning:{reason.value}"


def routed_counters(prompt_version: str) -> tuple[list[str], list[str]]:
    """Return the names of the counters by tier, and by length bucket (`domain.learning.drift`)."""
    return (
        [f"{prompt_version}:tier:{tier.value}" for tier in Tier],
        [f"{prompt_version}:length:{length}" for length in LENGTH_BUCKETS],
    )


def record_in_index(request_id: str, day: date) -> "Item":
    position = position_of(request_id)
    return _index_key(learning_bucket(day, position), as_hex(position))


def feedback_in_index(request_id: str, day: date) -> "Item":
    return _index_key(feedback_day(day), as_hex(position_of(request_id)))


def user_in_index(request_id: str, user: str) -> "Item":
    bucket = position_of(request_id) >> _BUCKET_BITS
    return {USERS_KEYS[0]: {"S": user_partitions(user)[bucket]}}


def user_partitions(user: str) -> list[str]:
    return [f"USER#{user}#{bucket:x}" for bucket in range(16)]


def learning_bucket(day: date, position: int) -> str:
    return f"LEARN#{day:%Y-%m-%d}#{position >> _BUCKET_BITS:x}"


def feedback_day(day: date) -> str:
    return f"FEEDBACK#{day:%Y-%m-%d}"


def buckets(first: int, last: int) -> list[tuple[int, int]]:
    """Split the positions from `first` to `last` at bucket boundaries."""
    return [
        (max(first, bucket << _BUCKET_BITS), min(last, ((bucket + 1) << _BUCKET_BITS) - 1))
        for bucket in range(first >> _BUCKET_BITS, (last >> _BUCKET_BITS) + 1)
    ]


def as_hex(position: int) -> str:
    """Use a fixed width, so that strings sort like numbers."""
    return f"{position:016x}"


def read_record(item: "Mapping[str, AttributeValueTypeDef]", texts: TextStore) -> JsonObject:
    """Return the record. A long text that has left S3 is None."""
    content: JsonObject = json.loads(item["record"]["S"])
    for field in ("query_text", "answer_text"):
        if f"{field}_s3" in item:
            content[field] = texts.get(item[f"{field}_s3"]["S"])
    return content


def read_replay(item: "Mapping[str, AttributeValueTypeDef]", texts: TextStore) -> JsonObject | None:
    """Return `Replay` without its empty fields, or None if there is none or it has left S3."""
    text = item["replay"]["S"] if "replay" in item else None
    if "replay_s3" in item:
        text = texts.get(item["replay_s3"]["S"])
    content: JsonObject | None = None if text is None else json.loads(text)
    return content


def _index_key(pk: str, sk: str) -> "Item":
    return {name: {"S": value} for name, value in zip(LEARNING_KEYS, (pk, sk), strict=True)}
