"""Estimates from labelled samples and bands: against numbers worked by hand, and by simulated experiments."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from benchmarks.labels import cover_difference, cover_rate, difference_cells, table_of
from scipy.stats import norm

from recusa.inference import (
    MINIMUM,
    Accuracy,
    Both,
    Table,
    difference_band,
    estimated_difference,
    estimated_rate,
    rate_band,
    rogan_gladen,
)
from recusa.stats import paired_difference, wilson

Z = float(norm.ppf(0.975))
HIT, ALARM, MISS, SPARED = (True, True), (False, True), (True, False), (False, False)  # (people, judge)


def test_a_judge_nobody_contradicted_is_believed_but_not_for_certain() -> None:
    """50 labels, no disagreement: the judge's rate, with a reach of z * sqrt(2 / 52) / sqrt(52) beside Wilson's."""
    found = estimated_rate({HIT: 20, SPARED: 30}, 90, 200)
    assert found is not None
    low, high = wilson(90, 200)
    reach = Z * sqrt(2 / 52) / sqrt(52)
    assert found.weight == 1.0 and found.value == pytest.approx(0.45)
    assert (found.low, found.high) == pytest.approx(
        (0.45 - sqrt((0.45 - low) ** 2 + reach**2), 0.45 + sqrt((high - 0.45) ** 2 + reach**2))
    )
    assert found.high - found.low > high - low


def test_estimate_of_twenty_labels_by_hand() -> None:
    """8 hits, 1 false alarm, 3 misses, 8 spared of 100 answers, 40 called refusals.

    People 11, judge 9: together 8 - 11 * 9 / 20 = 3.05, alone 9 - 81 / 20 = 4.95, so the weight is 4.05 / 5.95 and the
    value 0.4 w + (11 - 9 w) / 20. Squares left: 8 (1 - w)^2 + w^2 + 3.
    """
    found = estimated_rate({HIT: 8, ALARM: 1, MISS: 3, SPARED: 8}, 40, 100)
    assert found is not None
    w = 4.05 / 5.95
    left = 11 - 9 * w
    assert (found.weight, found.value) == pytest.approx((w, 0.4 * w + left / 20))
    variance = (8 * (1 - w) ** 2 + w**2 + 3 + 2) / 22 - (left / 22) ** 2
    reach = Z * sqrt(variance / 22)
    low, high = wilson(40, 100)
    down, up = (sqrt((w * side) ** 2 + reach**2) for side in (0.4 - low, high - 0.4))
    assert (found.low, found.high) == pytest.approx((found.value - down, found.value + up))


def test_difference_of_twenty_labels_by_hand() -> None:
    """Of 20 prompts 6 were gained to both people and judge, 2 to people alone, 1 lost to the judge alone, 11 unmoved.

    People 8, judge 5; together 6 - 8 * 5 / 20 = 4, alone 7 - 25 / 20 = 5.75: weight 5 / 6.75.
    """
    counts = {(SPARED, HIT): 6, (SPARED, MISS): 2, (ALARM, SPARED): 1, (SPARED, SPARED): 6, (HIT, HIT): 5}
    table = Table(20, 4, 26, 50)
    found = estimated_difference(counts, table)
    assert found is not None
    w = 5 / 6.75
    left = 8 - 5 * w
    assert (found.weight, found.value) == pytest.approx((w, 0.22 * w + left / 20))
    squares = 6 * (1 - w) ** 2 + 2 + w**2
    reach = Z * sqrt(((squares + 2) / 22 - (left / 22) ** 2) / 22)
    low, high = paired_difference(*table)
    down, up = (sqrt((w * side) ** 2 + reach**2) for side in (0.22 - low, high - 0.22))
    assert (found.low, found.high) == pytest.approx((found.value - down, found.value + up))


def test_swapping_the_arms_mirrors_the_difference() -> None:
    """Nothing depends on which arm is called the baseline."""
    counts = {(SPARED, HIT): 6, (SPARED, MISS): 2, (ALARM, SPARED): 1, (HIT, HIT): 11}
    there = estimated_difference(counts, Table(20, 4, 26, 50))
    back = estimated_difference({(b, a): n for (a, b), n in counts.items()}, Table(20, 26, 4, 50))
    assert there is not None and back is not None
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_with_everything_labelled_the_judge_does_not_matter() -> None:
    """The interval is that of the labels, whatever the judge said."""
    found = estimated_rate({HIT: 3, ALARM: 9, MISS: 8, SPARED: 0}, 12, 20)
    assert found is not None and found == (11 / 20, *wilson(11, 20), 0.0)
    counts = {(HIT, ALARM): 4, (ALARM, MISS): 3, (MISS, HIT): 6, (SPARED, SPARED): 7}
    pair = estimated_difference(counts, Table(10, 3, 0, 7))
    assert pair is not None and pair == (-1 / 20, *paired_difference(6, 4, 3, 7), 0.0)


def test_too_few_labels_give_no_estimate() -> None:
    """One below the minimum is none, the minimum is enough."""
    assert estimated_rate({HIT: MINIMUM - 1}, 40, 100) is None
    assert estimated_rate({HIT: MINIMUM}, 40, 100) is not None
    assert estimated_difference({(HIT, HIT): MINIMUM - 1}, Table(40, 1, 1, 58)) is None
    assert estimated_difference({(HIT, HIT): MINIMUM}, Table(40, 1, 1, 58)) is not None


@pytest.mark.parametrize("counts", [{HIT: 10}, {SPARED: 10}, {ALARM: 10}, {MISS: 10}, {ALARM: 5, MISS: 5}])
@pytest.mark.parametrize("refused", [0, 1, 50, 99, 100])
def test_estimates_stay_within_what_can_be(counts: dict[Both, int], refused: int) -> None:
    """Also where judge and people agree on nothing."""
    found = estimated_rate(counts, refused, 100)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high and 0 <= found.weight <= 1


CASES = [  # rate, (sensitivity, specificity), labelled, of
    (0.05, (0.8, 1.0), 20, 200),
    (0.05, (1.0, 0.8), 50, 200),
    (0.1, (0.95, 0.99), 50, 500),
    (0.3, (0.98, 0.98), 20, 50),
    (0.5, (0.8, 0.8), 50, 50),
    (0.5, (0.9, 0.95), 200, 500),
    (0.9, (0.8, 1.0), 100, 500),
    (0.95, (1.0, 1.0), 10, 100),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rate_is_covered(case: tuple[float, tuple[float, float], int, int]) -> None:
    """Of 1,500 simulated experiments at least 92% hold the rate, which the judge alone may miss every time."""
    rate, accuracy, n, of = case
    found = cover_rate(rate, accuracy, n, of, 1500, np.random.default_rng(3))
    assert found.estimate >= 0.92
    assert abs(found.bias) < 0.02


MOVES = [  # rates, correlation, errors before and after, labelled, of
    ((0.05, 0.05), 0.5, ((1.0, 0.8), (0.8, 1.0)), 20, 200),
    ((0.05, 0.3), 0.9, ((0.8, 1.0), (0.98, 0.98)), 50, 200),
    ((0.3, 0.5), 0.0, ((0.9, 0.95), (0.8, 1.0)), 50, 500),
    ((0.5, 0.5), 0.9, ((0.95, 0.99), (1.0, 0.8)), 20, 50),
    ((0.5, 0.95), 0.0, ((0.8, 0.8), (1.0, 0.8)), 100, 500),
    ((0.9, 0.95), 0.9, ((1.0, 1.0), (0.8, 1.0)), 50, 50),
]


@pytest.mark.parametrize("case", MOVES, ids=str)
def test_difference_is_covered(
    case: tuple[tuple[float, float], float, tuple[tuple[float, float], tuple[float, float]], int, int],
) -> None:
    """The same for paired arms on which the judge errs in different ways."""
    rates, correlation, accuracies, n, of = case
    found = cover_difference(rates, correlation, accuracies, n, of, 1500, np.random.default_rng(4))
    assert found.estimate >= 0.92
    assert abs(found.bias) < 0.02


@pytest.mark.parametrize(("n", "of"), [(20, 60), (40, 40)])
def test_the_simulation_of_differences_uses_the_packages_arithmetic(n: int, of: int) -> None:
    """Many experiments at once give what one at a time do."""
    cells, pairs = difference_cells((0.1, 0.4), 0.5, ((0.9, 0.8), (0.7, 0.95)))
    rng = np.random.default_rng(8)
    few, rest = (rng.multinomial(size, cells, 200) for size in (n, of - n))
    held = []
    for one, everyone in zip(few.tolist(), (few + rest).tolist(), strict=True):
        found = estimated_difference(dict(zip(pairs, one, strict=True)), table_of(pairs, everyone, 1))
        assert found is not None
        judge, own = (paired_difference(*table_of(pairs, *side)) for side in ((everyone, 1), (one, 0)))
        covers = [low - 1e-9 <= 0.3 <= high + 1e-9 for low, high in (found[1:3], judge, own)]
        held.append([*covers, found.high - found.low, own.high - own.low, found.value - 0.3])
    simulated = cover_difference((0.1, 0.4), 0.5, ((0.9, 0.8), (0.7, 0.95)), n, of, 200, np.random.default_rng(8))
    assert simulated == pytest.approx(tuple(np.mean(held, axis=0)), abs=1e-7)


def test_where_the_judge_errs_by_arm_it_alone_misses_what_labels_find() -> None:
    """No real difference, but false alarms in one arm only: the judge's interval leaves out 0 almost always."""
    accuracies = ((1.0, 1.0), (1.0, 0.8))
    found = cover_difference((0.1, 0.1), 0.5, accuracies, 50, 200, 500, np.random.default_rng(5))
    assert found.judge < 0.05 and found.estimate > 0.93


def test_simulated_cells_are_what_they_say() -> None:
    """Rates and accuracies come back from the cells of the simulation, or the coverage would mean nothing."""
    cells, pairs = difference_cells((0.3, 0.6), 0.4, ((0.9, 0.8), (0.7, 0.95)))
    weights = [round(cell * 10**9) for cell in cells]
    people, judge = table_of(pairs, weights, 0), table_of(pairs, weights, 1)
    assert [(t.both + t.lost) / t.n for t in (people, judge)] == pytest.approx([0.3, 0.3 * 0.9 + 0.7 * 0.2])
    assert [(t.both + t.gained) / t.n for t in (people, judge)] == pytest.approx([0.6, 0.6 * 0.7 + 0.4 * 0.05])
    covariance = people.both / people.n - 0.3 * 0.6
    assert covariance / sqrt(0.3 * 0.7 * 0.6 * 0.4) == pytest.approx(0.4)


def test_rogan_gladen_by_hand() -> None:
    """(0.4 + 0.9 - 1) / (0.8 + 0.9 - 1) = 3/7; rates that only errors could make are clipped."""
    assert rogan_gladen(0.4, Accuracy(0.8, 0.9)) == pytest.approx(3 / 7)
    assert rogan_gladen(0.05, Accuracy(0.8, 0.9)) == 0.0
    assert rogan_gladen(0.85, Accuracy(0.8, 0.9)) == 1.0
    assert rogan_gladen(0.37, Accuracy(1.0, 1.0)) == pytest.approx(0.37)


def test_band_runs_over_every_pair_of_sets() -> None:
    """Two sets: 0.4 may be 3/7 or 0.4, 0.5 may be 4/7 or 0.5; the arms may err unlike, so 0.5 - 3/7 is the least."""
    sets = [Accuracy(0.8, 0.9), Accuracy(1.0, 1.0)]
    assert rate_band(0.4, sets) == pytest.approx((0.4, 3 / 7))
    assert difference_band(0.4, 0.5, sets) == pytest.approx((0.5 - 3 / 7, 4 / 7 - 0.4))
    assert difference_band(0.5, 0.4, sets) == pytest.approx((0.4 - 4 / 7, 3 / 7 - 0.5))


def test_sets_without_information_are_in_no_band() -> None:
    """A judge that is hardly better than chance would stretch every band over everything."""
    assert rate_band(0.4, [Accuracy(0.5, 0.55)]) is None
    assert difference_band(0.4, 0.5, []) is None
    assert rate_band(0.4, [Accuracy(0.5, 0.55), Accuracy(1.0, 1.0)]) == pytest.approx((0.4, 0.4))
