"""Rows that share a group depend on each other: groups, not rows, are what intervals and tests count then.

Where no group has two rows, everything here is the plain method of `rates` and `paired`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recusa.stats.paired import FEW, mcnemar_p, score_interval
from recusa.stats.rates import Interval, wilson

ALIKE = 0.1  # of an interval's imaginary group; a test, which must not exceed its level, takes more
ALIKE_IN_TESTS = 0.5
PLAIN_RATE, GROUPED_RATE = "Wilson 1927", "Wilson 1927 on the effective number of rows (Rao and Scott 1992)"
PLAIN_INTERVAL = "Tango 1998, score"
GROUPED_INTERVAL = "Tango 1998, score, on the effective number of pairs (Rao and Scott 1992)"
MID_P, EXACT = "McNemar mid-p", f"McNemar exact (fewer than {FEW} pairs changed)"
FLIPS, FLIPS_EXACT = "sign flips of whole groups, mid-p", f"sign flips of whole groups, exact (fewer than {FEW} moved)"


class Group(NamedTuple):
    """What happened to the pairs of one group: how many there are, gained and lost a property."""

    n: int
    gained: int
    lost: int


class Change(NamedTuple):
    """A paired difference with its interval and two-sided p, and how they were found; `n` counts pairs."""

    n: int
    groups: int
    difference: float
    interval: Interval
    p: float
    interval_method: str
    test: str


class Effective(NamedTuple):
    """Counts divided by a design effect: as much as independent pairs would tell."""

    n: float
    gained: float
    lost: float


def change(groups: Sequence[Group], alpha: float = 0.05) -> Change:
    """The difference over all pairs of all groups (at least one pair), groups taken whole."""
    if all(group.n == 1 for group in groups):
        return plain_change(sum(g.gained for g in groups), sum(g.lost for g in groups), len(groups), alpha)
    n = sum(group.n for group in groups)
    net = [group.gained - group.lost for group in groups]
    told = effective(groups, sum(net) / n, ALIKE)
    moved = sum(1 for one in net if one)
    return Change(
        n,
        len(groups),
        sum(net) / n,
        score_interval(told.gained, told.lost, told.n, alpha),
        sign_flip_p(net),
        GROUPED_INTERVAL,
        FLIPS_EXACT if moved < FEW else FLIPS,
    )


def plain_change(gained: int, lost: int, n: int, alpha: float = 0.05) -> Change:
    """The same of pairs that do not depend on each other."""
    interval = score_interval(gained, lost, n, alpha)
    test = EXACT if gained + lost < FEW else MID_P
    return Change(n, n, (gained - lost) / n, interval, mcnemar_p(gained, lost), PLAIN_INTERVAL, test)


def effective(groups: Sequence[Group], difference: float, alike: float) -> Effective:
    """Counts of pairs divided by the design effect of their groups, seen from a difference."""
    gained, lost = sum(group.gained for group in groups), sum(group.lost for group in groups)
    n = sum(group.n for group in groups)
    squares = gained + lost - 2 * difference * (gained - lost) + n * difference**2
    off = [group.gained - group.lost - group.n * difference for group in groups]
    by = design_effect([group.n for group in groups], off, squares, alike)
    return Effective(n / by, gained / by, lost / by)


def design_effect(sizes: Sequence[int], off: Sequence[float], squares: float, alike: float) -> float:
    """By how much whole groups vary more than single rows would: sum of the groups' squared deviations over the rows'.

    `off` has each group's sum of deviations, `squares` the sum over rows of theirs squared. `alike` times an imaginary
    group as large as the largest, whose rows all deviate by 1 together, is added, so that few changes are not taken
    for independent ones. At least 1; without repeated groups exactly 1.
    """
    largest = max(sizes)
    if largest == 1 or len(sizes) == 1:
        return float(largest)
    spread = sum(one**2 for one in off) * len(sizes) / (len(sizes) - 1)
    return max(1.0, (spread + alike * largest**2) / (squares + alike * largest))


def sign_flip_p(net: Sequence[int]) -> float:
    """Two-sided p that arms are alike, from each group's net change: every sign is as likely as the other then.

    The statistic is the sum, as in Durkalski et al. 2003 (Statistics in Medicine 22, 2417-2428); its distribution over
    all sign flips of whole groups (Fisher 1935) is computed, not approximated. Mid-p, but exact with fewer than FEW
    groups that moved; for groups of one row it is McNemar's test.
    """
    import numpy as np
    from scipy.special import bdtr

    seen = abs(sum(net))
    moved = Counter(abs(one) for one in net if one)
    if not seen:
        return 1.0
    whole = np.ones(1)
    for size, count in sorted(moved.items()):
        steps = np.zeros(2 * size * count + 1)
        steps[:: 2 * size] = np.diff(bdtr(np.arange(count + 1), count, 0.5), prepend=0.0)
        whole = np.convolve(whole, steps)
    reach = len(whole) // 2
    sums = np.abs(np.arange(-reach, reach + 1))
    beyond, equal = float(whole[sums > seen].sum()), float(whole[sums == seen].sum())
    few = sum(moved.values()) < FEW
    return min(1.0, beyond + (equal if few else equal / 2))


def rate_interval(groups: Sequence[tuple[int, int]], alpha: float = 0.05) -> tuple[Interval, str]:
    """Interval of a rate from each group's (rows, hits), and its name; at least one row."""
    n, hits = sum(size for size, _ in groups), sum(own for _, own in groups)
    if all(size == 1 for size, _ in groups):
        return wilson(hits, n, alpha), PLAIN_RATE
    rate = hits / n
    off = [own - size * rate for size, own in groups]
    by = design_effect([size for size, _ in groups], off, n * rate * (1 - rate), ALIKE)
    return wilson(hits / by, n / by, alpha), GROUPED_RATE
