"""Warn about queries that the router cannot read: in another language, or too long for it."""

import re
from collections.abc import Sequence

from route_switch.domain.tokens import clip, estimate_tokens

ENGLISH_ONLY = "local/encoder"
MOST_TOKENS = 254
"""Word pieces that the encoder reads at once."""
MIN_SHARE = 0.1
READ_TOKENS = 200

_LATIN = re.compile("[A-Za-z\u00aa-\u024f\u1e00-\u1eff]")


def why_misread(router_model: str, queries: Sequence[str]) -> str | None:
    """Return a note if the router knows English only and many queries are in another script.

    Other languages in Latin script cannot be detected so simply; docs/limits.md warns of them.
    """
    if router_model != ENGLISH_ONLY or not queries:
        return None
    share = sum(map(_is_in_another_script, queries)) / len(queries)
    if share < MIN_SHARE:
        return None
    return (
        f"{100 * share:.0f}% of the queries are not in Latin script. {ENGLISH_ONLY} was trained on "
        "English and routes other languages little better than at random. Use an LLM as the router "
        "(--router-model)."
    )


def why_cut(router_model: str, queries: Sequence[str]) -> str | None:
    """Return a note if many queries are, by estimate, longer than what the encoder reads at
    once."""
    if router_model != ENGLISH_ONLY or not queries:
        return None
    share = sum(estimate_tokens(query) > MOST_TOKENS for query in queries) / len(queries)
    if share < MIN_SHARE:
        return None
    return (
        f"{100 * share:.0f}% of the queries are longer than the 190 words that {ENGLISH_ONLY} "
        "reads at once. It routes a longer one by its last topic, or by a much shorter first one. "
        "Put the question last, in a paragraph of its own, or use an LLM as the router "
        "(--router-model)."
    )


def _is_in_another_script(query: str) -> bool:
    letters = [character for character in clip(query, READ_TOKENS) if character.isalpha()]
    latin = sum(_LATIN.match(letter) is not None for letter in letters)
    return bool(letters) and latin < len(letters) / 2
