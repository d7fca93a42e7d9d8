"""`python -m docs.generate.output_ratios`: the source of the prior."""

import gzip
import json
from pathlib import Path

import pytest

from docs.generate.output_ratios import main, ratios
from route_switch.domain.output_ratio import MIN_ROWS

COSTS = {"small": 1.0, "same-price": 1.5, "large": 4.0, "labels": 4.0, "assumed": 9.0}
TOKENS = {"small": 100, "same-price": 300, "large": 200, "labels": 1, "assumed": 100}


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    answers = {
        name: {"output_tokens": TOKENS[name], "cost_usd": usd} for name, usd in COSTS.items()
    }
    path = tmp_path / "examples.jsonl.gz"
    rows = [{"id": number, "models": answers} for number in range(MIN_ROWS)]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return path


def test_pairs_differ_in_price_and_have_answers_of_recorded_length(examples: Path) -> None:
    found = {each.pair: each.ratio for each in ratios(examples)}
    assert found == {
        ("small", "large"): 2.0,
        ("same-price", "large"): pytest.approx(2 / 3),
        ("same-price", "assumed"): pytest.approx(1 / 3),
        ("large", "assumed"): 0.5,
    }


def test_the_table_says_how_many_pairs_lie_within_the_prior(
    examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(examples.parent)
    printed = capsys.readouterr().out
    assert "median of 4 pairs: 0.58" in printed
    assert printed.endswith("between 0.4 and 2.5: 3\n")
