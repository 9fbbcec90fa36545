"""Intervals and tests against scipy, against published examples and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from recusa.stats import holm, mcnemar_mid_p, paired_difference, wilson

Table = tuple[int, int, int, int]
Z = float(norm.ppf(0.975))


def tables(n: int) -> Iterator[Table]:
    """All (both, lost, gained, neither) of n pairs."""
    for a, b, c in product(range(n + 1), repeat=3):
        if a + b + c <= n:
            yield a, b, c, n - a - b - c


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


def test_mcnemar_mid_p_is_symmetric_and_never_above_the_exact_p() -> None:
    """Swapping the arms changes nothing, and the mid-p stays between half the exact p and the exact p."""
    for gained, lost in product(range(26), repeat=2):
        p = mcnemar_mid_p(gained, lost)
        assert p == mcnemar_mid_p(lost, gained)
        exact = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
        assert exact / 2 - 1e-12 <= p <= exact + 1e-12


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
    ("table", "low", "high"),
    [
        ((36, 2, 12, 0), 0.0569, 0.3404),
        ((14, 0, 5, 22), 0.011, 0.226),
        ((59, 6, 16, 80), 0.0046, 0.1186),
    ],
    ids=["Newcombe 1998", "Altman 2000, table 6.2", "Fagerland 2017, chapter 8"],
)
def test_published_examples_of_method_10(table: Table, low: float, high: float) -> None:
    """Intervals as printed, to the digits printed."""
    digits = len(str(low)) - 2
    found = paired_difference(*table)
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def step_by_step(table: Table) -> tuple[float, float]:
    """Method 10 written from the paper's steps, with scipy's Wilson intervals."""
    a, b, c, d = table  # both, lost, gained, neither
    n = sum(table)
    p, q = (a + b) / n, (a + c) / n
    p_ends = binomtest(a + b, n).proportion_ci(method="wilson")
    q_ends = binomtest(a + c, n).proportion_ci(method="wilson")
    product_of_margins = (a + b) * (c + d) * (a + c) * (b + d)
    numerator: float = a * d - b * c
    if numerator > 0:
        numerator = max(numerator - n / 2, 0)
    phi = numerator / sqrt(product_of_margins) if product_of_margins else 0.0
    below, above = q - q_ends.low, p_ends.high - p
    down = sqrt(max(0.0, below**2 - 2 * phi * below * above + above**2))
    below, above = p - p_ends.low, q_ends.high - q
    up = sqrt(max(0.0, above**2 - 2 * phi * above * below + below**2))
    return q - p - down, q - p + up


@pytest.mark.parametrize("n", [1, 4, 9])
def test_method_10_for_every_small_table(n: int) -> None:
    """Every table of n pairs equals the steps, lies in -1..1, holds the difference, and mirrors when arms swap."""
    for both, lost, gained, neither in tables(n):
        low, high = paired_difference(both, lost, gained, neither)
        steps = step_by_step((both, lost, gained, neither))
        assert (low, high) == pytest.approx((max(-1.0, steps[0]), min(1.0, steps[1])), abs=1e-12)
        assert -1 <= low <= (gained - lost) / n <= high <= 1
        swapped = paired_difference(both, gained, lost, neither)
        assert (-swapped.high, -swapped.low) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("both", "neither"), [(0, 30), (30, 0)], ids=["none refused", "all refused"])
def test_all_pairs_alike_on_one_side(both: int, neither: int) -> None:
    """With no correlation to speak of, each end is the width of one Wilson interval: z^2 / (n + z^2)."""
    width = Z**2 / (30 + Z**2)
    assert paired_difference(both, 0, 0, neither) == pytest.approx((-width, width))


def test_all_pairs_alike_on_both_sides() -> None:
    """Without discordant pairs the interval is centred on 0, has a width, and narrows with n."""
    narrow, wide = paired_difference(60, 0, 0, 40), paired_difference(6, 0, 0, 4)
    for low, high in (narrow, wide):
        assert low == pytest.approx(-high, abs=1e-12)
        assert high > 0
    assert narrow.high < wide.high


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("correlation", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.1, 0.5), (0.5, 0.5)], ids=["low", "moved", "middle"])
def test_method_10_covers_the_truth(rates: tuple[float, float], correlation: float, alpha: float) -> None:
    """Of 4,000 simulated experiments with 48 pairs, the share that holds the true difference is the one promised."""
    p, q = rates
    both = p * q + min(correlation, 0.3 if p != q else 1) * sqrt(p * (1 - p) * q * (1 - q))
    cells = [both, p - both, q - both, 1 - p - q + both]
    drawn = np.random.default_rng(11).multinomial(48, cells, size=4000)
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    covered = 0
    for (a, b, c, d), count in zip(found.tolist(), counts.tolist(), strict=True):
        low, high = paired_difference(a, b, c, d, alpha)
        covered += count * (low <= q - p <= high)
    assert covered / 4000 >= 1 - alpha - 0.02
