"""What a paired comparison can show before it is made: its power, the smallest change seen, the pairs needed.

Exact for the test of `paired.mcnemar_p`, over the number of pairs that change. A share `back` of the pairs is taken to
move against the change, and as many more with it: without that, only one-way changes would be planned for.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from recusa.stats.paired import FEW

POWER = 0.8
BACK = 0.05  # share of pairs taken to move against the change
REACH = 8.0  # standard deviations of a count that are summed over
MOST = 1_000_000  # pairs beyond which no number is worth naming
STEP = 1e-4  # to which a change is found


def power(n: int, change: float, back: float = 0.0, alpha: float = 0.05) -> float:
    """Probability that the test rejects when `back + change` of n pairs gain and `back` of them lose."""
    import numpy as np
    from scipy.special import bdtr

    moved = min(1.0, change + 2 * back)
    if moved <= 0:
        return 0.0
    reach = REACH * sqrt(n * moved * (1 - moved)) + REACH
    counts = np.arange(max(0, int(n * moved - reach)), min(n, int(n * moved + reach)) + 1)
    weight = np.diff(bdtr(np.maximum(counts, 0), n, moved), prepend=bdtr(counts[0] - 1, n, moved) if counts[0] else 0.0)
    fewer = rejecting(counts, alpha)
    at = np.maximum(fewer, 0)
    shown = bdtr(at, counts, back / moved) + bdtr(at, counts, 1 - back / moved)
    return float((weight * np.where(fewer >= 0, shown, 0.0)).sum())


def rejecting(changed: Any, alpha: float) -> Any:
    """For each number of changed pairs, the largest smaller count with p no more than `alpha`; -1 where none is."""
    import numpy as np
    from scipy.special import bdtr

    none, most = np.full(len(changed), -1), (changed - 1) // 2
    while (none < most).any():
        middle = (none + most + 1) // 2
        at = np.maximum(middle, 0)
        tail, before = bdtr(at, changed, 0.5), np.where(at > 0, bdtr(np.maximum(at - 1, 0), changed, 0.5), 0.0)
        p = np.where(changed < FEW, 2 * tail, tail + before)
        rejects = (p <= alpha) & (middle >= 0)
        none, most = np.where(rejects, middle, none), np.where(rejects, most, middle - 1)
    return none


def smallest_change(n: int, back: float = 0.0, alpha: float = 0.05, wanted: float = POWER) -> float | None:
    """The smallest change that n pairs show with a power of `wanted`; None where even the largest would not be seen."""
    low, high = 0.0, 1 - 2 * back
    if n < 1 or high <= 0 or power(n, high, back, alpha) < wanted:
        return None
    while high - low > STEP:
        middle = (low + high) / 2
        low, high = (low, middle) if power(n, middle, back, alpha) >= wanted else (middle, high)
    return high


def pairs_needed(change: float, back: float = 0.0, alpha: float = 0.05, wanted: float = POWER) -> int | None:
    """How many pairs show a change with a power of `wanted`; None above MOST.

    Power rises with n in small steps up and down; the number is one at which it is reached and nearly stays.
    """
    high = 2
    while power(high, change, back, alpha) < wanted:
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, change, back, alpha) >= wanted else (middle, high)
    return high
