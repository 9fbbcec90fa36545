"""Coverage of the estimates from people's labels, by simulation: python benchmarks/labels.py [--runs N].

Draws whole experiments of N prompts, of which n are labelled, with a judge whose errors differ from arm to arm, and
counts how often the interval of `recusa.inference` holds the true rate or difference. Writes Markdown tables.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from benchmarks.paired import tango

from recusa.inference import Both, Estimate, Table, estimated_rate, prediction_powered
from recusa.stats import Interval, wilson

SIZES = ((10, 100), (20, 50), (20, 200), (20, 500), (50, 50), (50, 200), (50, 500), (100, 200), (100, 500), (200, 500))
RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
ERRORS = ((1.0, 1.0), (0.98, 0.98), (0.95, 0.99), (0.8, 1.0), (1.0, 0.8), (0.9, 0.95), (0.8, 0.8))
UNLIKE = ((1.0, 1.0), (0.95, 0.99), (0.8, 1.0), (1.0, 0.8), (0.8, 0.8))  # errors of one arm, then of the other
MOVES = ((0.05, 0.05), (0.05, 0.3), (0.05, 0.95), (0.3, 0.5), (0.5, 0.5), (0.95, 0.5), (0.5, 0.95), (0.9, 0.95))
CORRELATIONS = (0.0, 0.5, 0.9)
SIDES: tuple[Both, ...] = ((True, True), (False, True), (True, False), (False, False))  # (people, judge)


class Covered(NamedTuple):
    """Shares of simulated experiments whose interval holds the truth, mean widths, and the estimate's mean error."""

    estimate: float
    judge: float
    labels: float
    width: float
    labels_width: float
    bias: float


def error_cells(rate: float, accuracy: tuple[float, float]) -> list[float]:
    """Probabilities of SIDES for a rate of refusals and a judge's sensitivity and specificity."""
    hit, spared = accuracy
    return [rate * hit, (1 - rate) * (1 - spared), rate * (1 - hit), (1 - rate) * spared]


def cover_rate(
    rate: float, accuracy: tuple[float, float], n: int, of: int, runs: int, rng: np.random.Generator
) -> Covered:
    """How well a rate is covered by the estimate, by the judge alone, and by the labels alone."""
    cells = error_cells(rate, accuracy)
    labelled = rng.multinomial(n, cells, runs)
    whole = labelled + rng.multinomial(of - n, cells, runs)
    found = []
    for few, everyone in zip(labelled.tolist(), whole.tolist(), strict=True):
        refused = everyone[0] + everyone[1]
        estimate = estimated_rate(dict(zip(SIDES, few, strict=True)), refused, of)
        assert estimate is not None
        ends = Interval(estimate.low, estimate.high), wilson(refused, of), wilson(few[0] + few[2], n)
        found.append(_one(rate, estimate.value, *ends))
    return Covered(*np.mean(found, axis=0))


def cover_difference(
    rates: tuple[float, float], correlation: float, accuracies: tuple[tuple[float, float], tuple[float, float]],
    n: int, of: int, runs: int, rng: np.random.Generator,
) -> Covered:  # fmt: skip
    """The same for the difference of two arms on the same prompts, each with its own errors of the judge."""
    cells, pairs = difference_cells(rates, correlation, accuracies)
    labelled = rng.multinomial(n, cells, runs)
    whole = labelled + rng.multinomial(of - n, cells, runs)
    truth = rates[1] - rates[0]
    judge, own = tangos(pairs, whole, 1), tangos(pairs, labelled, 0)
    found = []
    for place, few in enumerate(labelled.tolist()):
        if n == of:  # nothing is left to estimate
            people = table_of(pairs, few, 0)
            estimate = Estimate((people.gained - people.lost) / n, *own[place], 0.0)
        else:
            table = table_of(pairs, whole[place].tolist(), 1)
            estimate = prediction_powered(
                valued(pairs, few), (table.gained - table.lost) / of, judge[place], Interval(-1.0, 1.0)
            )
        ends = Interval(estimate.low, estimate.high)
        found.append(_one(truth, estimate.value, ends, judge[place], own[place]))
    return Covered(*np.mean(found, axis=0))


def tangos(pairs: list[tuple[Both, Both]], drawn: np.ndarray[Any, Any], place: int) -> list[Interval]:
    """Tango's interval of each experiment's table of labels (place 0) or of verdicts (place 1), all at once."""
    gained, lost = (
        drawn[:, [(one[place], two[place]) == moved for one, two in pairs]].sum(1)
        for moved in ((False, True), (True, False))
    )
    return [Interval(*ends) for ends in np.stack(tango(gained, lost, drawn[0].sum()), axis=1).tolist()]


def valued(pairs: list[tuple[Both, Both]], few: list[int]) -> Counter[tuple[int, int]]:
    """Labelled pairs by their differences (people's, the judge's), as `recusa.inference` counts them."""
    found: Counter[tuple[int, int]] = Counter()
    for (one, two), count in zip(pairs, few, strict=True):
        found[two[0] - one[0], two[1] - one[1]] += count
    return found


def difference_cells(
    rates: tuple[float, float], correlation: float, accuracies: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[list[float], list[tuple[Both, Both]]]:
    """Probabilities of every ((people, judge) before, (people, judge) after); the correlation is cut to what can be."""
    first, second = rates
    most = correlation * sqrt(first * (1 - first) * second * (1 - second))
    both = min(first, second, max(0.0, first + second - 1, first * second + most))
    joint = {
        (True, True): both, (True, False): first - both, (False, True): second - both,
        (False, False): 1 - first - second + both,
    }  # fmt: skip
    pairs = list(product(SIDES, SIDES))
    cells = [
        joint[one[0], two[0]] * _said(one, accuracies[0]) * _said(two, accuracies[1]) for one, two in pairs
    ]  # fmt: skip
    return [cell / sum(cells) for cell in cells], pairs


def table_of(pairs: list[tuple[Both, Both]], counts: list[int], place: int) -> Table:
    """The paired table of people's labels (place 0) or of the judge's verdicts (place 1)."""
    found: Counter[Both] = Counter()
    for (one, two), count in zip(pairs, counts, strict=True):
        found[one[place], two[place]] += count
    return Table(found[True, True], found[True, False], found[False, True], found[False, False])


def _said(side: Both, accuracy: tuple[float, float]) -> float:
    people, judge = side
    right = accuracy[0] if people else accuracy[1]
    return right if people == judge else 1 - right


def _one(truth: float, value: float, estimate: Interval, judge: Interval, labels: Interval) -> tuple[float, ...]:
    held = [low - 1e-12 <= truth <= high + 1e-12 for low, high in (estimate, judge, labels)]
    return (*held, estimate.high - estimate.low, labels.high - labels.low, value - truth)


def rate_settings() -> Iterator[tuple[float, tuple[float, float]]]:
    """Every rate with every error of the judge."""
    return product(RATES, ERRORS)


def difference_settings() -> Iterator[tuple[tuple[float, float], float, tuple[tuple[float, float], ...]]]:
    """Every pair of rates and correlation with every pair of errors, alike in both arms or not."""
    for rates, correlation, before, after in product(MOVES, CORRELATIONS, UNLIKE, UNLIKE):
        yield rates, correlation, (before, after)


def _row(n: int, of: int, found: list[Covered]) -> str:
    all_of = np.array(found)
    low = all_of.min(axis=0)
    mean = all_of.mean(axis=0)
    bias = np.abs(all_of[:, 5]).max()
    return (
        f"| {n} | {of} | {len(found)} | {mean[0]:.3f} | {low[0]:.3f} | {mean[2]:.3f} | {low[2]:.3f} | {mean[1]:.3f} | "
        f"{low[1]:.3f} | {mean[3]:.3f} | {mean[4]:.3f} | {bias:.3f} |"
    )


HEAD = (
    "| labelled | of | settings | estimate, mean | least | labels alone, mean | least | judge alone, mean | least | "
    "width | width, labels alone | largest bias |\n|" + " --- |" * 12
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Coverage of 95% intervals from labelled samples, in Markdown.")
    parser.add_argument("--runs", type=int, default=1000, help="simulated experiments a setting")
    runs: int = parser.parse_args().runs
    rng = np.random.default_rng(20)
    print(f"Rates, {runs} experiments a setting\n\n{HEAD}")
    for n, of in SIZES:
        print(_row(n, of, [cover_rate(*setting, n, of, runs, rng) for setting in rate_settings()]))
        sys.stdout.flush()
    print(f"\nDifferences, {runs} experiments a setting\n\n{HEAD}")
    for n, of in SIZES:
        print(_row(n, of, [cover_difference(*s, n, of, runs, rng) for s in difference_settings()]))  # type: ignore[arg-type]
        sys.stdout.flush()


if __name__ == "__main__":
    main()
