"""Compare models' calls with what records charge for them, request by request."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.fault_proxy import Call


@dataclass(frozen=True, slots=True)
class Charge:
    """A call as a record has it. `model` has no provider; an `estimated` cost is not the price of
    an answer."""

    case: int | None
    model: str
    cost_usd: float | None
    is_answer: bool = True
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """Of `calls`, `left_out` were answered whole and are in no record. `twice` are charges beyond a
    request's calls of a model, and `wrong` those that are not the price of their answer."""

    calls: int
    left_out: int
    twice: int
    wrong: int

    @property
    def agree(self) -> bool:
        return self.left_out + self.twice + self.wrong == 0


def compare(
    calls: Iterable[Call], charges: Iterable[Charge], price_of: Callable[[str], float | None]
) -> Compared:
    """`price_of` returns what one answer of a model costs. A call that failed may be free."""
    of_models = [call for call in calls if call.model is not None]
    charged = [each for each in charges if each.cost_usd != 0.0]
    sent = Counter((call.case, call.model) for call in of_models)
    whole = Counter((call.case, call.model) for call in of_models if call.is_whole)
    billed = Counter[tuple[int | None, str | None]]((each.case, each.model) for each in charged)
    wrong = sum(
        each.is_answer and not each.estimated and each.cost_usd != price_of(each.model)
        for each in charged
    )
    return Compared(len(of_models), (whole - billed).total(), (billed - sent).total(), wrong)
