"""The live prompt changes in only one way, and never silently overwrites another change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import (
    LocalModelError,
    PromptConflictError,
    PromptError,
    StoreError,
    UnprovenEvidenceError,
)
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.ports import StoredPrompt, StoredVersion
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.prompts.verdict_scope import Scope, stage_scope
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import Demo, Provenance, RoutingPrompt
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.prompts.publish_prompt import PublishPrompt, Rollback
from tests.support.local_models import MemoryModels, numbers, with_local_model

LIVE = packaged_prompt()
A = to_markdown(LIVE)
B, C = A.replace("a greeting", "a thank-you"), A.replace("a greeting", "a farewell")


class FakePrompts:
    """Parameter Store. `console` is written without the lock, just before the next put."""

    def __init__(self, *documents: str) -> None:
        self.documents = list(documents)
        self.console: list[str] = []
        self.locked = False
        self.outage = False

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        number = len(self.documents) if version is None else version
        if not 1 <= number <= len(self.documents):
            return None
        return StoredPrompt(self.documents[number - 1], number)

    def read_seed(self) -> StoredPrompt | None:
        return None

    def put_live(self, document: str) -> int:
        assert self.locked
        if self.outage:
            raise ConnectionError
        self.documents += [*self.console, document]
        return len(self.documents)

    def versions(self) -> tuple[StoredVersion, ...]:
        at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        return tuple(
            StoredVersion(document, number, at, "user/alice")
            for number, document in enumerate(self.documents, 1)
        )

    @contextmanager
    def hold(self) -> Iterator[None]:
        assert not self.locked
        self.locked = True
        try:
            yield
        finally:
            self.locked = False


def publisher(prompts: FakePrompts, models: MemoryModels | None = None) -> PublishPrompt:
    return PublishPrompt(prompts, prompts, prompts, models or MemoryModels())


SCOPE: Scope = {"tiers": "a/s,a/m,a/l", "router": "a/r", "prices": "1/2,3/4,5/6,?", "lambda": 0.2}


def current() -> Scope:
    return SCOPE


def candidate(**provenance: str | float) -> RoutingPrompt:
    changed = LIVE.model_copy(update={"instruction": LIVE.instruction + "\n- a haiku"})
    return found_better(changed, **provenance)


def found_better(changed: RoutingPrompt, **provenance: str | float) -> RoutingPrompt:
    known: Provenance = {"origin": "learned", "incumbent": LIVE.version, "verdict": "better"}
    about: Provenance = {"content": changed.version, **dict(SCOPE)}
    return changed.model_copy(update={"provenance": known | about | provenance})


def test_a_document_goes_live_unchanged() -> None:
    prompts = FakePrompts(A)
    assert publisher(prompts)(B + "\n\n", 1) == 2
    assert prompts.documents == [A, B + "\n\n"]


def test_the_first_version_has_no_base() -> None:
    assert publisher(FakePrompts())(A, None) == 1


@pytest.mark.parametrize("base", [1, 3, None])
def test_a_change_based_on_an_older_version_is_refused(base: int | None) -> None:
    prompts = FakePrompts(A, B)
    with pytest.raises(PromptConflictError) as error:
        publisher(prompts)(C, base)
    assert prompts.documents == [A, B]
    for words in ("version 2 is live", "user/alice", "2026-03-01 12:00 UTC", "--base 2"):
        assert words in str(error.value)


def test_a_change_based_on_a_deleted_prompt_is_refused() -> None:
    with pytest.raises(PromptConflictError, match="the live prompt no longer exists"):
        publisher(FakePrompts())(A, 7)


def test_a_document_that_is_already_live_makes_no_new_version() -> None:
    prompts = FakePrompts(A, B)
    assert publisher(prompts)(B, 1) == 2
    assert prompts.documents == [A, B]


def test_a_broken_document_does_not_go_live() -> None:
    prompts = FakePrompts(A)
    with pytest.raises(PromptError):
        publisher(prompts)("no prompt", 1)
    assert prompts.documents == [A]


def test_an_overwritten_change_is_reported_and_can_be_restored() -> None:
    prompts = FakePrompts(A)
    prompts.console = [C]
    with pytest.raises(PromptConflictError, match=r"version 3 instead of 2.*rollback --to 2"):
        publisher(prompts)(B, 1)
    assert prompts.documents == [A, C, B]


def test_the_lock_is_released_when_a_change_fails() -> None:
    prompts = FakePrompts(A)
    prompts.outage = True
    with pytest.raises(ConnectionError):
        publisher(prompts)(B, 1)
    assert not prompts.locked


@pytest.mark.parametrize("artifact", [to_json(candidate()), to_markdown(candidate())])
def test_a_better_candidate_goes_live_as_markdown(artifact: str) -> None:
    prompts = FakePrompts(A)
    assert publisher(prompts).promote(artifact, current) == 2
    assert prompts.documents[-1] == to_markdown(candidate())


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        ({"verdict": "not better"}, "verdict 'not better'"),
        ({"verdict": "not enough evidence"}, "verdict 'not enough evidence'"),
        ({"incumbent": "0123456789ab"}, f"prompt 0123456789ab, but version 1.*{LIVE.version}"),
    ],
)
def test_any_other_candidate_goes_live_only_by_force(
    provenance: dict[str, str], reason: str
) -> None:
    prompts, artifact = FakePrompts(A), to_json(candidate(**provenance))
    with pytest.raises(PromptError, match=reason):
        publisher(prompts).promote(artifact, current)
    assert prompts.documents == [A]
    assert publisher(prompts).promote(artifact, current, force=True) == 2


EDITED: dict[str, dict[str, object]] = {
    "criteria": {"instruction": f"{candidate().instruction}\n- every question of mathematics"},
    "demos": {"demos": (Demo(query="hello", tier=Tier.SMALL),)},
}


@pytest.mark.parametrize("what", EDITED)
def test_a_candidate_that_was_edited_after_its_verdict_goes_live_only_by_force(what: str) -> None:
    prompts, edited = FakePrompts(A), candidate().model_copy(update=EDITED[what])
    for artifact in (to_json(edited), to_markdown(edited)):
        with pytest.raises(PromptError) as refused:
            publisher(prompts).promote(artifact, current)
        assert f"content {candidate().version} → {edited.version}." in str(refused.value)
    assert prompts.documents == [A]
    assert publisher(prompts).promote(to_json(edited), current, force=True) == 2


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("tiers", "s,m,l"),
        ("router", "local/encoder"),
        ("prices", "1/2,3/4,5/7,?"),
        ("lambda", 0.3),
    ],
)
def test_a_verdict_with_other_models_prices_or_lambda_does_not_count(
    name: str, other: str | float
) -> None:
    prompts = FakePrompts(A)
    with pytest.raises(PromptError) as refused:
        publisher(prompts).promote(to_json(candidate(**{name: other})), current)
    assert f"something else: {name} {other} → {SCOPE[name]}. Optimize again" in str(refused.value)
    assert prompts.documents == [A]


def test_a_candidate_of_an_earlier_release_does_not_say_what_its_verdict_is_about() -> None:
    kept = {"incumbent": LIVE.version, "verdict": "better", "tiers": SCOPE["tiers"]}
    old = candidate().model_copy(update={"provenance": kept})
    with pytest.raises(PromptError, match=r"content not stated → \w+; router not stated → a/r; "):
        publisher(FakePrompts(A)).promote(to_json(old), current)


def test_the_scope_of_a_stage_names_everything_that_a_gain_depends_on() -> None:
    tiers = {tier: TierModels(model=f"openai/{tier.name.lower()}") for tier in Tier}
    price = Price(input_usd_per_million=0.15, output_usd_per_million=0.6)
    cached = price.model_copy(update={"cached_input_usd_per_million": 0.075})
    prices = {"openai/small": price, "openai/medium": cached}
    catalog = ModelCatalog(tiers=tiers, router="openai/router", prices=prices)
    config = RouterConfig(models=catalog)
    scope = stage_scope(config, LearningConfig())
    assert scope == {
        "tiers": "openai/small,openai/medium,openai/large",
        "router": "openai/router",
        "prices": f"0.15/0.6,{str(scope['prices']).split(',')[1]},?,?",
        "settings": "safe=2 bypass=8 input=1000 output=-/-/-",
        "lambda": 0.2,
    }
    assert str(scope["prices"]).split(",")[1].startswith("0.15/0.6+")
    limited = tiers | {Tier.LARGE: TierModels(model="openai/large", max_output_tokens=500)}
    changes: list[RouterConfig] = [
        config.model_copy(update={"bypass_tokens": 0}),
        config.model_copy(update={"strategy": "local"}),
        config.model_copy(update={"safe_tier": Tier.LARGE}),
        config.model_copy(update={"models": catalog.model_copy(update={"tiers": limited})}),
        config.model_copy(update={"models": catalog.model_copy(update={"prices": {}})}),
    ]
    assert all(stage_scope(changed, LearningConfig()) != scope for changed in changes)
    own = LearningConfig(
        prices={"openai/large": price}
    )  # which runs use, and so does their verdict
    assert str(stage_scope(config, own)["prices"]).split(",")[2] == "0.15/0.6"


def test_a_prompt_that_was_never_compared_is_not_a_candidate() -> None:
    for live in (A, "broken"):
        with pytest.raises(PromptConflictError, match="no incumbent"):
            publisher(FakePrompts(live)).promote(B, current)
    compared = LIVE.model_copy(update={"provenance": {"incumbent": LIVE.version}})
    with pytest.raises(PromptError, match="no verdict"):
        publisher(FakePrompts(A)).promote(to_markdown(compared), current)


def test_promoting_a_live_candidate_does_nothing() -> None:
    prompts = FakePrompts(A, to_markdown(candidate()))
    assert publisher(prompts).promote(to_json(candidate()), current) == 2
    assert len(prompts.documents) == 2


def test_force_does_not_make_a_broken_candidate_live() -> None:
    short = LIVE.model_copy(update={"instruction": "Tier 1:\n- all"})
    with pytest.raises(PromptError, match="tier 2"):
        publisher(FakePrompts(A)).promote(to_json(short), current, force=True)


def test_a_rollback_uses_the_newest_different_content_that_can_be_served() -> None:
    prompts = FakePrompts(A, B, "broken", C, C)
    assert publisher(prompts).roll_back() == Rollback(before=5, content_of=2, version=6)
    assert prompts.documents[-1] == B
    assert publisher(prompts).roll_back() == Rollback(before=6, content_of=5, version=7)


def test_a_rollback_of_a_broken_prompt_works() -> None:
    assert publisher(FakePrompts(A, "broken")).roll_back() == Rollback(2, 1, 3)


def test_a_rollback_may_name_its_version() -> None:
    prompts = FakePrompts(A, B, C)
    assert publisher(prompts).roll_back(1) == Rollback(before=3, content_of=1, version=4)
    with pytest.raises(PromptError, match="no version 9"):
        publisher(prompts).roll_back(9)


def test_without_an_older_version_a_rollback_is_refused() -> None:
    with pytest.raises(PromptError, match="no older version"):
        publisher(FakePrompts(A, A)).roll_back()
    with pytest.raises(PromptError, match="no live prompt"):
        publisher(FakePrompts()).roll_back()


HYBRID = found_better(with_local_model(LIVE, "hybrid"))


@pytest.mark.parametrize("force", [False, True])
def test_a_candidate_with_a_local_model_goes_live_as_markdown_that_names_the_stored_numbers(
    force: bool,
) -> None:
    prompts, models = FakePrompts(A), MemoryModels()
    assert publisher(prompts, models).promote(to_json(HYBRID), current, force=force) == 2
    assert prompts.documents[-1] == to_markdown(HYBRID)
    assert models.stored == {numbers().sha256: numbers()}


def test_a_json_file_with_numbers_is_pushed_as_markdown() -> None:
    prompts, models = FakePrompts(A), MemoryModels()
    assert publisher(prompts, models)(to_json(HYBRID), 1) == 2
    assert prompts.documents[-1] == to_markdown(HYBRID)
    assert numbers().sha256 in models.stored


def test_the_numbers_are_stored_before_the_document_that_names_them() -> None:
    prompts, models = FakePrompts(A), MemoryModels()
    models.outage = True
    with pytest.raises(StoreError):
        publisher(prompts, models).promote(to_json(HYBRID), current)
    assert prompts.documents == [A]


def test_promoting_what_is_live_stores_lost_numbers_again() -> None:
    prompts, models = FakePrompts(A, to_markdown(HYBRID)), MemoryModels()
    assert publisher(prompts, models).promote(to_json(HYBRID), current, force=True) == 2
    assert len(prompts.documents) == 2
    assert models.get(numbers().sha256) == numbers()


def test_a_hand_edit_keeps_its_local_model_if_the_numbers_are_stored() -> None:
    edited = to_markdown(HYBRID).replace("a greeting", "a thank-you")
    assert publisher(FakePrompts(A), MemoryModels(numbers()))(edited, 1) == 2


def test_a_document_whose_numbers_are_nowhere_is_refused_with_what_to_do() -> None:
    prompts, document = FakePrompts(A), to_markdown(HYBRID)
    advice = r"not stored.*candidate\.json"
    with pytest.raises(LocalModelError, match=advice):
        publisher(prompts)(document, 1)
    for force in (False, True):
        with pytest.raises(LocalModelError, match=advice):
            publisher(prompts).promote(document, current, force=force)
    assert prompts.documents == [A]


def test_a_rollback_restores_a_local_model_and_skips_one_whose_numbers_are_gone() -> None:
    prompts = FakePrompts(A, to_markdown(HYBRID), B)
    assert publisher(prompts).roll_back().content_of == 1
    assert publisher(prompts, MemoryModels(numbers())).roll_back(2).version == 5
    with pytest.raises(LocalModelError, match="name another version with --to"):
        publisher(prompts).roll_back(2)


LOCAL_EDITS: dict[str, RoutingPrompt] = {
    "strategy": HYBRID.model_copy(update={"strategy": "local"}),
    "numbers": found_better(with_local_model(LIVE, "hybrid", numbers(0.3))),
    "ask_below": found_better(with_local_model(LIVE, "hybrid", ask_below=0.2)),
    "bypass_tokens": HYBRID.model_copy(update={"bypass_tokens": 30}),
}


@pytest.mark.parametrize("what", LOCAL_EDITS)
def test_a_verdict_does_not_cover_another_strategy_model_or_threshold(what: str) -> None:
    prompts, models = FakePrompts(A), MemoryModels(numbers(0.3), numbers())
    edited = LOCAL_EDITS[what].model_copy(update={"provenance": HYBRID.provenance})
    for artifact in (to_json(edited), to_markdown(edited)):
        with pytest.raises(PromptConflictError, match=f"content .* → {edited.version}"):
            publisher(prompts, models).promote(artifact, current)
    assert prompts.documents == [A]


@pytest.mark.parametrize(("base", "accepted"), [(2, True), (1, True), (3, False), (None, False)])
def test_a_document_that_is_live_is_accepted_from_its_own_base_only(
    base: int | None, accepted: bool
) -> None:
    """The call whose answer was lost may be repeated; any other base was read from elsewhere."""
    prompts = FakePrompts(A, B)
    if accepted:
        assert publisher(prompts)(B, base) == publisher(prompts).push(B, base) == 2
    else:
        for publish in (publisher(prompts), publisher(prompts).push, publisher(prompts).check):
            with pytest.raises(PromptConflictError, match="version 2 is live"):
                publish(B, base)
    assert prompts.documents == [A, B]


def test_a_put_that_was_repeated_by_the_client_is_still_the_same_change() -> None:
    assert publisher(FakePrompts(A, B, B))(B, 1) == 3
    with pytest.raises(PromptConflictError):
        publisher(FakePrompts(A, C, B))(B, 1)


def with_front_matter(document: str, lines: str) -> str:
    return document.replace('origin = "hand-written"\n', lines)


FORGED = {
    'verdict = "better"\n': ["verdict"],
    'origin = "learned"\n': ["origin"],
    'origin = "rollback to 1"\n': ["origin"],
    'origin = "hand-written"\ngain = 0.5\n': ["gain"],
    'origin = "hand-written"\npromise = "at most 1%"\npromise_for = "x"\n': ["promise"],
    'origin = "hand-written"\nbypas_tokens = 12\n': ["bypas_tokens"],
    'origin = "hand-written"\n"a b" = true\n': ["a b"],
}


@pytest.mark.parametrize("lines", FORGED)
def test_a_person_publishes_no_evidence_that_no_run_produced(lines: str) -> None:
    prompts = FakePrompts(A)
    document = with_front_matter(B, lines)
    for publish in (publisher(prompts).push, publisher(prompts).check):
        with pytest.raises(UnprovenEvidenceError) as error:
            publish(document, 1)
        for name in FORGED[lines]:
            assert f"'{name}'" in str(error.value)
    assert prompts.documents == [A]


def test_evidence_in_json_is_checked_as_in_markdown() -> None:
    forged = LIVE.model_copy(update={"provenance": {"origin": "learned", "verdict": "better"}})
    with pytest.raises(UnprovenEvidenceError, match="'origin', 'verdict'"):
        publisher(FakePrompts(A)).push(to_json(forged), 1)


@pytest.mark.parametrize("lines", ["", 'origin = "hand-written"\nauthor = "Ann"\nnote = "x"\n'])
def test_a_person_may_state_an_author_and_a_note(lines: str) -> None:
    assert publisher(FakePrompts(A)).push(with_front_matter(B, lines), 1) == 2


def test_an_edit_of_a_learned_version_keeps_its_evidence_whole_or_not_at_all() -> None:
    learned = to_markdown(candidate(gain=0.1))
    edited = learned.replace("a haiku", "a sonnet")
    prompts = FakePrompts(A, learned)
    for changed in ("gain = 0.1\n", "gain = 0.9\n", ""):
        document = edited.replace("gain = 0.1\n", changed)
        if changed == "gain = 0.1\n":
            publisher(prompts).check(document, 2)
        else:
            with pytest.raises(UnprovenEvidenceError, match=": 'gain'"):
                publisher(prompts).push(document, 2)
    assert publisher(prompts).push(edited, 2) == 3


def test_the_candidate_of_a_run_may_be_published_but_not_its_evidence_with_other_texts() -> None:
    prompts, document = FakePrompts(A), to_markdown(candidate())
    by_hand = PublishPrompt(prompts, prompts, prompts, MemoryModels(), lambda: [document])
    with pytest.raises(UnprovenEvidenceError):
        by_hand.push(document.replace("a haiku", "a sonnet"), 1)
    assert by_hand.push(document, 1) == 2


CONTROLS = ["\0", "\a", "\x1b[31m", "\v", "\f", "\x7f", "\x85", "\x9b", "\r", "\uffff"]


@pytest.mark.parametrize("character", CONTROLS)
def test_no_control_character_goes_live(character: str) -> None:
    prompts = FakePrompts(A)
    changed = LIVE.model_copy(update={"instruction": f"{LIVE.instruction}{character} - x"})
    for document in (
        f"{A}{character}",
        A.replace("greeting", f"gr{character}eeting"),
        to_json(changed),
    ):
        for publish in (publisher(prompts), publisher(prompts).push, publisher(prompts).check):
            with pytest.raises(PromptError, match=r"control character U\+"):
                publish(document, 1)
        with pytest.raises(PromptError, match=r"control character U\+"):
            publisher(prompts).promote(document, current, force=True)
    assert prompts.documents == [A]


HIDDEN = ["\u200b", "\u202e", "\u2066", "\u2060", "\ufeff", "\U000e0041"]


@pytest.mark.parametrize("character", HIDDEN)
def test_no_hidden_character_goes_live(character: str) -> None:
    """It could turn a line around or hide an instruction from the person who approves it."""
    prompts = FakePrompts(A)
    for document in (f"{A}{character}", A.replace("greeting", f"gr{character}eeting")):
        for publish in (publisher(prompts), publisher(prompts).push, publisher(prompts).check):
            with pytest.raises(PromptError, match=r"hidden character U\+"):
                publish(document, 1)
    assert prompts.documents == [A]


def test_the_place_of_a_control_character_is_named() -> None:
    with pytest.raises(PromptError, match=r"U\+0000 in line 4, "):
        publisher(FakePrompts(A)).push(A.replace("\n+++\n", "\n+++\0\n", 1), 1)


ALL_SCRIPTS = "你好 👩\u200d💻 ❤\ufe0f שלום\u200f می\u200cخواهم"


@pytest.mark.parametrize(
    "text",
    [
        A.replace("\n", "\r\n"),
        f"{A}\t\n",
        f"\ufeff{A}",
        A.replace("a greeting", f"a greeting, {ALL_SCRIPTS}"),
    ],
)
def test_tabs_line_ends_and_all_scripts_go_live(text: str) -> None:
    assert publisher(FakePrompts(A)).push(text, 1) == 2
