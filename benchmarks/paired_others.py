"""Paired intervals that the package does not use, for comparison in `benchmarks/paired.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import norm

Z = float(norm.ppf(0.975))
Ends = tuple[Any, Any]


def bonett_price(gained: Any, lost: Any, n: int) -> Ends:
    """Adjusted Wald of Bonett and Price 2012: one more gained and one more lost."""
    first, second = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    reach = Z * np.sqrt((first + second - (first - second) ** 2) / (n + 2))
    return np.maximum(-1, first - second - reach), np.minimum(1, first - second + reach)


def agresti_min(gained: Any, lost: Any, n: int) -> Ends:
    """Adjusted Wald of Agresti and Min 2005: one half more in each of the four cells."""
    gained, lost, n = gained + 0.5, lost + 0.5, n + 2
    reach = Z * np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return np.maximum(-1, (gained - lost) / n - reach), np.minimum(1, (gained - lost) / n + reach)


def wald(gained: Any, lost: Any, n: int) -> Ends:
    """The textbook's interval."""
    reach = Z * np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return (gained - lost) / n - reach, (gained - lost) / n + reach


def newcombe(n: int, before_rate: float, gained_share: float, lost_share: float) -> float:
    """The same for Newcombe's method 10, which needs all four counts; n up to some dozens."""
    both, lost, gained = np.meshgrid(*[np.arange(n + 1.0)] * 3, indexing="ij")
    possible = both + lost + gained <= n
    both, lost, gained = both[possible], lost[possible], gained[possible]
    neither = n - both - lost - gained
    before, after = both + lost, both + gained
    margins = before * (n - before) * after * (n - after)
    cross = both * neither - lost * gained
    cross = np.where(cross > 0, np.maximum(cross - n / 2, 0), cross)
    phi = np.where(margins > 0, cross / np.sqrt(np.maximum(margins, 1)), 0)
    (low1, high1), (low2, high2) = _wilson(before, n), _wilson(after, n)
    down, up, down1, up1 = after / n - low2, high2 - after / n, before / n - low1, high1 - before / n
    low = (after - before) / n - np.sqrt(np.maximum(0, down**2 - 2 * phi * down * up1 + up1**2))
    high = (after - before) / n + np.sqrt(np.maximum(0, up**2 - 2 * phi * up * down1 + down1**2))
    truth = gained_share - lost_share
    inside = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
    shared = before_rate - lost_share
    rest = max(0.0, 1 - shared - lost_share - gained_share)
    log = gammaln(n + 1) - sum(gammaln(part + 1) for part in (both, lost, gained, neither))
    for part, share in ((both, shared), (lost, lost_share), (gained, gained_share), (neither, rest)):
        log = log + xlogy(part, max(0.0, share))
    return float(np.exp(log)[inside].sum())


def _wilson(hits: Any, n: int) -> Ends:
    middle = (hits / n + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(hits / n * (1 - hits / n) / n + Z * Z / (4 * n * n))
    return np.maximum(0, middle - half), np.minimum(1, middle + half)
