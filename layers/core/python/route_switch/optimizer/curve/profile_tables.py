"""Fit what the tiers that a router LLM names mean at another λ.

Of the tables that keep the order of the tiers and move none the wrong way, take the one with the
best objective at the new λ on the validation rows. Such tables cost no less than the named tiers at
a lower λ, and no more at a higher one. A tie, or a tier that was named too rarely, changes nothing.
Three tiers have five such tables each way, so choosing one among them flatters it little; its
figures are measured on held-out rows all the same.
"""

from itertools import product

import numpy as np

from route_switch.domain.profiles import ProfileTables, TierTable, lambda_of
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.curve.decided_rows import SideArrays

MIN_NAMED = 20
"""Validation rows for which a tier must have been named, to be moved on their evidence."""
_TIE = 1e-9


def fit_tables(validation: SideArrays, lambda_: float) -> ProfileTables:
    """Return the tables of the profiles of a run with `lambda_`."""
    tiers = validation.arrays.tiers
    raised = fit(validation, lambda_of("quality", lambda_), lambda_)
    lowered = fit(validation, lambda_of("cost", lambda_), lambda_)
    return ProfileTables(
        quality=_for_all_tiers(raised, tiers, upward=True),
        cost=_for_all_tiers(lowered, tiers, upward=False),
    )


def fit(side: SideArrays, lambda_: float, run_lambda: float) -> Ints:
    """Return [k]: the column that each named column means at `lambda_`."""
    k = len(side.arrays.tiers)
    unchanged = np.arange(k)
    if lambda_ == run_lambda:
        return unchanged
    direction = 1 if lambda_ < run_lambda else -1
    gains = _gains(side, side.arrays.rewards(lambda_))
    costs = _gains(side, side.arrays.cost_usd)
    best, best_gain = unchanged, 0.0
    for table in _tables(k, direction):
        gain = float(gains[unchanged, table].sum())
        dearer = float(costs[unchanged, table].sum())
        if gain > best_gain + _TIE and dearer * direction >= -_TIE:
            best, best_gain = table, gain
    return best


def _tables(k: int, direction: int) -> list[Ints]:
    """Return the tables that move tiers in this direction only, those that move least first."""
    orders = (np.array(table) for table in product(range(k), repeat=k))
    found = [
        table
        for table in orders
        if (np.diff(table) >= 0).all() and ((table - np.arange(k)) * direction >= 0).all()
    ]
    return sorted(found, key=lambda table: int(np.abs(table - np.arange(k)).sum()))


def _gains(side: SideArrays, cells: Floats) -> Floats:
    """Return [k, k]: what moving the rows of each named column to each column adds to the mean of
    `cells`; 0 for a column that was named too rarely."""
    k = len(side.arrays.tiers)
    found = np.zeros((k, k))
    weights = side.arrays.weights
    for column in range(k):
        rows = (side.named == column) & (side.kept < 0)
        if rows.sum() >= MIN_NAMED:
            moved = cells[rows] - cells[rows, column][:, None]
            found[column] = (weights[rows, None] * moved).sum(axis=0) / weights.sum()
    return found


def _for_all_tiers(table: Ints, tiers: tuple[Tier, ...], *, upward: bool) -> TierTable:
    """Return the table for Tiers 1 to 3. A tier that the run did not have stays, unless the order
    of the others moves it."""
    fitted = dict(zip(tiers, (tiers[column] for column in table), strict=True))
    small, large = fitted[Tier.SMALL], fitted[Tier.LARGE]
    medium = fitted.get(Tier.MEDIUM)
    if medium is None:
        medium = max(Tier.MEDIUM, small) if upward else min(Tier.MEDIUM, large)
    return (small, medium, large)
