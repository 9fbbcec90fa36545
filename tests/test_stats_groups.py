"""Groups taken whole: against the plain methods where groups are single, by hand, and by simulated experiments."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
from benchmarks.paired_groups import Place, draw, effective, flipped, holding, let_pass, moves

from recusa.stats import Group, change, mcnemar_p, paired_difference, plain_change, rate_interval, wilson
from recusa.stats import clusters as grouped
from recusa.stats.clusters import ALIKE, design_effect, sign_flip_p


def single(gained: int, lost: int, n: int) -> list[Group]:
    """Groups of one pair each."""
    return [Group(1, 1, 0)] * gained + [Group(1, 0, 1)] * lost + [Group(1, 0, 0)] * (n - gained - lost)


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 4, 60), (3, 1, 20), (0, 0, 15)])
def test_single_groups_are_plain_pairs(gained: int, lost: int, n: int) -> None:
    """Interval, test and their names are those of pairs that do not depend on each other."""
    found = change(single(gained, lost, n))
    assert found == plain_change(gained, lost, n)
    assert found.interval == paired_difference(0, lost, gained, n - gained - lost)
    assert found.p == mcnemar_p(gained, lost)
    assert found.interval_method == grouped.PLAIN_INTERVAL
    assert found.test == (grouped.MID_P if gained + lost >= 10 else grouped.EXACT)
    assert effective_n(single(gained, lost, n)) == n


def effective_n(groups: list[Group]) -> float:
    """As much as so many independent pairs."""
    n = sum(group.n for group in groups)
    return grouped.effective(groups, sum(g.gained - g.lost for g in groups) / n, ALIKE).n


def test_twins_that_always_move_together_count_once() -> None:
    """Every pair twice: the same difference, nearly the interval of half the pairs, and the test of the groups."""
    twins = [Group(2, 2 * group.gained, 2 * group.lost) for group in single(12, 4, 60)]
    found, once = change(twins), plain_change(12, 4, 60)
    assert (found.n, found.groups, found.difference) == (120, 60, once.difference)
    assert found.interval == pytest.approx(once.interval, abs=0.002)
    assert found.p == pytest.approx(once.p)
    assert found.interval_method == grouped.GROUPED_INTERVAL
    assert found.test == grouped.FLIPS
    plain = plain_change(24, 8, 120)
    assert found.p > plain.p and found.interval.high - found.interval.low > plain.interval.high - plain.interval.low


def test_pairs_of_a_group_that_cancel_are_no_change() -> None:
    """A group that gains one and loses one moves nowhere."""
    found = change([Group(2, 1, 1)] * 8 + [Group(2, 0, 0)] * 12)
    assert (found.difference, found.p) == (0.0, 1.0)


def test_design_effect_by_hand() -> None:
    """Three groups of two: net 2, 0, -1 round a mean of 1/6 a pair; squares 3 - 6/36, and the imaginary group."""
    off = [2 - 1 / 3, -1 / 3, -1 - 1 / 3]
    spread = (25 + 1 + 16) / 9 * 3 / 2
    squares = 3 - 6 / 36
    expected = (spread + 0.1 * 4) / (squares + 0.1 * 2)
    assert design_effect([2, 2, 2], off, squares, 0.1) == pytest.approx(expected)
    assert design_effect([1, 1, 1], [0.5, -0.25, -0.25], 0.4, 0.1) == 1.0
    assert design_effect([4], [0.0], 1.0, 0.1) == 4.0  # one group is one observation


def test_sign_flips_by_hand() -> None:
    """Net 2, 1, 1: of eight sums, +-4 twice, +-2 four times (2 and 0s aside), 0 twice; seen 4 is reached by two."""
    # sums: 4, 2, 2, 0, 0, -2, -2, -4
    assert sign_flip_p([2, 1, 1]) == pytest.approx(2 / 8)
    assert sign_flip_p([2, 1, -1]) == pytest.approx(6 / 8)
    assert sign_flip_p([2, -1, -1, 0, 0]) == 1.0
    assert sign_flip_p([0, 0]) == 1.0


def test_sign_flips_against_every_flip() -> None:
    """Ten groups of mixed sizes: the mid-p over all 1,024 flips, counted one by one."""
    net = [3, 1, 1, 2, -1, 1, 4, 1, -2, 1]
    sums = [abs(sum(sign * one for sign, one in zip(signs, net, strict=True))) for signs in product((1, -1), repeat=10)]
    seen = abs(sum(net))
    expected = (sum(one > seen for one in sums) + sum(one == seen for one in sums) / 2) / 1024
    assert sign_flip_p(net) == pytest.approx(expected)


def test_sign_flips_of_single_groups_are_mcnemars() -> None:
    """For groups of one pair, exact below ten that moved and mid-p from there."""
    for gained, lost in product(range(14), repeat=2):
        assert sign_flip_p([1] * gained + [-1] * lost) == pytest.approx(mcnemar_p(gained, lost), abs=1e-12)


def test_rates_of_groups() -> None:
    """Single rows give Wilson's interval; rows that agree within groups of two nearly that of half as many."""
    assert rate_interval([(1, 1)] * 6 + [(1, 0)] * 14) == (wilson(6, 20), grouped.PLAIN_RATE)
    alike, method = rate_interval([(2, 2)] * 30 + [(2, 0)] * 70)
    assert method == grouped.GROUPED_RATE
    assert alike == pytest.approx(wilson(30, 100), abs=0.003)
    unlike, _ = rate_interval([(2, 1)] * 60 + [(2, 0)] * 20 + [(2, 2)] * 20)
    assert unlike == pytest.approx(wilson(100, 200), abs=1e-9)  # never narrower than single rows


def test_the_simulation_uses_the_packages_arithmetic() -> None:
    """Effective numbers of many experiments at once equal those of one at a time."""
    place = Place(30, "mixed", 0.5)
    (drawn,) = draw(place, 0.15, 0.05, 50, np.random.default_rng(3))
    gained, lost, n = effective(drawn, (drawn.gained.sum(1) - drawn.lost.sum(1)) / drawn.n, ALIKE)
    for run in range(50):
        groups = [Group(*map(int, one)) for one in zip(drawn.sizes, drawn.gained[run], drawn.lost[run], strict=True)]
        difference = sum(g.gained - g.lost for g in groups) / drawn.n
        told = grouped.effective(groups, difference, ALIKE)
        assert (told.gained, told.lost, told.n) == pytest.approx((gained[run], lost[run], n[run]))


def test_simulated_pairs_of_a_group_are_as_alike_as_asked() -> None:
    """The correlation of what happens to two pairs of a group is the one asked for."""
    gained = np.concatenate([d.gained for d in draw(Place(200, "pairs", 0.5), 0.3, 0.0, 500, np.random.default_rng(4))])
    both = (gained == 2).mean()
    assert (both - 0.3**2) / (0.3 * 0.7) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("place", [Place(50, "pairs", 0.5), Place(50, "mixed", 1.0), Place(100, "fives", 0.5)], ids=str)
def test_coverage_of_grouped_intervals(place: Place) -> None:
    """Of 2,000 simulated experiments a setting; single pairs' intervals would fall short."""
    rng = np.random.default_rng(5)
    held = [holding(place, move, 2_000, rng) for move in moves()]
    whole, plain = np.array(held).T
    assert whole.min() >= 0.93 - 2.6 * sqrt(0.93 * 0.07 / 2_000)
    assert 0.945 <= whole.mean() <= 0.98
    assert plain.mean() < 0.93


@pytest.mark.parametrize("place", [Place(50, "pairs", 0.5), Place(100, "mixed", 1.0), Place(20, "fives", 0.0)], ids=str)
def test_type_one_errors_where_pairs_share_groups(place: Place) -> None:
    """Of 2,000 simulated experiments a setting, neither test rejects more than one in twenty but for chance."""
    rng = np.random.default_rng(6)
    most = 0.05 + 2.6 * sqrt(0.05 * 0.95 / 2_000)
    assert max(flipped(place, changed, 2_000, rng) for changed in (0.1, 0.5)) <= most
    assert let_pass(place, 0.02, 1_000, rng) <= 0.05 + 2.6 * sqrt(0.05 * 0.95 / 1_000)
