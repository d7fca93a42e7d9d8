"""What a conversation asks of the models that may continue it."""

from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import Attempt
from route_switch.domain.session_turns import LEFT_OUT
from route_switch.domain.signer import Signer
from route_switch.domain.tiers import Tier
from route_switch.services.continuation import ANY_MODEL, Continuation

SIGNED: tuple[JsonObject, ...] = (
    {"role": "assistant", "content": "Yes.", "thinking_blocks": [{"signature": "c2ln"}]},
)
PLAIN: tuple[JsonObject, ...] = ({"role": "assistant", "content": "Yes."},)


def attempt(model: str, tier: Tier | None = Tier.SMALL) -> Attempt:
    return Attempt(model, tier, "answered", 1.0, adjusted=("seed left out",))


def test_only_the_model_that_wrote_it_gets_signed_reasoning() -> None:
    from_a = Continuation("p/a", carries_state=True, signer=Signer("p/a"))

    assert from_a.messages_for("p/a", SIGNED, is_first=True) == SIGNED
    assert from_a.messages_for("p/a", SIGNED, is_first=False) == SIGNED
    assert from_a.messages_for("p/b", SIGNED, is_first=True) == PLAIN


def test_signed_reasoning_of_an_unknown_model_goes_to_one_model_only() -> None:
    unknown = Continuation(carries_state=True)

    assert unknown.messages_for("p/a", SIGNED, is_first=True) == SIGNED
    assert unknown.messages_for("p/b", SIGNED, is_first=False) == PLAIN


def test_what_was_left_out_is_noted_with_the_attempt() -> None:
    from_a = Continuation("p/a", carries_state=True, signer=Signer("p/a"))
    attempts = [attempt("p/router", None), attempt("p/a"), attempt("p/b")]

    noted = [each.adjusted for each in from_a.noted(attempts)]

    assert noted == [("seed left out",), ("seed left out",), ("seed left out", LEFT_OUT)]


def test_the_router_call_is_not_the_first_model_that_answers() -> None:
    attempts = [attempt("p/router", None), attempt("p/a"), attempt("p/b")]

    noted = list(Continuation(carries_state=True).noted(attempts))

    assert [LEFT_OUT in each.adjusted for each in noted] == [False, False, True]


def test_without_state_nothing_is_left_out_or_noted() -> None:
    assert ANY_MODEL.messages_for("p/b", SIGNED, is_first=False) is SIGNED
    assert list(ANY_MODEL.noted([attempt("p/b")])) == [attempt("p/b")]


def test_older_reasoning_of_another_model_is_left_out_for_the_signer() -> None:
    signer = Continuation(carries_state=True, signer=Signer("p/b", foreign_answers=1))
    user: JsonObject = {"role": "user", "content": "And now?"}

    sent = signer.messages_for("p/b", (*SIGNED, user, *SIGNED), is_first=True)

    assert sent == (*PLAIN, user, *SIGNED)
    assert [LEFT_OUT in each.adjusted for each in signer.noted([attempt("p/b")])] == [True]
    assert signer.messages_for("p/a", (*SIGNED, user, *SIGNED), is_first=True) == (
        *PLAIN,
        user,
        *PLAIN,
    )


def test_another_effort_of_the_same_model_leaves_the_cache_behind() -> None:
    last = Continuation(last_model="p/a (reasoning_effort=low)", history_tokens=900)

    assert last.left_behind("p/a (reasoning_effort=low)") == 0
    assert last.left_behind("p/a (reasoning_effort=low; temperature=0.5)") == 0
    assert last.left_behind("p/a (reasoning_effort=high)") == 900
    assert last.left_behind("p/a") == 900
    assert last.left_behind(None) == 900
