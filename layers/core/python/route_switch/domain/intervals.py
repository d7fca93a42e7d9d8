"""Intervals of shares, without numpy."""

import math

Z95 = 1.959964
"""Quantile of the normal distribution for a two-sided interval of 95%."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share, each end from 0 to 1; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)
