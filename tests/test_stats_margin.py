"""One-sided tests at a limit: by hand, against plain enumeration, and their errors over every true value."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from benchmarks.paired import chances, outcomes

from recusa.stats import Group
from recusa.stats.margin import (
    above_p,
    below_p,
    lower_bound,
    probability,
    rejected,
    settling_pairs,
    upper_bound,
    worst,
)
from recusa.stats.paired import score


def pairs(gained: int, lost: int, n: int) -> list[Group]:
    """Pairs that do not depend on each other."""
    return [Group(1, 1, 0)] * gained + [Group(1, 0, 1)] * lost + [Group(1, 0, 0)] * (n - gained - lost)


def test_nothing_changed_by_hand() -> None:
    """No change in 59 pairs against 5 points: worst where 5 % gain and none lose, 0.95^59; 58 pairs are too few."""
    assert below_p(pairs(0, 0, 59), 0.05) == pytest.approx(0.95**59)
    assert below_p(pairs(0, 0, 59), 0.05) < 0.05 < below_p(pairs(0, 0, 58), 0.05)


def test_one_gained_by_hand() -> None:
    """One gained of 30 against 0.2; where none lose P(none or one) = 0.8^30 + 30 * 0.2 * 0.8^29, and p no less."""
    region = rejected(30, 0.2, score(1, 0, 30, 0.2))
    expected = sum(comb(30, k) * 0.2**k * 0.8 ** (30 - k) for k in (0, 1))
    assert probability(region, 30, 0.2, 0.0) == pytest.approx(expected)
    assert expected <= below_p(pairs(1, 0, 30), 0.2) < 1.5 * expected


@pytest.mark.parametrize("limit", [0.0, 0.05, -0.1])
def test_probability_against_plain_enumeration(limit: float) -> None:
    """The region's probability is the sum over its outcomes, each weighed by the trinomial distribution."""
    n, statistic = 25, -1.2
    region = rejected(n, limit, statistic)
    gained, lost = outcomes(n)
    inside = score(gained, lost, n, limit) <= statistic + 1e-9
    for share in (0.1, 0.3):
        assert probability(region, n, share + limit, share) == pytest.approx(
            float(chances(n, share + limit, share)[inside].sum()), abs=1e-12
        )


def test_the_statistic_rises_with_gains_and_falls_with_losses() -> None:
    """What `rejected` relies on, for every outcome of 30 pairs."""
    n = 30
    for limit in (-0.2, 0.0, 0.02, 0.1, 0.5):
        for gained, lost in product(range(n), repeat=2):
            if gained + lost < n:
                here = score(gained, lost, n, limit)
                assert score(gained + 1, lost, n, limit) > here - 1e-12
                assert score(gained, lost + 1, n, limit) < here + 1e-12


@pytest.mark.parametrize(("n", "limit"), [(20, 0.05), (52, 0.05), (60, 0.1), (100, 0.02)])
def test_the_level_is_never_exceeded(n: int, limit: float) -> None:
    """Over 400 true values on the limit, the outcomes with p up to 5 % have a probability of at most 5 %."""
    low, high = -6.0, 0.0
    for _ in range(20):  # the largest statistic whose p is at most 5 %
        middle = (low + high) / 2
        low, high = (middle, high) if worst(rejected(n, limit, middle), n, limit) <= 0.05 else (low, middle)
    region = rejected(n, limit, low)
    errors = [probability(region, n, lost + limit, lost) for lost in np.linspace(0, (1 - limit) / 2, 400)]
    assert max(errors) <= 0.05 + 1e-4


def test_the_normal_tail_exceeds_it() -> None:
    """Why p is not simply the normal tail: at 52 pairs and 5 points it lets 6.9 % pass."""
    assert worst(rejected(52, 0.05, -1.6449), 52, 0.05) == pytest.approx(0.0694, abs=1e-3)


def test_above_is_below_turned_round() -> None:
    """A loss above a limit is a gain below minus that limit."""
    assert above_p(pairs(9, 2, 50), 0.02) == below_p(pairs(2, 9, 50), -0.02)
    assert above_p(pairs(30, 0, 50), 0.1) < 1e-6 < below_p(pairs(30, 0, 50), 0.1)


def test_bounds_agree_with_the_tests() -> None:
    """A limit just outside a bound is rejected, one just inside is not."""
    given = pairs(5, 2, 80)
    high, low = upper_bound(given), lower_bound(given)
    assert low < 3 / 80 < high
    assert below_p(given, high + 0.001) <= 0.05 < below_p(given, high - 0.001)
    assert above_p(given, low - 0.001) <= 0.05 < above_p(given, low + 0.001)


def test_groups_weigh_as_groups() -> None:
    """Each prompt in two languages that behave alike tells hardly more than one; unlike ones tell more."""
    once = below_p(pairs(2, 2, 80), 0.05)
    twice = below_p([Group(2, 2 * g.gained, 2 * g.lost) for g in pairs(2, 2, 80)], 0.05)
    assert once < twice < 1.5 * once
    assert below_p(pairs(4, 4, 160), 0.05) < once


def test_pairs_that_would_settle_a_limit() -> None:
    """59 pairs without a change settle 5 points; at the limit nothing does; more change needs more."""
    assert settling_pairs(pairs(0, 0, 20), 0.05) == 59
    assert settling_pairs(pairs(2, 0, 40), 0.05) is None
    few, many = settling_pairs(pairs(1, 1, 40), 0.05), settling_pairs(pairs(4, 4, 40), 0.05)
    assert few is not None and many is not None and 59 < few < many
    broken = settling_pairs(pairs(4, 0, 20), 0.05)
    assert broken is not None and 20 < broken < 100


def test_settling_pairs_settle_four_times_in_five() -> None:
    """Of 300 drawn experiments of the size named, about four in five find the limit held."""
    needed = settling_pairs(pairs(2, 2, 60), 0.05)
    assert needed is not None
    rng = np.random.default_rng(8)
    drawn = rng.multinomial(needed, [2 / 60, 2 / 60, 56 / 60], size=300)
    found, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    held = sum(
        int(count) for (gained, lost), count in zip(found.tolist(), counts, strict=True)
        if below_p(pairs(gained, lost, needed), 0.05) <= 0.05
    )  # fmt: skip
    assert 0.72 <= held / 300 <= 0.9
