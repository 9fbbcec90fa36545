"""One proportion, and the family of tests it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def wilson(hits: float, n: float, alpha: float = 0.05) -> Interval:
    """Score interval for a proportion (Wilson 1927); n must be above 0, and may be an effective number of rows."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    # at the ends the closed form equals 0 and 1 but for rounding
    return Interval(0.0 if hits <= 0 else middle - half, 1.0 if hits >= n else middle + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the family they form (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
