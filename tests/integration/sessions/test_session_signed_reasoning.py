"""Sessions: signed reasoning goes to the model that signed it only."""

from dataclasses import replace as replaced

from pydantic import JsonValue

from tests.integration.conftest import Api
from tests.integration.session_turns import ASK, ON, SIGNED, routed_to, say, told
from tests.support.upstream import completion, failure


def test_signed_reasoning_stays_with_its_model(api: Api) -> None:
    routed_to(api, 3)

    answer = say(api, ASK + SIGNED)

    assert told(answer) == ("kept", "2", "session")
    assert "c2ln" in str(api.upstream.calls[-1])


def test_signed_reasoning_is_not_sent_to_another_model(api: Api) -> None:
    routed_to(api, 3, medium=failure(500))

    answer = say(api, ASK + SIGNED, {"x-route-debug": "1"})

    assert answer.headers["x-route-model"] == "openai/large"
    assert "c2ln" not in str(api.upstream.calls[-1])
    assert "signed reasoning of another model left out" in answer.headers["x-route-attempts"]


def test_after_a_fallback_signed_reasoning_still_goes_to_its_signer_only(api: Api) -> None:
    """The client sends it in every turn; nothing in the messages says which model signed it."""
    routed_to(api, 2, medium=failure(500))
    assert say(api, ASK + SIGNED).headers["x-route-model"] == "openai/large"
    signers = []
    routed_to(api, 3)
    for model in ("auto", "auto", "tier-1", "tier-2", "auto"):
        say(api, ASK + SIGNED + ON, model=model)
        sent = api.upstream.calls[-1]
        signers.append((sent["model"], "c2ln" in str(sent)))

    others, signer = [("large", False), ("large", False), ("small", False)], ("medium", True)
    assert signers == [*others, signer, signer]


def test_a_model_that_signs_in_its_turn_gets_its_own_reasoning_only(api: Api) -> None:
    block: dict[str, JsonValue] = {"type": "thinking", "thinking": "Two.", "signature": "bGFyZ2U"}
    reply = completion("Two tides.")
    assert isinstance(reply.body, dict)
    message: JsonValue = {"role": "assistant", "content": "Two.", "thinking_blocks": [block]}
    choice: JsonValue = {"index": 0, "message": message, "finish_reason": "stop"}
    signing = replaced(reply, body={**reply.body, "choices": [choice]})
    routed_to(api, 2, medium=failure(500), large=signing)
    say(api, ASK + SIGNED)
    answered: dict[str, object] = {**ON[0], "thinking_blocks": [block]}
    messages = [*ASK, *SIGNED, answered, ON[1]]
    routed_to(api, 1)

    answer = say(api, messages)
    sent = str(api.upstream.calls[-1])
    assert told(answer) == ("kept", "3", "session")
    assert ("c2ln" in sent, "bGFyZ2U" in sent) == (False, True)

    say(api, messages, model="tier-2")
    sent = str(api.upstream.calls[-1])
    assert ("c2ln" in sent, "bGFyZ2U" in sent) == (False, False)


def test_a_named_tier_is_not_sent_signed_reasoning_of_another_model(api: Api) -> None:
    answer = say(api, ASK + SIGNED, model="tier-3")

    assert told(answer) == (None, "3", "override")
    assert "c2ln" not in str(api.upstream.calls[-1])
