"""Agreement of two raters, and a bootstrap of ratios."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

from recusa.stats.rates import Interval, wilson


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
