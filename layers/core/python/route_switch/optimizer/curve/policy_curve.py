"""The learned policy at every λ, on held-out rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from route_switch.domain.decision import nearest_allowed
from route_switch.domain.profiles import (
    BALANCED,
    PROFILES,
    Profile,
    ProfileTables,
    lambda_of,
    tier_for,
)
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.curve.decided_rows import RunDecisions, SideArrays, side_of
from route_switch.optimizer.curve.profile_tables import fit
from route_switch.optimizer.policies import Policy, one_hot

LAMBDAS: tuple[float, ...] = (0.0, *np.geomspace(0.001, 10.0, 81).tolist())


@dataclass(frozen=True, slots=True)
class PolicyCurve:
    """`validation` fits what a tier that the router LLM names means at another λ. Without it, that
    changes only where a profile begins: `profiles` are the tables that are served."""

    lambda_: float
    profiles: ProfileTables | None
    validation: SideArrays | None
    heldout: SideArrays

    @classmethod
    def of(cls, decisions: RunDecisions) -> Self:
        fitted, tiers = decisions.validation, decisions.tiers
        return cls(
            decisions.lambda_,
            decisions.profiles,
            None if fitted is None else side_of(fitted, tiers),
            side_of(decisions.heldout, tiers),
        )

    def choice(self, lambda_: float) -> Ints:
        """Return [n]: the column of each held-out row at `lambda_`."""
        return self._choice(lambda_, self._table(lambda_))

    def policy(self, lambda_: float, name: str) -> Policy:
        return self._policy(self.choice(lambda_), name)

    def profile_policy(self, profile: Profile, name: str) -> Policy:
        """Return the policy that is served for a profile."""
        lambda_ = self.profile_lambda(profile)
        table = self._table(lambda_) if self.validation is not None else self._served(profile)
        return self._policy(self._choice(lambda_, table), name)

    def _choice(self, lambda_: float, table: Ints) -> Ints:
        side = self.heldout
        expected = (side.expected_quality - lambda_ * side.expected_cost).argmax(axis=1)
        named = np.where(side.named >= 0, table[side.named], expected)
        return np.where(side.kept >= 0, side.kept, named)

    def _policy(self, choice: Ints, name: str) -> Policy:
        chosen = one_hot(choice, len(self.heldout.arrays.tiers))
        return Policy(name, chosen, self.heldout.router_usd, None)

    def _table(self, lambda_: float) -> Ints:
        if self.validation is not None:
            return fit(self.validation, lambda_, self.lambda_)
        if lambda_ <= self.profile_lambda("quality") < self.lambda_:
            return self._served("quality")
        if lambda_ >= self.profile_lambda("cost") > self.lambda_:
            return self._served("cost")
        return self._served(BALANCED)

    def _served(self, profile: Profile) -> Ints:
        tiers = self.heldout.arrays.tiers
        meant = (tier_for(profile, tier, self.profiles) for tier in tiers)
        return np.array([tiers.index(nearest_allowed(tier, frozenset(tiers))) for tier in meant])

    def profile_lambda(self, profile: Profile) -> float:
        return lambda_of(profile, self.lambda_)

    def lambdas(self) -> list[float]:
        """Return λ from low to high, one for each choice that differs from its neighbors: a
        profile's if there is one. Those of the profiles are always among them."""
        own = {self.profile_lambda(profile) for profile in PROFILES}
        kept: list[float] = []
        last: Ints | None = None
        for lambda_ in sorted({*LAMBDAS, *own}):
            choice = self.choice(lambda_)
            is_same = last is not None and bool((choice == last).all())
            if is_same and lambda_ in own and kept[-1] not in own:
                kept[-1] = lambda_
            elif lambda_ in own or not is_same:
                kept.append(lambda_)
            last = choice
        return kept

    def profile_at(self, lambda_: float) -> Profile | None:
        """Return the profile whose λ this is."""
        return next((each for each in PROFILES if self.profile_lambda(each) == lambda_), None)

    def chosen_cells(self, cells: Floats, lambda_: float) -> Floats:
        """Return [n]: the cell of each row's chosen tier."""
        return cells[np.arange(len(cells)), self.choice(lambda_)]
