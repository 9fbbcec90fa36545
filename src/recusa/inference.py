"""What can be said of people's refusal rates from a judge that errs: estimates from a labelled sample, and bands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from recusa.stats import Interval, paired_difference, wilson

MINIMUM = 10  # labelled prompts; the coverage of intervals from fewer was not measured, and they say next to nothing
LEAST_INFORMATION = 0.1  # sensitivity + specificity - 1 below which a judge's verdicts say next to nothing
ADDED = 2  # disagreements assumed beside those seen, one each way
Both = tuple[bool, bool]  # whether people, and whether the judge, call an answer a refusal


class Estimate(NamedTuple):
    """A rate or a difference as people would have it, its interval, and how far the judge was leaned on (0 to 1)."""

    value: float
    low: float
    high: float
    weight: float


class Accuracy(NamedTuple):
    """A judge's sensitivity and specificity on one set of labelled answers."""

    sensitivity: float
    specificity: float

    @property
    def information(self) -> float:
        """Youden's index: 1 is never wrong, 0 is no better than chance."""
        return self.sensitivity + self.specificity - 1


class Table(NamedTuple):
    """Pairs by the judge's verdicts: refused by both arms, by the first alone, by the second alone, by neither."""

    both: int
    lost: int
    gained: int
    neither: int

    @property
    def n(self) -> int:
        """All pairs."""
        return sum(self)


def estimated_rate(labelled: Mapping[Both, int], refused: int, n: int, alpha: float = 0.05) -> Estimate | None:
    """People's rate of refusals among `n` answers of which the judge calls `refused` refusals.

    `labelled` counts (people, judge) over a random sample of them. None with fewer than MINIMUM labels; with all
    answers labelled the judge is not needed, and the interval is Wilson's.
    """
    size = sum(labelled.values())
    if size < MINIMUM:
        return None
    if size == n:
        own = sum(count for (people, _), count in labelled.items() if people)
        return Estimate(own / n, *wilson(own, n, alpha), 0.0)
    values = {(int(people), int(judge)): count for (people, judge), count in labelled.items()}
    return prediction_powered(values, refused / n, wilson(refused, n, alpha), Interval(0.0, 1.0), alpha)


def estimated_difference(
    labelled: Mapping[tuple[Both, Both], int], table: Table, alpha: float = 0.05
) -> Estimate | None:
    """People's difference of two arms' rates (second minus first) over the pairs of `table`.

    `labelled` counts, over a random sample of these prompts, (people, judge) of the first arm with that of the second.
    None with fewer than MINIMUM; with all pairs labelled the interval is Tango's of the labels.
    """
    size = sum(labelled.values())
    if size < MINIMUM:
        return None
    if size == table.n:
        said: Counter[Both] = Counter()
        for (first, second), count in labelled.items():
            said[first[0], second[0]] += count
        own = Table(said[True, True], said[True, False], said[False, True], said[False, False])
        return Estimate((own.gained - own.lost) / own.n, *paired_difference(*own, alpha), 0.0)
    values: Counter[tuple[int, int]] = Counter()
    for (first, second), count in labelled.items():
        values[second[0] - first[0], second[1] - first[1]] += count
    seen = (table.gained - table.lost) / table.n
    return prediction_powered(values, seen, paired_difference(*table, alpha), Interval(-1.0, 1.0), alpha)


def prediction_powered(
    labelled: Mapping[tuple[int, int], int], seen: float, interval: Interval, ends: Interval, alpha: float = 0.05
) -> Estimate:
    """A mean over all rows, from the judge's mean `seen` over all of them and people's values for a random few.

    weight x judge's mean over all + mean of (people - weight x judge) over the labelled, which is right on average
    whatever the judge's errors (Angelopoulos et al. 2023, Science 382, 669-674). The weight is the slope of people's
    values on the judge's, as in power tuning (Angelopoulos, Duchi and Zrnic 2023, PPI++), drawn to 1 by one unit of
    variation, so that a judge nobody contradicted is believed. `interval` is that of `seen`; the labelled part has a
    normal one with two disagreements added, one each way (as Bonett and Price 2012 do for paired proportions), so that
    none seen among few is not taken for none at all. Both are squared and added (Zou and Donner 2008): at the best
    slope they are uncorrelated. `labelled` counts (people's value, judge's value); `ends` bound what can be.
    """
    n = sum(labelled.values())
    people = sum(p * count for (p, _), count in labelled.items())
    judge = sum(j * count for (_, j), count in labelled.items())
    together = sum(p * j * count for (p, j), count in labelled.items()) - people * judge / n
    alone = sum(j * j * count for (_, j), count in labelled.items()) - judge**2 / n
    weight = min(1.0, max(0.0, (together + 1) / (alone + 1)))
    left = people - weight * judge
    value = min(ends.high, max(ends.low, weight * seen + left / n))
    squares = sum((p - weight * j) ** 2 * count for (p, j), count in labelled.items())
    many = n + ADDED
    variance = (squares + ADDED) / many - (left / many) ** 2
    reach = NormalDist().inv_cdf(1 - alpha / 2) * sqrt(variance / many)
    down, up = (sqrt((weight * side) ** 2 + reach**2) for side in (seen - interval.low, interval.high - seen))
    return Estimate(value, max(ends.low, value - down), min(ends.high, value + up), weight)


def rogan_gladen(rate: float, accuracy: Accuracy) -> float:
    """The true rate behind a judge's, given its accuracy, clipped to 0..1 (Rogan and Gladen 1978).

    The judge must say something: `accuracy.information` above 0.
    """
    return min(1.0, max(0.0, (rate + accuracy.specificity - 1) / accuracy.information))


def rate_band(rate: float, accuracies: Sequence[Accuracy]) -> Interval | None:
    """The true rates behind a judge's rate over the accuracies seen; None when none of them carries information."""
    found = [rogan_gladen(rate, accuracy) for accuracy in accuracies if accuracy.information >= LEAST_INFORMATION]
    return Interval(min(found), max(found)) if found else None


def difference_band(before: float, after: float, accuracies: Sequence[Accuracy]) -> Interval | None:
    """The true differences behind two rates of a judge when it may err on each arm as on any of the sets.

    Every pair of sets counts, for a tuned model refuses in its own words; None as for `rate_band`.
    """
    first, second = rate_band(before, accuracies), rate_band(after, accuracies)
    if first is None or second is None:
        return None
    return Interval(second.low - first.high, second.high - first.low)
