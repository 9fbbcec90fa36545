"""What the paired intervals and tests of `recusa.stats` reach: python -m benchmarks.paired [--quick] [--only PART].

Exact enumeration for independent pairs; 20,000 simulated experiments a setting for grouped ones. Writes the Markdown
tables of docs/statistics.md. The other intervals are there for comparison only.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from benchmarks.paired_others import Ends, Z, agresti_min, bonett_price, newcombe, wald
from scipy.special import bdtr, gammaln, xlogy
from scipy.stats import norm

from recusa.stats.margin import probability, rejected, worst
from recusa.stats.paired import score
from recusa.stats.power import power, rejecting

RATES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
CORRELATIONS = (0.0, 0.3, 0.6, 0.9)
SIZES = (20, 50, 100, 200, 400, 1000)
LIMITS = (0.02, 0.05, 0.1)
HALVINGS = 30  # of an interval of length 2


class Setting(NamedTuple):
    """Two true rates and their correlation, with the shares of pairs gained and lost that follow."""

    before: float
    after: float
    correlation: float
    gained: float
    lost: float


def settings(rates: Sequence[float] = RATES) -> list[Setting]:
    """Every pair of rates at every correlation that two such rates can have."""
    found = []
    for before, after, correlation in product(rates, rates, CORRELATIONS):
        both = before * after + correlation * sqrt(before * (1 - before) * after * (1 - after))
        gained, lost = after - both, before - both
        if min(gained, lost, 1 - before - after + both) >= -1e-12:
            found.append(Setting(before, after, correlation, max(0.0, gained), max(0.0, lost)))
    return found


@lru_cache(maxsize=2)
def outcomes(n: int) -> tuple[Any, Any]:
    """All counts gained and lost of n pairs."""
    gained, lost = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij")
    possible = gained + lost <= n
    return gained[possible], lost[possible]


@lru_cache(maxsize=2)
def ways(n: int) -> Any:
    """Logarithm of how many draws give each of `outcomes`."""
    gained, lost = outcomes(n)
    return gammaln(n + 1) - gammaln(gained + 1) - gammaln(lost + 1) - gammaln(n - gained - lost + 1)


def chances(n: int, gained: float, lost: float) -> Any:
    """Probability of each of `outcomes` at the true shares gained and lost."""
    first, second = outcomes(n)
    rest = max(0.0, 1 - gained - lost)
    return np.exp(ways(n) + xlogy(first, gained) + xlogy(second, lost) + xlogy(n - first - second, rest))


def tango(gained: Any, lost: Any, n: Any, z: float = Z) -> Ends:
    """The package's interval, for arrays."""
    seen = (gained - lost) / n
    low, inside = np.full(np.shape(seen), -1.0), seen
    for _ in range(HALVINGS):
        middle = (low + inside) / 2
        above = score(gained, lost, n, middle) > z
        low, inside = np.where(above, middle, low), np.where(above, inside, middle)
    inside, high = seen, np.full(np.shape(seen), 1.0)
    for _ in range(HALVINGS):
        middle = (inside + high) / 2
        below = score(gained, lost, n, middle) < -z
        inside, high = np.where(below, inside, middle), np.where(below, middle, high)
    return low, high


INTERVALS: dict[str, Callable[[Any, Any, int], Ends]] = {
    "Tango": tango, "Bonett-Price": bonett_price, "Agresti-Min": agresti_min, "Wald": wald,
}  # fmt: skip


@lru_cache(maxsize=8)
def ends(name: str, n: int) -> Ends:
    """An interval for each of `outcomes`."""
    return INTERVALS[name](*outcomes(n), n)


def covered(n: int, gained: float, lost: float, name: str = "Tango") -> float:
    """Probability that a 95 % interval of n pairs holds the true difference, by exact enumeration."""
    low, high = ends(name, n)
    truth = gained - lost
    inside = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
    return float(chances(n, gained, lost)[inside].sum())


def rejected_when_alike(n: int, changed: float, alpha: float) -> float:
    """Probability that the package's two-sided test rejects equal rates when a share of the pairs changes."""
    return power(n, 0.0, changed / 2, alpha)


def critical(n: int, limit: float, alpha: float) -> float:
    """The statistic at and below which the package's one-sided p is no more than alpha."""
    low, high = -6.0, 0.0
    for _ in range(14):
        middle = (low + high) / 2
        kept = worst(rejected(n, limit, middle), n, limit) <= alpha
        low, high = (middle, high) if kept else (low, middle)
    return low


@lru_cache(maxsize=4096)
def critical_cached(n: int, limit: float) -> float:
    """`critical` at 5 %, found once."""
    return critical(n, limit, 0.05)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table, shares with four digits."""
    lines = [list(head), *([f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def interval_rows(sizes: Sequence[int]) -> Iterator[list[object]]:
    """Coverage of each interval: mean, least and where, over all settings of a number of pairs."""
    every: dict[str, list[float]] = {name: [] for name in INTERVALS}
    for n in sizes:
        for name in INTERVALS:
            found = [covered(n, one.gained, one.lost, name) for one in settings()]
            every[name] += found
            yield [name, n, *_summary(found)]
    for name, found in every.items():
        yield [f"**{name}**", "all", *_summary(found)]


def _summary(found: Sequence[float]) -> list[object]:
    at = int(np.argmin(found))
    one = settings()[at % len(settings())]
    place = f"{one.before:.2f}, {one.after:.2f}, {one.correlation:.1f}"
    return [len(found), float(np.mean(found)), float(np.min(found)), place]


def newcombe_rows(sizes: Sequence[int]) -> Iterator[list[object]]:
    """The same of method 10, where all four counts can be enumerated."""
    for n in sizes:
        yield ["Newcombe 10", n, *_summary([newcombe(n, one.before, one.gained, one.lost) for one in settings()])]


def test_rows(sizes: Sequence[int]) -> Iterator[list[object]]:
    """Type-I error of the two-sided test and of those it was chosen from, the worst over shares of changed pairs."""
    shares = np.linspace(0.002, 0.5, 250)
    for n in sizes:
        changed = np.arange(n + 1)
        by = {
            "the package's": rejecting(changed, 0.05),
            "mid-p": _fewer(changed, exact=False),
            "exact": _fewer(changed, exact=True),
            "normal": np.where(changed > 0, np.floor((changed - Z * np.sqrt(changed)) / 2), -1),
        }
        found = {name: [_size(n, fewer, share) for share in shares] for name, fewer in by.items()}
        yield [n, *(f"{max(sizes_of):.4f} ({np.mean(sizes_of):.4f})" for sizes_of in found.values())]


def _fewer(changed: Any, *, exact: bool) -> Any:
    """For each number of changed pairs, the largest smaller count that a conditional test rejects; -1 for none."""
    counts = np.arange(len(changed) // 2 + 1)
    tail = bdtr(counts[None], np.maximum(changed, 1)[:, None], 0.5)
    before = np.where(counts > 0, bdtr(np.maximum(counts - 1, 0)[None], np.maximum(changed, 1)[:, None], 0.5), 0)
    rejects = (2 * tail if exact else tail + before) <= 0.05
    return np.where(rejects & (2 * counts[None] < changed[:, None]), counts, -1).max(1)


def _size(n: int, fewer: Any, share: float) -> float:
    changed = np.arange(n + 1)
    log = gammaln(n + 1) - gammaln(changed + 1) - gammaln(n - changed + 1)
    weight = np.exp(log + xlogy(changed, share) + xlogy(n - changed, 1 - share))
    return float((weight * np.where(fewer >= 0, 2 * bdtr(np.maximum(fewer, 0), changed, 0.5), 0)).sum())


def limit_rows(sizes: Sequence[int]) -> Iterator[list[object]]:
    """One-sided test at a limit: worst type-I error of the normal tail and of the package's, and its power at 0."""
    for limit, n in product(LIMITS, sizes):
        exact, normal = rejected(n, limit, critical_cached(n, limit)), rejected(n, limit, -float(norm.ppf(0.95)))
        true = np.linspace(0, (1 - limit) / 2, 500)
        errors = [max(probability(region, n, lost + limit, lost) for lost in true) for region in (normal, exact)]
        powers = [probability(exact, n, back, back) for back in (0.0, 0.02, 0.05)]
        yield [f"{limit:.2f}", n, *errors, *powers]


def group_rows(runs: int) -> Iterator[tuple[str, list[list[object]]]]:
    """Coverage of the interval, type-I error of the two-sided and of the one-sided test, where pairs share groups."""
    from benchmarks import paired_groups as grouped

    rng = np.random.default_rng(20)
    kinds: dict[str, list[list[object]]] = {"interval": [], "test": [], "limit": []}
    for groups in grouped.GROUPS:
        for shape in grouped.SHAPES:
            here = [place for place in grouped.places((groups,)) if place.shape == shape]
            held = [grouped.holding(place, move, runs, rng) for place in here for move in grouped.moves()]
            whole, plain = zip(*held, strict=True)
            kinds["interval"].append(
                [groups, shape, len(held), *map(float, (np.mean(whole), min(whole), np.mean(plain), min(plain)))]
            )
            if groups in grouped.TESTED:
                error = [grouped.flipped(place, share, runs, rng) for place in here for share in grouped.CHANGED]
                kinds["test"].append([groups, shape, len(error), float(np.mean(error)), max(error)])
            if groups <= 50:
                passed = [grouped.let_pass(place, lost, runs, rng) for place in here for lost in grouped.LOST]
                kinds["limit"].append([groups, shape, len(passed), float(np.mean(passed)), max(passed)])
            print(f"{groups} groups, {shape}", file=sys.stderr, flush=True)
    yield from kinds.items()


def show_intervals(sizes: Sequence[int], runs: int) -> None:
    """Print the coverage of paired intervals."""
    head = ("interval", "pairs", "settings", "mean", "least", "at rates, correlation")
    print("Coverage of 95 % paired intervals, exact:\n")
    print(table(head, [*interval_rows(sizes), *newcombe_rows((20, 50))]), flush=True)


def show_tests(sizes: Sequence[int], runs: int) -> None:
    """Print the errors of two-sided tests."""
    print("Type-I error of two-sided tests at 5 %, exact, worst and (mean):\n")
    print(table(("pairs", "the package's", "mid-p", "exact", "normal"), test_rows(sizes)), flush=True)


def show_limits(sizes: Sequence[int], runs: int) -> None:
    """Print the errors and the power of the one-sided test."""
    print("One-sided test at a limit at 5 %, exact; power where no refusal is added, with so many moving each way:\n")
    named = ("limit", "pairs", "worst, normal", "worst, package", "power, 0 %", "power, 2 %", "power, 5 %")
    print(table(named, limit_rows(sizes)), flush=True)


def show_groups(sizes: Sequence[int], runs: int) -> None:
    """Print what is reached where pairs share groups."""
    heads = {
        "interval": ("groups", "shape", "settings", "mean", "least", "mean, as single pairs", "least, as single pairs"),
        "test": ("groups", "shape", "settings", "mean error", "worst"),
        "limit": ("groups", "shape", "settings", "mean error", "worst"),
    }
    for kind, rows in group_rows(runs):
        print(f"Grouped pairs, {runs:,} simulated experiments a setting, {kind}:\n")
        print(table(heads[kind], rows), flush=True)


PARTS = {"intervals": show_intervals, "tests": show_tests, "limits": show_limits, "groups": show_groups}


def main() -> int:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small numbers of pairs and 1,000 runs, for a look")
    parser.add_argument("--only", choices=("intervals", "tests", "limits", "groups"), help="one part of it")
    asked = parser.parse_args()
    sizes, runs = (SIZES[:3], 1_000) if asked.quick else (SIZES, 20_000)
    start = time.monotonic()
    for part, show in PARTS.items():
        if asked.only in (None, part):
            show(sizes, runs)
    sys.stderr.write(f"{time.monotonic() - start:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
