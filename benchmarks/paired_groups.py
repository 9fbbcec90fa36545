"""The same where pairs share groups: simulated experiments for `benchmarks/paired.py`, 20,000 a setting.

A pair copies its group's own draw with probability sqrt(alike), else it draws for itself, so that what happens to two
pairs of a group has the intraclass correlation `alike`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from benchmarks.paired import Setting, critical_cached, settings, tango

from recusa.stats.clusters import ALIKE, ALIKE_IN_TESTS, sign_flip_p
from recusa.stats.paired import score

GROUPS = (20, 50, 100, 200, 400, 1000)  # as many as there are pairs in `benchmarks/paired.py`
TESTED = (20, 50, 200)  # for the tests, whose p-values take longer
SHAPES: dict[str, tuple[int, ...]] = {
    "pairs": (2,),
    "fives": (5,),
    "mixed": (1, 1, 1, 1, 2, 2, 2, 3, 4, 8),
}
ALIKES = (0.0, 0.5, 1.0)
EVERY = 16  # one in so many settings of `benchmarks/paired.py` is simulated
CHANGED = (0.04, 0.1, 0.3, 0.5)  # shares of pairs that change where nothing does on the whole
LOST = (0.0, 0.02, 0.05, 0.15)  # true share lost on a limit
LIMIT = 0.05
BATCH = 2_500  # experiments drawn at once


class Drawn(NamedTuple):
    """Experiments: sizes of the groups, and for each experiment and group the pairs gained and lost."""

    sizes: Any
    gained: Any
    lost: Any

    @property
    def n(self) -> int:
        """Pairs of an experiment."""
        return int(self.sizes.sum())


class Place(NamedTuple):
    """How many groups, of what shape, and how alike their pairs are."""

    groups: int
    shape: str
    alike: float


def places(groups: tuple[int, ...] = GROUPS) -> list[Place]:
    """All that are simulated."""
    return [Place(*one) for one in product(groups, SHAPES, ALIKES)]


def draw(place: Place, gained: float, lost: float, runs: int, rng: np.random.Generator) -> Iterator[Drawn]:
    """Experiments with these true shares, in batches."""
    shape = SHAPES[place.shape]
    sizes = np.array((shape * (place.groups // len(shape) + 1))[: place.groups])
    group = np.repeat(np.arange(place.groups), sizes)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for start in range(0, runs, BATCH):
        size = min(BATCH, runs - start)
        own, copies = rng.random((2, size, len(group)), dtype=np.float32)
        whole = rng.random((size, place.groups), dtype=np.float32)[:, group]
        said = np.where(copies < sqrt(place.alike), whole, own)
        yield Drawn(
            sizes,
            np.add.reduceat((said < gained).astype(np.int16), first, axis=1),
            np.add.reduceat((said >= np.float32(1 - lost)).astype(np.int16), first, axis=1),
        )


def effective(drawn: Drawn, difference: Any, alike: float) -> tuple[Any, Any, Any]:
    """`recusa.stats.clusters.effective` for many experiments at once (a test compares them): gained, lost, n."""
    gained, lost = drawn.gained.sum(1).astype(float), drawn.lost.sum(1).astype(float)
    difference = np.broadcast_to(difference, gained.shape)
    off = drawn.gained - drawn.lost - drawn.sizes * difference[:, None]
    spread = (off**2).sum(1) * len(drawn.sizes) / (len(drawn.sizes) - 1)
    squares = gained + lost - 2 * difference * (gained - lost) + drawn.n * difference**2
    largest = int(drawn.sizes.max())
    by = np.maximum(1.0, (spread + alike * largest**2) / (squares + alike * largest))
    return gained / by, lost / by, drawn.n / by


def holding(place: Place, move: Setting, runs: int, rng: np.random.Generator) -> tuple[float, float]:
    """Shares of experiments whose 95 % interval holds the truth: groups taken whole, and taken for single pairs."""
    truth, held, plain = move.after - move.before, 0, 0
    for drawn in draw(place, move.gained, move.lost, runs, rng):
        gained, lost = drawn.gained.sum(1), drawn.lost.sum(1)
        told = effective(drawn, (gained - lost) / drawn.n, ALIKE)
        held += _inside(tango(*told), truth)
        plain += _inside(tango(gained, lost, drawn.n), truth)
    return held / runs, plain / runs


def _inside(ends: Any, truth: float) -> int:
    return int(((ends[0] <= truth + 1e-9) & (truth - 1e-9 <= ends[1])).sum())


def flipped(place: Place, changed: float, runs: int, rng: np.random.Generator) -> float:
    """Share of experiments in which the two-sided test rejects, at 5 %, arms that are alike."""
    rejected = 0
    for drawn in draw(place, changed / 2, changed / 2, runs, rng):
        net = (drawn.gained - drawn.lost).astype(int)
        sizes = [(np.abs(net) == size).sum(1) for size in range(1, int(drawn.sizes.max()) + 1)]
        kinds = np.stack([*sizes, np.abs(net.sum(1))], axis=1)  # p depends on nothing else
        _, places_of, counts = np.unique(kinds, axis=0, return_index=True, return_counts=True)
        rejected += sum(
            int(count) for at, count in zip(places_of, counts, strict=True) if sign_flip_p(net[at].tolist()) <= 0.05
        )
    return rejected / runs


def let_pass(place: Place, lost: float, runs: int, rng: np.random.Generator) -> float:
    """Share of experiments in which the one-sided test, at 5 %, says a difference of LIMIT is below LIMIT."""
    passed = 0
    for drawn in draw(place, lost + LIMIT, lost, runs, rng):
        gained, lost_in, n = effective(drawn, LIMIT, ALIKE_IN_TESTS)
        bound = np.array([critical_cached(max(1, int(size + 1e-9)), LIMIT) for size in n])
        passed += int((score(gained, lost_in, n, LIMIT) <= bound + 1e-9).sum())
    return passed / runs


def moves() -> list[Setting]:
    """A systematic sample of the rates and correlations that single pairs are measured at."""
    return settings()[EVERY // 2 :: EVERY]
