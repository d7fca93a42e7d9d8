"""Which web pages may call the API (CORS)."""

from aws_lambda_powertools.event_handler import CORSConfig

ALLOWED_HEADERS = [
    "Idempotency-Key",
    *("OpenAI-Beta", "OpenAI-Organization", "OpenAI-Project"),
    *("x-request-id", "x-route-debug", "x-route-profile", "x-session-id"),
    *("x-api-key", "anthropic-version", "anthropic-beta"),
    *("anthropic-dangerous-direct-browser-access", "x-stainless-helper"),
    *(f"x-stainless-{name}" for name in ("arch", "async", "helper-method", "lang", "os")),
    *(f"x-stainless-{name}" for name in ("package-version", "retry-count", "runtime")),
    *("x-stainless-runtime-version", "x-stainless-timeout"),
]
"""What this API reads, and what OpenAI's and Anthropic's clients send."""
EXPOSED_HEADERS = [
    *("Retry-After", "request-id", "x-request-id", "x-should-retry"),
    *(f"x-route-{name}" for name in ("cost-usd", "debug", "model", "prompt-version")),
    *(f"x-route-{name}" for name in ("profile", "reason", "session", "session-saved-usd")),
    *("x-route-skipped", "x-route-tier"),
]
MAX_AGE_S = 600


def cors_config(origins: str) -> CORSConfig | None:
    """`origins` is a list with commas, as in the environment; None allows no page."""
    if not origins:
        return None
    first, *others = origins.split(",")
    return CORSConfig(
        allow_origin=first,
        extra_origins=others,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        max_age=MAX_AGE_S,
    )
