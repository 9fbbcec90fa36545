"""Whether a paired difference stays on one side of a limit: one-sided tests that never exceed their level, and bounds.

The statistic is Tango's (see `paired`). Its normal tail is too small a p at some true values (up to 6.9 % at a nominal
5 %), so p is the largest probability, over all true values on the limit, of a statistic as extreme: the exact
unconditional test (Hsueh, Liu and Chen 2001, Biometrics 57, 478-483; Sidik 2003, Journal of Statistical Planning and
Inference 113, 205-220).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import NormalDist
from typing import Any

from recusa.stats.clusters import ALIKE_IN_TESTS, Effective, Group, effective
from recusa.stats.paired import score

COARSE, FINE = 80, 20  # true values looked at: over the whole limit, then round the worst of them
REACH = 8.0  # standard deviations of a count that are summed over; what is left out is below 1e-14
LARGE = 2000  # pairs from which a planned number is found by the normal tail
MOST = 1_000_000  # pairs beyond which no number is worth naming
HALVINGS = 24  # of a bound
TEST = "Tango's score, exact unconditional, one-sided"
GROUPED_TEST = f"{TEST}, on the effective number of pairs"


def below_p(groups: Sequence[Group], limit: float) -> float:
    """One-sided p that the true difference (gained - lost) / n is `limit` or more, against its being less."""
    return _p(effective(groups, limit, ALIKE_IN_TESTS), limit)


def above_p(groups: Sequence[Group], limit: float) -> float:
    """One-sided p that the true difference is `limit` or less, against its being more."""
    return below_p(_turned(groups), -limit)


def upper_bound(groups: Sequence[Group], alpha: float = 0.05) -> float:
    """The largest difference that `below_p` does not reject at `alpha`: an upper bound at 1 - alpha, one-sided."""
    n = sum(group.n for group in groups)
    inside, outside = sum(group.gained - group.lost for group in groups) / n, 1.0
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if below_p(groups, middle) <= alpha else (middle, outside)
    return outside


def lower_bound(groups: Sequence[Group], alpha: float = 0.05) -> float:
    """The smallest difference that `above_p` does not reject at `alpha`."""
    return -upper_bound(_turned(groups), alpha)


def settling_pairs(
    groups: Sequence[Group], limit: float, alpha: float = 0.05, power: float = 0.8, most: int = MOST
) -> int | None:
    """How many pairs would show on which side of `limit` the difference is, were what was seen to stay as it is.

    With about `power`: the outcome a quarter-bad draw would give is tested. None where no number up to `most` would do,
    as when what was seen is the limit itself.
    """
    told = effective(groups, limit, ALIKE_IN_TESTS)
    rows = sum(group.n for group in groups) / told.n  # rows to one effective pair
    gained, lost = told.gained / told.n, told.lost / told.n
    if gained - lost > limit:
        gained, lost, limit = lost, gained, -limit

    def shows(n: int) -> bool:
        return _p(_unlucky(gained, lost, n, power), limit) <= alpha

    high = max(2, int(told.n))
    while not shows(high):
        high *= 2
        if high * rows > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return ceil(high * rows - 1e-9)


def _unlucky(gained: float, lost: float, n: int, power: float) -> Effective:
    """Counts of n pairs so far toward a limit above that only 1 - power of draws go further."""
    spread = sqrt(max(0.0, gained + lost - (gained - lost) ** 2) / n)
    shift = NormalDist().inv_cdf(power) * spread
    down = min(lost, shift / 2)
    return Effective(n, n * (gained + shift - down), n * (lost - down))


def _turned(groups: Sequence[Group]) -> list[Group]:
    return [Group(group.n, group.lost, group.gained) for group in groups]


def _p(told: Effective, limit: float) -> float:
    statistic = float(score(told.gained, told.lost, told.n, limit))
    n = max(1, int(told.n + 1e-9))
    if n > LARGE:
        return NormalDist().cdf(statistic)
    return worst(rejected(n, limit, statistic), n, limit)


def rejected(n: int, limit: float, statistic: float) -> Any:
    """For each count lost, 0 to n, the largest count gained whose statistic is no more than `statistic`; -1 for none.

    The statistic rises with the count gained (tested), so these say which outcomes of n pairs are as extreme.
    """
    import numpy as np

    lost = np.arange(n + 1)
    none, most = np.full(n + 1, -1), n - lost
    while (none < most).any():
        middle = (none + most + 1) // 2
        extreme = score(middle, lost, n, limit) <= statistic + 1e-9
        none, most = np.where(extreme, middle, none), np.where(extreme, most, middle - 1)
    return none


def worst(region: Any, n: int, limit: float) -> float:
    """The largest probability of a region of `rejected` over the true shares gained and lost that differ by `limit`."""
    import numpy as np

    least, most = max(0.0, -limit), (1 - limit) / 2
    ends_closer = (1 - np.cos(np.linspace(0, np.pi, COARSE))) / 2  # the worst is often near an end, and narrow there
    places = least + (most - least) * ends_closer
    found = [probability(region, n, lost + limit, lost) for lost in places]
    at = int(np.argmax(found))
    near = np.linspace(places[max(0, at - 1)], places[min(COARSE - 1, at + 1)], FINE)
    return min(1.0, max(*found, *(probability(region, n, lost + limit, lost) for lost in near)))


def probability(region: Any, n: int, gained: float, lost: float) -> float:
    """Of a region of `rejected` at true shares gained and lost."""
    import numpy as np
    from scipy.special import bdtr, gammaln, xlog1py, xlogy

    reach = REACH * sqrt(n * lost * (1 - lost)) + REACH
    counts = np.arange(max(0, int(n * lost - reach)), min(n, int(n * lost + reach)) + 1)
    log = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    log = log + xlogy(counts, lost) + xlog1py(n - counts, -lost)
    share = min(1.0, max(0.0, gained / (1 - lost))) if lost < 1 else 0.0
    last = region[counts]
    within = np.where(last >= 0, bdtr(np.maximum(last, 0), n - counts, share), 0.0)
    return float((np.exp(log) * within).sum())
