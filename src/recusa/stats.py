"""Intervals and tests: Wilson, Newcombe's paired difference, McNemar's mid-p, Holm, Cohen's kappa, a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def wilson(hits: int, n: int, alpha: float = 0.05) -> Interval:
    """Score interval for a proportion (Wilson 1927); n must be at least 1."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # at the ends the closed form equals 0 and 1 but for rounding
    return Interval(0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half)


def paired_difference(both: int, lost: int, gained: int, neither: int, alpha: float = 0.05) -> Interval:
    """Interval for the difference of two paired proportions, (both + gained) / n minus (both + lost) / n.

    Newcombe 1998 (Statistics in Medicine 17, 2635-2650), method 10: Wilson intervals of the two rates, combined with a
    correlation that is corrected for continuity.
    """
    n = both + lost + gained + neither
    before, after = (both + lost) / n, (both + gained) / n
    low_before, high_before = wilson(both + lost, n, alpha)
    low_after, high_after = wilson(both + gained, n, alpha)
    phi = _phi(both, lost, gained, neither)
    down = sqrt(
        max(
            0.0,
            (after - low_after) ** 2
            - 2 * phi * (after - low_after) * (high_before - before)
            + (high_before - before) ** 2,
        )
    )
    up = sqrt(
        max(
            0.0,
            (high_after - after) ** 2
            - 2 * phi * (high_after - after) * (before - low_before)
            + (before - low_before) ** 2,
        )
    )
    difference = after - before
    return Interval(max(-1.0, difference - down), min(1.0, difference + up))


def _phi(both: int, lost: int, gained: int, neither: int) -> float:
    n = both + lost + gained + neither
    margins = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    if margins == 0:
        return 0.0
    determinant = both * neither - lost * gained
    if determinant > n / 2:
        determinant_corrected = determinant - n / 2
    else:
        determinant_corrected = 0.0 if determinant >= 0 else float(determinant)
    return determinant_corrected / sqrt(margins)


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Two-sided mid-p value of McNemar's test from the discordant pairs (Fagerland, Lydersen and Laake 2013)."""
    discordant = gained + lost
    if discordant == 0:
        return 1.0
    fewer = min(gained, lost)
    tail = sum(comb(discordant, count) for count in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail - comb(discordant, fewer), 2**discordant)))  # whole numbers: exact


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the family they form (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def cohen_kappa(
    both: int, first_only: int, second_only: int, neither: int, alpha: float = 0.05
) -> tuple[float, Interval] | None:
    """Cohen's kappa of two yes-or-no raters with its large-sample interval (Fleiss, Cohen and Everitt 1969).

    Without any disagreement that interval would have no width; its lower end is then what Wilson's lower end of the
    agreement makes of kappa. None when agreement by chance is already whole: no rows, or one outcome only.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        return None
    agreed = (both + neither) / n
    first, second = (both + first_only) / n, (both + second_only) / n
    chance = first * second + (1 - first) * (1 - second)
    if chance == 1:
        return None
    kappa = (agreed - chance) / (1 - chance)
    if first_only == second_only == 0:
        return 1.0, Interval((wilson(n, n, alpha).low - chance) / (1 - chance), 1.0)
    margins = ((first, second), (1 - first, 1 - second))
    on = sum(p * (1 - (r + c) * (1 - kappa)) ** 2 for p, (r, c) in zip((both / n, neither / n), margins, strict=True))
    off = (1 - kappa) ** 2 * (
        (first_only / n) * (second + 1 - first) ** 2 + (second_only / n) * (1 - second + first) ** 2
    )
    spread = sqrt(max(0.0, on + off - (kappa - chance * (1 - kappa)) ** 2) / n) / (1 - chance)
    z = NormalDist().inv_cdf(1 - alpha / 2)
    return kappa, Interval(max(-1.0, kappa - z * spread), min(1.0, kappa + z * spread))


def ratio_interval(
    tops: Sequence[float], bottoms: Sequence[float], groups: Sequence[str], alpha: float = 0.05, draws: int = 2000
) -> Interval | None:
    """Percentile bootstrap interval of sum(tops) / sum(bottoms) (Efron and Tibshirani 1993), groups drawn whole.

    Rows of one group depend on each other. None with fewer than two groups; the draws are seeded, so that equal rows
    give an equal interval.
    """
    import numpy as np

    names = sorted(set(groups))
    if len(names) < 2:
        return None
    place = {name: at for at, name in enumerate(names)}
    sums = np.zeros((2, len(names)))
    for top, bottom, group in zip(tops, bottoms, groups, strict=True):
        sums[:, place[group]] += (top, bottom)
    drawn = np.random.default_rng(0).integers(len(names), size=(draws, len(names)))
    ratios = sums[0][drawn].sum(1) / sums[1][drawn].sum(1)
    low, high = np.quantile(ratios, (alpha / 2, 1 - alpha / 2))
    return Interval(float(low), float(high))
