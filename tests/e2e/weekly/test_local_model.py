"""On the local stack, a candidate with a local model goes live, routes, and is rolled back."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import to_markdown
from tests.e2e.conftest import RouteSwitch
from tests.e2e.weekly.test_quality_drop import promote_candidate, restart_router
from tests.support.local_models import numbers, with_local_model
from tests.support.roles import denials, without_grant
from tests.support.weekly import Weekly

HELLO, PROVE = "hello " * 20, "prove " * 20
HYBRID = with_local_model(packaged_prompt(), "hybrid", ask_below=0.2)


@pytest.fixture
def state(weekly: Weekly) -> Path:
    return weekly.logs.parent


def decided(weekly: Weekly, text: str) -> tuple[int, bool, str]:
    """Return the tier, whether the router LLM was asked, and the prompt version."""
    body = {"messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {weekly.stack.api_key}"}
    answer = httpx.post(f"{weekly.stack.endpoint}/v1/route", json=body, headers=headers, timeout=30)
    decision: dict[str, Any] = answer.raise_for_status().json()
    return decision["tier"], decision["router_tokens"] > 0, decision["prompt_version"]


@pytest.mark.usefixtures("models")
def test_a_local_model_goes_live_routes_and_is_rolled_back(
    weekly: Weekly, state: Path, route_switch: RouteSwitch
) -> None:
    first, _ = weekly.live
    document = promote_candidate(weekly, HYBRID)
    assert weekly.live == (first + 1, document)
    stored = weekly.client("s3").list_objects_v2(
        Bucket=weekly.stack.learning_bucket, Prefix="models/"
    )
    assert [each["Key"] for each in stored["Contents"]] == [f"models/{numbers().sha256}.json"]

    restart_router(weekly)
    assert decided(weekly, PROVE) == (3, False, f"live@{first + 1}")
    assert decided(weekly, HELLO) == (2, True, f"live@{first + 1}")

    with without_grant(weekly.stack, "RouterRole", "s3:GetObject", on="/models/*"):
        restart_router(weekly)
        assert decided(weekly, PROVE) == (2, True, f"live@{first + 1}"), "the prompt decides"
    assert all("/models/" in denied for denied in denials(state))

    assert route_switch("prompt", "rollback").exit_code == 0
    assert weekly.live == (first + 2, to_markdown(packaged_prompt()))
    restart_router(weekly)
    assert decided(weekly, PROVE) == (2, True, f"live@{first + 2}")
    assert route_switch("prompt", "rollback").exit_code == 0
    restart_router(weekly)
    assert decided(weekly, PROVE) == (3, False, f"live@{first + 3}")
