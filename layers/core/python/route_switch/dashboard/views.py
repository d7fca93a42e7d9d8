"""The widget's views and its documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from route_switch.dashboard.keys_widget import KeysView
from route_switch.dashboard.markup import Html, paragraph
from route_switch.dashboard.prompts_widget import PromptsView
from route_switch.dashboard.spend_widget import SpendView
from route_switch.services.operations.show_spend import ShowSpend
from route_switch.services.operations.sum_costs import CostsQuery, SumCosts
from route_switch.services.prompts.describe_versions import describe_versions
from route_switch.services.prompts.show_prompt import ShowPrompt

SHOWN_PROMPTS = 10

DOCUMENTATION = """\
## Costs, keys and prompts of route-switch
Shows the counters of requests and the versions of the routing prompt, but no text of a request. It
ignores the dashboard's time range: today and this month are in UTC.

### Widget parameters
Param | Description
---|---
**view** | `spend`: today and this month by tier, model and reason; `keys`: this month by API key; \
`prompts`: the newest versions of the routing prompt

### Example parameters
``` yaml
view: spend
```
"""
UNAVAILABLE = paragraph(
    "The figures cannot be read right now. Requests are still counted. Refresh in a minute; if "
    "this persists, see the log of this widget's function."
)


@dataclass(frozen=True, slots=True)
class Views:
    """Return the HTML of a view by its name. Raise `StoreError` if it cannot be read."""

    spend: ShowSpend
    costs: SumCosts
    prompt: ShowPrompt
    monthly_budget_usd: float | None

    def __call__(self, name: str, today: date) -> Html:
        views: dict[str, Callable[[date], Html]] = {
            "spend": self._spend,
            "keys": self._keys,
            "prompts": self._prompts,
        }
        if name not in views:
            return paragraph(
                f"There is no view '{name}'. Set the widget's parameter `view` to one of "
                f"{', '.join(views)}."
            )
        return views[name](today)

    def _spend(self, today: date) -> Html:
        return SpendView(*self.spend(today), self.monthly_budget_usd).html

    def _keys(self, today: date) -> Html:
        return KeysView(self.costs(CostsQuery(today.replace(day=1), today, "key"))).html

    def _prompts(self, _: date) -> Html:
        versions, serving = self.prompt.versions(), self.prompt.serving().version
        return PromptsView(describe_versions(versions, serving, SHOWN_PROMPTS), serving).html
