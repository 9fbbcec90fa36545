"""Intervals and tests of one and of two proportions against scipy, against published examples and by hand."""

from __future__ import annotations

from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from benchmarks.paired import covered, rejected_when_alike, settings
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar

from recusa.stats import holm, mcnemar_p, paired_difference, wilson
from recusa.stats.paired import FEW, mcnemar_exact, mcnemar_mid_p, score, score_interval

Z = float(norm.ppf(0.975))


@pytest.mark.parametrize("n", [1, 2, 7, 48, 400])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_wilson_is_scipys(n: int, alpha: float) -> None:
    """The interval equals scipy's for every count, or every tenth of a large n."""
    for hits in range(0, n + 1, max(1, n // 10)):
        theirs = binomtest(hits, n).proportion_ci(1 - alpha, method="wilson")
        assert wilson(hits, n, alpha) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("n", [1, 3, 48, 1000])
def test_wilson_at_the_ends(n: int) -> None:
    """No refusal gives exactly 0 as lower end and z^2 / (n + z^2) as upper; n of n mirrors it."""
    assert wilson(0, n).low == 0.0
    assert wilson(n, n).high == 1.0
    assert wilson(0, n).high == pytest.approx(Z**2 / (n + Z**2))
    assert wilson(n, n).low == pytest.approx(n / (n + Z**2))


def test_wilson_of_ten_in_twenty_by_hand() -> None:
    """At one half the middle is 1/2, and half the width is z / (n + z^2) * sqrt(n/4 + z^2/4)."""
    half = Z / (20 + Z**2) * sqrt(20 / 4 + Z**2 / 4)
    assert wilson(10, 20) == pytest.approx((0.5 - half, 0.5 + half))


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        # two-sided exact p = 2 * sum of C(n, i) / 2**n up to the smaller count; mid-p takes off the last term once
        (10, 2, (2 * (comb(12, 0) + comb(12, 1) + comb(12, 2)) - comb(12, 2)) / 2**12),  # 92 / 4096
        (6, 0, (2 * 1 - 1) / 2**6),
        (1, 0, (2 * 1 - 1) / 2**1),
        (0, 4, (2 * 1 - 1) / 2**4),
        (5, 1, (2 * (1 + 6) - 6) / 2**6),  # 8 / 64
        (3, 3, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_mid_p_by_hand(gained: int, lost: int, p: float) -> None:
    """Seven tables worked out with binomial coefficients."""
    assert mcnemar_mid_p(gained, lost) == pytest.approx(p, rel=1e-12)


def test_mcnemar_mid_p_of_a_published_table() -> None:
    """Seven against one, as Fagerland, Lydersen and Laake 2013 work it: exact 0.070, mid-p 0.039."""
    assert round(mcnemar_exact(7, 1), 3) == 0.070
    assert round(mcnemar_mid_p(7, 1), 3) == 0.039


def test_mcnemar_exact_is_statsmodels() -> None:
    """Every pair of counts up to 25; the mid-p lies between half of it and all of it; arms may be swapped."""
    for gained, lost in product(range(26), repeat=2):
        exact = mcnemar_exact(gained, lost)
        theirs = mcnemar([[0, gained], [lost, 0]], exact=True).pvalue if gained + lost else 1.0
        assert exact == pytest.approx(float(theirs), rel=1e-9)
        assert exact / 2 - 1e-12 <= mcnemar_mid_p(gained, lost) <= exact + 1e-12
        assert mcnemar_p(gained, lost) == mcnemar_p(lost, gained)


def test_the_test_is_exact_with_few_changed_pairs() -> None:
    """Below ten changed pairs the exact p, from ten on the mid-p."""
    assert FEW == 10
    assert mcnemar_p(8, 1) == mcnemar_exact(8, 1) > mcnemar_mid_p(8, 1)
    assert mcnemar_p(9, 1) == mcnemar_mid_p(9, 1) < mcnemar_exact(9, 1)
    for changed in range(FEW):  # given their number, the level is kept
        chance = sum(comb(changed, lost) for lost in range(changed + 1) if mcnemar_p(changed - lost, lost) <= 0.05)
        assert chance / 2**changed <= 0.05


@pytest.mark.parametrize("n", [20, 50, 200, 1000])
def test_type_one_error_of_the_test_is_never_above_its_level(n: int) -> None:
    """Exact, over all shares of changed pairs up to one half, which two equal rates with correlation 0 or more give."""
    assert max(rejected_when_alike(n, changed, 0.05) for changed in np.linspace(0.001, 0.5, 200)) <= 0.05


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04, and the last may not fall to 0.04."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [([], []), ([0.3], [0.3]), ([0.6, 0.9], [1.0, 1.0]), ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06])],
    ids=["none", "one", "capped at 1", "ties"],
)
def test_holm_at_its_edges(given: list[float], adjusted: list[float]) -> None:
    """An empty family, a single test, the cap, and equal p-values."""
    assert holm(given) == pytest.approx(adjusted)


def test_holm_keeps_the_order_of_the_p_values() -> None:
    """Adjusted values rise with the raw ones, are never below them, and never above Bonferroni's."""
    rng = np.random.default_rng(5)
    for size in range(1, 20):
        raw = rng.random(size).tolist()
        adjusted = holm(raw)
        assert [adjusted[i] for i in np.argsort(raw)] == sorted(adjusted)
        assert all(p <= q <= min(1.0, size * p) for p, q in zip(raw, adjusted, strict=True))


@pytest.mark.parametrize(
    ("gained", "lost", "n", "low", "high"),
    [(7, 1, 21, 0.026, 0.517), (40, 20, 160, 0.0309, 0.2181)],
    ids=["Bentur et al. 2009 in Fagerland et al. 2014", "the example of PropCIs' scoreci.mp"],
)
def test_published_examples_of_tangos_interval(gained: int, lost: int, n: int, low: float, high: float) -> None:
    """Intervals as printed, to the digits printed."""
    digits = len(str(low)) - 2
    found = score_interval(gained, lost, n)
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def test_tangos_statistic_by_hand() -> None:
    """Six gained, two lost of 40 against 0.05: q solves 2n q^2 + B q + C = 0 with B = -8 + 0.05 (80 - 4), C = -0.095.

    So q = (4.2 + sqrt(17.64 + 4 * 80 * 0.095)) / 160, and z = (4 - 2) / sqrt(40 (2 q + 0.0475)).
    """
    q = (4.2 + sqrt(4.2**2 + 4 * 80 * 2 * 0.05 * 0.95)) / 160
    assert score(6, 2, 40, 0.05) == pytest.approx(2 / sqrt(40 * (2 * q + 0.05 * 0.95)))


def test_tangos_statistic_at_zero_is_mcnemars() -> None:
    """Against no difference: (gained - lost) / sqrt(gained + lost), whatever n; 0 where nothing changed."""
    assert score(9, 4, 50, 0) == score(9, 4, 500, 0) == pytest.approx(5 / sqrt(13))
    assert score(0, 0, 50, 0) == 0


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_ends_are_where_the_statistic_is_the_quantile(alpha: float) -> None:
    """Every table of 9 and some of 60: each end inverts the test, holds the difference, and mirrors when arms swap."""
    z = float(norm.ppf(1 - alpha / 2))
    for n, counts in ((9, range(10)), (60, range(0, 61, 12))):
        for gained, lost in product(counts, repeat=2):
            if gained + lost > n:
                continue
            low, high = paired_difference(0, lost, gained, n - gained - lost, alpha)
            assert -1 <= low <= (gained - lost) / n <= high <= 1
            if low > -1 + 1e-9:
                assert score(gained, lost, n, low) == pytest.approx(z, abs=1e-6)
            if high < 1 - 1e-9:
                assert score(gained, lost, n, high) == pytest.approx(-z, abs=1e-6)
            swapped = paired_difference(0, gained, lost, n - gained - lost, alpha)
            assert (-swapped.high, -swapped.low) == pytest.approx((low, high), abs=1e-9)


def test_no_pair_changed() -> None:
    """The interval is centred on 0 and each end is that of Wilson for none of n: z^2 / (n + z^2)."""
    for n in (10, 30, 400):
        low, high = score_interval(0, 0, n)
        assert (low, high) == pytest.approx((-(Z**2) / (n + Z**2), Z**2 / (n + Z**2)), abs=1e-9)


@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_coverage_of_the_paired_interval(n: int) -> None:
    """Exact, over rates 0.02 to 0.98 and correlations 0 to 0.9: the floor of docs/statistics.md, and its mean at n."""
    found = np.array([covered(n, one.gained, one.lost) for one in settings()])
    assert found.min() >= 0.936
    assert 0.945 <= found.mean() <= {20: 0.975, 50: 0.960, 100: 0.960, 200: 0.960}[n]
