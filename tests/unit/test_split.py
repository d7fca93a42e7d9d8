"""The split: a query stays on its side, and nothing similar is on another side."""

from collections import Counter
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example, normalize_query, query_key
from route_switch.domain.learning.near_duplicates import MIN_SIMILARITY, NearDuplicates
from route_switch.domain.learning.split import SHARES, Side, Split, side_of, split
from route_switch_offline import load_results
from tests.support.outcomes import spelled

queries = st.text(min_size=1, max_size=30)
some_examples = st.lists(st.builds(Example, query=queries, train_only=st.booleans()), max_size=20)


def sides(result: Split) -> dict[Side, tuple[Example, ...]]:
    return {
        Side.TRAIN: result.train,
        Side.VALIDATION: result.validation,
        Side.HELDOUT: result.heldout,
    }


def on(side: Side, text: str) -> str:
    """Return the text with a word appended that puts it on this side."""
    texts = (f"{text} {spelled(n)}" for n in range(999))
    return next(q for q in texts if side_of(query_key(q)) is side)


@given(some_examples)
def test_a_query_never_changes_sides_no_matter_what_else_is_in_the_file(
    examples: list[Example],
) -> None:
    for side, rows in sides(split(examples)).items():
        for row in rows:
            assert side_of(row.template_key) is side
            assert side is Side.TRAIN or not row.train_only


@given(some_examples)
def test_every_example_is_on_one_side_or_counted_as_dropped(examples: list[Example]) -> None:
    result = split(examples)
    kept = [row.key for rows in sides(result).values() for row in rows]
    assert len(set(kept)) == len(kept)
    off = result.duplicates + result.near_duplicates + result.misplaced
    assert len(kept) + off == len(examples)


@given(some_examples, st.randoms(use_true_random=False))
def test_which_queries_are_kept_does_not_depend_on_the_order_of_the_file(
    examples: list[Example], random: Random
) -> None:
    shuffled = random.sample(examples, len(examples))
    before, after = sides(split(examples)), sides(split(shuffled))
    for side in Side:
        assert {row.key for row in before[side]} == {row.key for row in after[side]}


def test_shares_are_close_to_the_target() -> None:
    count = Counter(side_of(query_key(f"query {n}")) for n in range(5000))
    for side, share in SHARES.items():
        assert abs(count[side] / 5000 - share) < 0.025


def test_spellings_of_the_same_question_are_merged_and_the_first_wins() -> None:
    result = split([Example(id="1", query="What is it?"), Example(id="2", query=" what IS it? ")])
    assert [row.id for rows in sides(result).values() for row in rows] == ["1"]
    assert result.duplicates == 1


def test_equal_queries_are_merged_with_the_sum_of_their_weights() -> None:
    small, large = {"s": {"score": 1}}, {"l": {"score": 0}}
    rows = [
        {"id": "1", "query": "Where is it?", "weight": 2, "models": small},
        {"id": "2", "query": "where is it? ", "weight": 3, "models": large},
        {"id": "3", "query": "Who is it?"},
    ]
    first, second = split(map(Example.model_validate, rows)).examples
    assert {(first.id, first.weight), (second.id, second.weight)} == {("1", 5), ("3", 1)}
    assert max(set(first.models), set(second.models), key=len) == {"s", "l"}


def test_different_conversations_that_end_on_the_same_words_are_different_examples() -> None:
    talks = [[{"role": "user", "content": f"Tell me about {spelled(n)}."}] for n in range(60)]
    rows = [Example(query="Please continue.", conversation=tuple(talk)) for talk in talks]
    result = split(rows)
    assert (len(result.examples), result.duplicates, result.near_duplicates) == (60, 0, 0)
    assert len({side_of(row.template_key) for row in rows}) == 3


def test_an_instruction_of_the_application_does_not_make_another_question() -> None:
    told = ({"role": "system", "content": "Today is Monday."},)
    assert Example(query="Hi", conversation=told).key == Example(query="hi ").key


def test_rows_of_one_template_are_on_one_side() -> None:
    rows = [
        Example(query=f"Where is {thing}, order {n}, of {n}@example.com?")
        for thing in ("the red bag", "the blue hat", "my third parcel")
        for n in range(100, 118)
    ]
    for thing in ("red", "blue", "third"):
        of_side = [[r for r in side if thing in r.query] for side in sides(split(rows)).values()]
        assert sorted(map(len, of_side)) == [0, 0, 18]


@given(st.text())
def test_a_template_without_numbers_and_addresses_is_the_query_itself(text: str) -> None:
    example = Example(query=f"x{text}")
    masked = any(c.isdigit() or c in "@#" for c in normalize_query(text))
    assert masked or example.template_key == example.key


def test_a_training_example_of_a_heldout_query_is_always_dropped() -> None:
    query = on(Side.HELDOUT, "Where is my card?")
    result = split([Example(query=query, train_only=True)])
    assert (result.train, result.heldout, result.misplaced) == ((), (), 1)


def test_the_near_duplicate_on_the_side_closer_to_training_is_dropped() -> None:
    text = " ".join(f"word{spelled(n)}" for n in range(40))
    rows = {side: Example(query=on(side, text)) for side in Side}
    both = split([rows[Side.TRAIN], rows[Side.VALIDATION]])
    assert (both.train, both.validation) == ((), (rows[Side.VALIDATION],))
    every = split(rows.values())
    assert (every.train, every.validation) == ((), ())
    assert every.heldout == (rows[Side.HELDOUT],)
    assert every.near_duplicates == 2


def test_conversations_that_say_nearly_the_same_are_near_duplicates() -> None:
    text = " ".join(f"word{spelled(n)}" for n in range(40))
    rows = [
        Example.model_validate(
            {
                "messages": [
                    {"role": "user", "content": on(side, text)},
                    {"role": "assistant", "content": "Here it is."},
                    {"role": "user", "content": "Please continue."},
                ]
            }
        )
        for side in Side
    ]
    result = split(rows)
    assert [len(each) for each in sides(result).values()] == [0, 0, 1]
    assert result.near_duplicates == 2


def test_near_duplicates_on_one_side_stay() -> None:
    text = " ".join(f"word{spelled(n)}" for n in range(40))
    first = on(Side.TRAIN, text)
    second = on(Side.TRAIN, f"{text} again")
    assert len(split([Example(query=first), Example(query=second)]).train) == 2


def test_questions_in_one_long_template_are_not_near_duplicates() -> None:
    template = " ".join(f"instruction{n}" for n in range(300))
    examples = [Example(query=f"{template} What is {n} times {n + 1}?") for n in range(60)]
    assert split(examples).near_duplicates == 0


def test_hardly_any_example_of_the_sample_is_removed_and_over_1000_are_held_out() -> None:
    examples = [Example.model_validate(row.model_dump()) for row in load_results()]
    result = split(examples)
    assert result.duplicates == 0
    assert result.near_duplicates <= 3
    assert len(result.heldout) > 1000


def similar(a: str, b: str) -> bool:
    """The definition, without an index; for three or more words."""
    one, two = ({tuple(x[i : i + 3]) for i in range(len(x) - 2)} for x in (a.split(), b.split()))
    return len(one & two) >= MIN_SIMILARITY * len(one | two)


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=3, max_size=14), max_size=12))
def test_the_index_finds_exactly_what_pairwise_comparison_finds(words: list[list[str]]) -> None:
    texts = [" ".join(each) for each in words]
    for one, two in product(range(len(texts)), repeat=2):
        near = NearDuplicates(texts)
        near.add(one)
        assert near.has(two) == similar(texts[one], texts[two])
