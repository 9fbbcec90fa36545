"""Two proportions on the same rows: Tango's score statistic and interval, and McNemar's test."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from statistics import NormalDist
from typing import Any

from recusa.stats.rates import Interval

FEW = 10  # changed pairs below which a test must keep its level for their very number, not on average over it
HALVINGS = 50  # of an interval of length 2: to the last digit
TINY = 1e-12  # keeps 0 / 0 at 0


def score(gained: Any, lost: Any, n: Any, difference: Any) -> Any:
    """Tango's score statistic of gained/n - lost/n against a difference, 1998, Statistics in Medicine 17, 891-908.

    About standard normal when the difference is the true one. Numbers, or arrays that broadcast; counts may be
    fractional. 0 where nothing changed and the difference is 0.
    """
    middle = (2 * n + lost - gained) * difference - gained - lost
    # the share lost that is likeliest given the difference, from the larger root of a quadratic
    likeliest = (abs(middle**2 + 8 * n * lost * difference * (1 - difference)) ** 0.5 - middle) / (4 * n)
    variance = n * (2 * likeliest + difference * (1 - difference))
    return (gained - lost - n * difference) / abs(variance + TINY) ** 0.5


def score_interval(gained: float, lost: float, n: float, alpha: float = 0.05) -> Interval:
    """The differences that Tango's statistic does not reject at `alpha`, two-sided; n must be above 0."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    seen = (gained - lost) / n
    low, inside = -1.0, seen
    for _ in range(HALVINGS):
        middle = (low + inside) / 2
        low, inside = (middle, inside) if score(gained, lost, n, middle) > z else (low, middle)
    inside, high = seen, 1.0
    for _ in range(HALVINGS):
        middle = (inside + high) / 2
        inside, high = (inside, middle) if score(gained, lost, n, middle) < -z else (middle, high)
    return Interval(low, high)


def paired_difference(both: int, lost: int, gained: int, neither: int, alpha: float = 0.05) -> Interval:
    """Interval for the difference of two paired proportions, (both + gained) / n minus (both + lost) / n: Tango's."""
    return score_interval(gained, lost, both + lost + gained + neither, alpha)


def mcnemar_p(gained: int, lost: int) -> float:
    """Two-sided p of McNemar's test from the pairs that changed: mid-p, but exact with fewer than FEW of them.

    The mid-p (Fagerland, Lydersen and Laake 2013) keeps its level on average over how many pairs change; for a given
    small number it may not (7.0 % at 8), and then a claim hangs on one or two answers.
    """
    return mcnemar_exact(gained, lost) if gained + lost < FEW else mcnemar_mid_p(gained, lost)


def mcnemar_exact(gained: int, lost: int) -> float:
    """Two-sided p of the exact conditional test: twice the smaller tail of a binomial with one half."""
    changed, fewer = gained + lost, min(gained, lost)
    tail = sum(comb(changed, count) for count in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail, 2**changed)))  # whole numbers: exact


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """The same with half the probability of what was seen."""
    changed, fewer = gained + lost, min(gained, lost)
    if changed == 0:
        return 1.0
    tail = sum(comb(changed, count) for count in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail - comb(changed, fewer), 2**changed)))
