"""What a comparison can show before it is made: by hand, against plain enumeration, and by simulated experiments."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from benchmarks.paired import chances, outcomes

from recusa.stats import mcnemar_p
from recusa.stats.power import pairs_needed, power, rejecting, smallest_change


def test_one_way_by_hand() -> None:
    """All of 20 pairs that change gain: six in a row are the first with p below 5 %, so power is P(6 or more)."""
    expected = 1 - sum(comb(20, k) * 0.3**k * 0.7 ** (20 - k) for k in range(6))
    assert power(20, 0.3) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n", "change", "back", "alpha"), [(20, 0.3, 0.1, 0.05), (40, 0.0, 0.2, 0.05), (30, 0.4, 0.05, 0.01)]
)
def test_against_plain_enumeration(n: int, change: float, back: float, alpha: float) -> None:
    """The sum over every outcome that the test rejects."""
    gained, lost = outcomes(n)
    rejects = np.array([mcnemar_p(int(g), int(b)) <= alpha for g, b in zip(gained, lost, strict=True)])
    assert power(n, change, back, alpha) == pytest.approx(
        float(chances(n, back + change, back)[rejects].sum()), abs=1e-10
    )


def test_rejecting_counts_are_the_tests() -> None:
    """For each number of changed pairs up to 60, the largest smaller count with p up to alpha."""
    for alpha in (0.05, 0.01):
        fewer = rejecting(np.arange(61), alpha)
        for changed in range(61):
            passed = [k for k in range((changed + 1) // 2) if mcnemar_p(changed - k, k) <= alpha]
            assert fewer[changed] == (passed[-1] if passed else -1)


def test_smallest_change_and_needed_pairs_belong_together() -> None:
    """At the smallest change power is what was wanted; with fewer pairs, or a smaller change, it is not."""
    change = smallest_change(100, 0.05)
    assert change is not None
    assert power(100, change, 0.05) >= 0.8 > power(100, change - 0.002, 0.05)
    needed = pairs_needed(change, 0.05)
    assert needed is not None and 85 <= needed <= 100
    assert power(needed, change, 0.05) >= 0.8 > power(int(needed * 0.9), change, 0.05)


def test_what_cannot_be_seen_is_none() -> None:
    """Five pairs never have p below 5 %; no number shows no change."""
    assert smallest_change(5) is None
    assert pairs_needed(1e-7, 0.05) is None


def test_power_is_what_simulated_experiments_show() -> None:
    """Of 20,000 drawn experiments of 80 pairs, the share with p up to 5 %."""
    drawn = np.random.default_rng(9).multinomial(80, [0.2, 0.05, 0.75], size=20_000)
    found, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    shown = sum(
        int(count) for (gained, lost), count in zip(found.tolist(), counts, strict=True)
        if mcnemar_p(gained, lost) <= 0.05
    )  # fmt: skip
    assert shown / 20_000 == pytest.approx(power(80, 0.15, 0.05), abs=0.01)
