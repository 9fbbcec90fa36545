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
from benchmarks.paired_others import Z

from recusa.inference import ADDED, Both, Table, estimated_rate
from recusa.stats import Interval, wilson

SIZES = ((10, 100), (20, 50), (20, 200), (20, 500), (50, 50), (50, 200), (50, 500), (100, 200), (100, 500), (200, 500))
RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
ERRORS = ((1.0, 1.0), (0.98, 0.98), (0.95, 0.99), (0.8, 1.0), (1.0, 0.8), (0.9, 0.95), (0.8, 0.8))
UNLIKE = ((1.0, 1.0), (0.95, 0.99), (0.8, 1.0), (1.0, 0.8), (0.8, 0.8))  # errors of one arm, then of the other
MOVES = ((0.05, 0.05), (0.05, 0.3), (0.05, 0.95), (0.3, 0.5), (0.5, 0.5), (0.95, 0.5), (0.5, 0.95), (0.9, 0.95))
CORRELATIONS = (0.0, 0.5, 0.9)
SIDES: tuple[Both, ...] = ((True, True), (False, True), (True, False), (False, False))  # (people, judge)

Column = np.ndarray[Any, Any]  # a number for each experiment


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
    own, (seen, *judge) = tangos(pairs, labelled, 0), tangos(pairs, whole, 1)
    # with everything labelled nothing is left to estimate
    value, *ends = own if n == of else powered(pairs, labelled, seen, *judge)
    held = [(low - 1e-12 <= truth) & (truth <= high + 1e-12) for low, high in (ends, judge, own[1:])]
    widths = [high - low for low, high in (ends, own[1:])]
    return Covered(*(float(np.mean(column)) for column in (*held, *widths, value - truth)))


def tangos(pairs: list[tuple[Both, Both]], drawn: Column, place: int) -> tuple[Column, Column, Column]:
    """Each experiment's difference by people's labels (place 0) or verdicts (place 1), with Tango's interval."""
    gained, lost = (
        drawn[:, [(one[place], two[place]) == moved for one, two in pairs]].sum(1)
        for moved in ((False, True), (True, False))
    )
    n = int(drawn[0].sum())
    both, where = np.unique(gained * (n + 1) + lost, return_inverse=True)  # the same counts come again and again
    gained, lost = both // (n + 1), both % (n + 1)
    low, high = tango(gained, lost, n)
    return ((gained - lost) / n)[where], low[where], high[where]


def powered(
    pairs: list[tuple[Both, Both]], labelled: Column, seen: Column, low: Column, high: Column
) -> tuple[Column, Column, Column]:
    """`recusa.inference.prediction_powered` for many experiments at once (a test compares them): value and ends."""
    n = int(labelled[0].sum())
    p, j = (np.array([int(two[place]) - int(one[place]) for one, two in pairs]) for place in (0, 1))
    people, judge = labelled @ p, labelled @ j
    both, alone = labelled @ (p * j), labelled @ (j * j)
    weight = np.clip((both - people * judge / n + 1) / (alone - judge**2 / n + 1), 0.0, 1.0)
    left = people - weight * judge
    value = np.clip(weight * seen + left / n, -1.0, 1.0)
    squares = labelled @ (p * p) - 2 * weight * both + weight**2 * alone
    variance = (squares + ADDED) / (n + ADDED) - (left / (n + ADDED)) ** 2
    reach = Z * np.sqrt(variance / (n + ADDED))
    down, up = (np.hypot(weight * side, reach) for side in (seen - low, high - seen))
    return value, np.maximum(-1.0, value - down), np.minimum(1.0, value + up)


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
