"""Telling two kinds of rows apart by their hidden states: a ridge logistic regression, and scores of unseen rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    States = NDArray[np.float32]


class Line(NamedTuple):
    """A linear score of states: `weights` (features) times the states, plus `bias`."""

    weights: Floats
    bias: float

    def scores(self, states: States) -> Floats:
        """Scores of rows of states (rows, features)."""
        return (states @ self.weights.astype(np.float32)).astype(np.float64) + self.bias


def separate(states: States, yes: NDArray[np.bool_], counts: Floats, penalty: float) -> Line:
    """The line that scores rows of `yes` high: logistic regression on standardised states, by L-BFGS.

    Minimises the mean loss, rows weighted by `counts`, plus half of `penalty` times the squared length of the weights.
    """
    share: Floats = counts / counts.sum()
    centre = share @ states
    spread = np.sqrt(share @ np.square(states - centre)) + 1e-6
    rows = ((states - centre) / spread).astype(np.float32)
    sign = np.where(yes, 1.0, -1.0)

    def loss(line: Floats) -> tuple[float, Floats]:
        weights, bias = line[:-1], line[-1]
        margin = sign * (rows @ weights.astype(np.float32) + bias)
        pull = -sign * share / (1 + np.exp(np.clip(margin, -500, 500)))
        slope = (pull.astype(np.float32) @ rows).astype(np.float64) + penalty * weights
        value = float(share @ np.logaddexp(0, -margin) + 0.5 * penalty * weights @ weights)
        return value, np.append(slope, pull.sum())

    start = np.zeros(rows.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-9, "gtol": 1e-5}).x
    weights: Floats = found[:-1] / spread
    return Line(weights, float(found[-1] - weights @ centre))


def divided(units: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row: rows of a unit share one, and the folds are of like size; seeded by hash."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, unit in enumerate(units):
        members[unit].append(row)
    order = sorted(members, key=lambda unit: (-len(members[unit]), sha256(f"{seed}|{unit}".encode()).digest()))
    sizes = [0] * folds
    fold = np.zeros(len(units), dtype=np.int64)
    for unit in order:
        emptiest = sizes.index(min(sizes))
        fold[members[unit]] = emptiest
        sizes[emptiest] += len(members[unit])
    return fold


def unseen_scores(
    states: States, yes: NDArray[np.bool_], counts: Floats, penalty: float, fold: NDArray[np.int64]
) -> Floats:
    """Each row's score by the line of the other folds."""
    scores = np.zeros(len(states))
    for one in np.unique(fold):
        out = fold == one
        scores[out] = separate(states[~out], yes[~out], counts[~out], penalty).scores(states[out])
    return scores


def ranked_above(high: Floats, low: Floats) -> float:
    """How often a score of `high` is above one of `low`, ties halved (area under the ROC curve), 0..1."""
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
