"""Where logs come from, and how they name their fields. A new source is one row here.

Names are paths into a row: `usage.input` is `input` in the object `usage`, and `a.*` any value of
the object `a`. The first name that is there counts. Objects that were exported as text are read as
objects. Names compare without case, `_` and `-`, so `totalCost` is also `total_cost`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """`marks` are names of which a row of this source has at least one."""

    name: str
    marks: Names
    request: Names
    response: Names
    model: Names = ("model",)
    input_tokens: Names = ()
    output_tokens: Names = ()
    cost_usd: Names = ()
    seconds: Names = ()
    milliseconds: Names = ()
    started: Names = ()
    ended: Names = ()
    rating: Names = ()
    score: Names = ()
    gold: Names = ()
    workload: Names = ()
    calls_are: Mapping[str, Names] = field(default_factory=dict)
    """Values that a row must have to be a model call, by name."""
    failed_if: Mapping[str, Names] = field(default_factory=dict)


_OPENAI_IN = ("usage.prompt_tokens", "usage.input_tokens")
_OPENAI_OUT = ("usage.completion_tokens", "usage.output_tokens")


def _in(*places: str) -> Names:
    return tuple(f"{place}.{name}" for place in places for name in _OPENAI_IN)


def _out(*places: str) -> Names:
    return tuple(f"{place}.{name}" for place in places for name in _OPENAI_OUT)


SOURCES = (
    Source(
        "langfuse",
        marks=("trace_id", "project_id"),
        request=("input",),
        response=("output",),
        model=("model", "provided_model_name", "model_id"),
        input_tokens=("usage_details.input", "usage.input", "input_usage", "prompt_tokens"),
        output_tokens=("usage_details.output", "usage.output", "output_usage", "completion_tokens"),
        cost_usd=("cost_details.total", "total_cost", "calculated_total_cost"),
        seconds=("latency",),
        started=("start_time",),
        ended=("end_time",),
        rating=("scores.user-feedback", "scores.user_feedback", "scores.feedback", "scores.rating"),
        workload=("trace_name", "name"),
        calls_are={"type": ("GENERATION",)},
        failed_if={"level": ("ERROR",)},
    ),
    Source(
        "helicone",
        marks=("request_model", "helicone_user", "request_properties", "response_id"),
        request=("request_body", "request"),
        response=("response_body", "response"),
        model=("response_model", "request_model", "model", "response_body.model"),
        input_tokens=("prompt_tokens", *_in("response_body")),
        output_tokens=("completion_tokens", *_out("response_body")),
        cost_usd=("cost_usd", "cost", "costUSD"),
        milliseconds=("delay_ms", "latency", "latency_ms"),
        rating=("feedback_rating", "feedback.rating", "helicone_feedback"),
        score=("scores.*.value",),
        workload=("properties.workload", "request_properties.app"),
    ),
    Source(
        "litellm",
        marks=("call_type", "response_cost", "model_map_information", "litellm_params"),
        request=("proxy_server_request.body", "proxy_server_request", "messages", "kwargs"),
        response=("response",),
        model=("model", "model_group"),
        input_tokens=("prompt_tokens", *_in("response")),
        output_tokens=("completion_tokens", *_out("response")),
        cost_usd=("response_cost", "spend"),
        started=("startTime",),
        ended=("endTime",),
        workload=("metadata.user_api_key_alias", "request_tags.0"),
        failed_if={"status": ("failure",)},
    ),
    Source(
        "azure",
        marks=(
            "properties.requestBody",
            "properties.backendRequestBody",
            "BackendRequestBody",
            "RequestBody",
        ),
        request=(
            "properties.requestBody",
            "properties.backendRequestBody",
            "BackendRequestBody",
            "RequestBody",
        ),
        response=(
            "properties.responseBody",
            "properties.backendResponseBody",
            "BackendResponseBody",
            "ResponseBody",
        ),
        model=(
            "properties.modelDeploymentName",
            "properties.responseBody.model",
            "BackendResponseBody.model",
            "ResponseBody.model",
        ),
        input_tokens=_in("properties.responseBody", "BackendResponseBody", "ResponseBody"),
        output_tokens=_out("properties.responseBody", "BackendResponseBody", "ResponseBody"),
        milliseconds=("durationMs", "DurationMs", "TotalTime"),
    ),
    Source(
        "openai",
        marks=("request", "body", "response", "choices"),
        request=("request.body", "request", "body", "messages", "input"),
        response=("response.body", "response", "choices", "output"),
        model=(
            "response.body.model",
            "response.model",
            "request.body.model",
            "request.model",
            "body.model",
            "model",
        ),
        input_tokens=(*_in("response.body", "response"), *_OPENAI_IN),
        output_tokens=(*_out("response.body", "response"), *_OPENAI_OUT),
        cost_usd=("cost_usd", "cost"),
        milliseconds=("latency_ms", "duration_ms"),
        rating=("rating", "feedback"),
        workload=("metadata.workload", "workload"),
    ),
    Source(
        "chat",
        marks=("messages", "conversations", "conversation"),
        request=("messages", "conversations", "conversation"),
        response=("answer", "completion", "response"),
        input_tokens=("input_tokens", *_OPENAI_IN),
        output_tokens=("output_tokens", *_OPENAI_OUT),
        cost_usd=("cost_usd", "cost"),
        milliseconds=("latency_ms",),
        rating=("rating", "feedback", "thumb"),
        score=("score",),
        gold=("gold", "reference"),
        workload=("workload", "category"),
    ),
    Source(
        "table",
        marks=("query", "prompt", "question", "input", "instruction", "user_message"),
        request=("query", "prompt", "question", "user_message", "input", "instruction"),
        response=("answer", "response", "completion", "output", "model_response", "reply"),
        model=("model", "model_name", "llm"),
        input_tokens=("input_tokens", "prompt_tokens", "tokens_in"),
        output_tokens=("output_tokens", "completion_tokens", "tokens_out"),
        cost_usd=("cost_usd", "cost", "total_cost", "price"),
        seconds=("latency_s", "seconds"),
        milliseconds=("latency_ms", "latency"),
        rating=("rating", "stars", "thumb", "thumbs", "feedback", "csat"),
        score=("score", "correct", "performance", "accuracy"),
        gold=("gold", "expected", "reference", "ground_truth", "label"),
        workload=("workload", "category", "eval_name", "task", "task_name", "dataset", "topic"),
    ),
)
"""All sources, in the order in which they are tried."""
