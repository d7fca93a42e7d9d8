"""`local/encoder` says which texts of the prompt its choice rests on."""

import pytest

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.encoder_weighing import WeighingEncoder
from route_switch.adapters.models.weighing import weighing_model
from route_switch.domain.completion import complete
from route_switch.domain.errors import ModelError
from route_switch.domain.explanation import Compared, Evidence, Weighing
from route_switch.domain.ports import ModelCall
from route_switch.domain.query import Query, query_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.call_models import ModelCaller
from route_switch.services.deadline import Deadline
from route_switch.services.find_evidence import NO_WEIGHING, FindEvidence

CARDS = "A customer asks about a bank card, a payment or an account"
SHORT = "A short greeting"
ROCKS = "A question about minerals, chromosomes or particles"
CODE = "It shows a Python function and asks what it returns"
PROOFS = "It needs a long calculation"
CARD, SUM = "Where is my new card?", "def f(x): return x * 2"
QUERIES = (
    "Can I track my card while it is in the process of delivery?",
    "def g(n): return [i * i for i in range(n)] What does g(3) return?",
    "Which one of these is a rock: granite, oak or iron oxide?",
)
CATALOG = ModelCatalog(
    tiers={tier: TierModels(model="local/encoder") for tier in Tier}, router="local/encoder"
)
CONFIG = RouterConfig(models=CATALOG)


def prompt(small: Tier = Tier.SMALL, large: Tier = Tier.LARGE) -> RoutingPrompt:
    return RoutingPrompt(
        instruction=(
            f"Tier {small.value}:\n- {CARDS}\n- {SHORT}\n\nTier 2:\n- {ROCKS}\n\n"
            f"Tier {large.value}:\n- {CODE}\n- {PROOFS}\n"
        ),
        demos=(Demo(query=CARD, tier=small), Demo(query=SUM, tier=large)),
    )


def no_calls(_: str) -> EncoderClient:
    raise AssertionError("an explanation by the encoder needs no model call")


def chosen(prompt: RoutingPrompt, query: str) -> Tier:
    messages = prompt.render(Query(query), CONFIG.router_max_input_tokens)
    return Tier(int(complete(EncoderClient().stream(ModelCall("encoder", messages))).text))


def evidence(prompt: RoutingPrompt, query: str) -> Evidence:
    caller = ModelCaller(no_calls, CATALOG, lambda _: pytest.fail("no call"))
    find = FindEvidence(CONFIG, caller, weighing_model)
    return find(Query(query), prompt, chosen(prompt, query), Deadline(5.0), ask=True)


@pytest.mark.parametrize("query", QUERIES)
def test_the_weighing_agrees_with_the_decision(query: str) -> None:
    messages = prompt().render(Query(query), CONFIG.router_max_input_tokens)
    weighing = WeighingEncoder().weigh(messages)
    assert weighing.tier is chosen(prompt(), query)
    assert weighing.compared is Compared.MESSAGE
    assert weighing.scores[weighing.tier] == max(weighing.scores.values())


@pytest.mark.parametrize("last", ["go on", "", QUERIES[2], "word " * 400 + QUERIES[0]])
def test_a_conversation_is_weighed_as_it_is_routed(last: str) -> None:
    query = query_of(
        [
            {"role": "system", "content": "You answer customers of a bank."},
            {"role": "user", "content": QUERIES[1]},
            {"role": "assistant", "content": "[0, 1, 4]"},
            {"role": "user", "content": last},
        ]
    )
    messages = prompt().render(query, CONFIG.router_max_input_tokens)
    weighing = WeighingEncoder().weigh(messages)
    routed = complete(EncoderClient().stream(ModelCall("encoder", messages))).text
    assert str(weighing.tier.value) == routed
    if last:
        assert weighing.compared is (Compared.CONTEXT if last == "go on" else Compared.BOTH)
    assert all(-1 <= weighed.similarity <= 1 for weighed in weighing.texts)
    for tier, score in weighing.scores.items():
        own = sorted((w.similarity for w in weighing.texts if w.text.tier is tier), reverse=True)
        assert sum(own[:2]) / len(own[:2]) == pytest.approx(score, abs=0.12)


@pytest.mark.parametrize("query", QUERIES)
def test_swapping_the_texts_of_two_tiers_swaps_their_explanations(query: str) -> None:
    swap = {Tier.SMALL: Tier.LARGE, Tier.MEDIUM: Tier.MEDIUM, Tier.LARGE: Tier.SMALL}
    as_is = evidence(prompt(), query)
    swapped = evidence(prompt(small=Tier.LARGE, large=Tier.SMALL), query)
    assert as_is.text is not None
    assert swapped.text is not None
    assert (swapped.text.text, swapped.text.tier) == (as_is.text.text, swap[as_is.text.tier])
    assert as_is.without is not None
    assert swapped.without is swap[as_is.without]


def test_the_nearest_text_is_the_one_that_says_the_same() -> None:
    found = evidence(prompt(), CARD)
    assert found.text is not None
    assert (found.text.name, found.text.text) == ("demo 1 of Tier 1", CARD)
    assert found.weighing is not None
    nearest = found.weighing.nearest(Tier.SMALL)
    assert nearest is not None
    assert nearest.similarity == pytest.approx(1.0, abs=1e-5)


def test_the_tier_without_the_nearest_text_is_that_of_the_shorter_prompt() -> None:
    only = RoutingPrompt(instruction=f"Tier 1:\n- {CARDS}\n\nTier 3:\n- {PROOFS}\n")
    found = evidence(only, CARD)
    assert (found.chosen, found.without) == (Tier.SMALL, Tier.LARGE)


def test_a_prompt_without_texts_is_explained_by_that() -> None:
    found = evidence(RoutingPrompt(instruction="Choose a tier."), CARD)
    assert (found.text, found.without) == (None, None)
    assert found.weighing is not None
    assert found.weighing.scores == {}


def test_an_explanation_that_fails_mentions_no_router_llm() -> None:
    class Broken:
        def weigh(self, messages: object) -> Weighing:
            raise ModelError("no vocabulary")

    find = FindEvidence(CONFIG, ModelCaller(no_calls, CATALOG, pytest.fail), lambda _: Broken())
    found = find(Query(CARD), prompt(), Tier.SMALL, Deadline(5.0), ask=True)
    assert found.by_comparison
    assert found.note == NO_WEIGHING
