"""The fit of a probe: the line, the folds, and scores by lines that had not seen the row."""

from __future__ import annotations

import numpy as np
import pytest

from recusa.models.steering import threshold_for
from recusa.training.separate import divided, ranked_above, separate, unseen_scores


def cloud(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 5 features, one of them far from standard; the label shows in two of them, with noise."""
    drawn = np.random.default_rng(seed)
    yes = np.arange(count) % 2 == 0
    states = drawn.normal(size=(count, 5)).astype(np.float32)
    states[:, 1] += np.where(yes, 1.5, -1.5)
    states[:, 3] = 100 + 40 * (states[:, 3] + np.where(yes, 1.0, -1.0))
    return states, yes


@pytest.mark.parametrize("penalty", [0.01, 0.3])
def test_the_line_is_the_minimum_of_the_loss(penalty: float) -> None:
    """No small step off the fitted line lowers the penalised, weighted loss, written out here anew."""
    states, yes = cloud(60)
    counts = np.where(np.arange(60) < 20, 3.0, 1.0)
    line = separate(states, yes, counts, penalty)
    share = counts / counts.sum()
    centre = share @ states
    spread = np.sqrt(share @ (states - centre) ** 2)

    def loss(weights: np.ndarray, bias: float) -> float:
        margin = np.where(yes, 1, -1) * (states @ weights + bias)
        own = weights * spread  # the penalty is on standardised features
        return float(share @ np.log1p(np.exp(-margin)) + penalty / 2 * own @ own)

    best = loss(line.weights, line.bias)
    drawn = np.random.default_rng(1)
    for _ in range(50):
        step = drawn.normal(size=5) * 0.05 / spread
        assert loss(line.weights + step, line.bias + drawn.normal() * 0.05 - centre @ step) > best - 1e-6


def test_more_weight_moves_the_line_towards_its_rows() -> None:
    """Counting one row many times raises its score."""
    states, yes = cloud(40)
    even = np.ones(40)
    heavy = even.copy()
    odd = int(np.argmin(separate(states, yes, even, 0.1).scores(states) * np.where(yes, 1, -1)))
    heavy[odd] = 50
    sign = 1 if yes[odd] else -1
    before = separate(states, yes, even, 0.1).scores(states[odd : odd + 1])[0]
    after = separate(states, yes, heavy, 0.1).scores(states[odd : odd + 1])[0]
    assert sign * after > sign * before


def test_folds_cut_no_unit_and_are_of_like_size() -> None:
    """Whatever the order of rows, a unit lies in one fold, and no fold is much larger than another."""
    units = [f"u{n // 3}" for n in range(60)] + [f"single{n}" for n in range(41)]
    fold = divided(units, 4, seed=0)
    assert all(len(set(fold[[u == unit for u in units]])) == 1 for unit in set(units))
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1
    assert (divided(units, 4, seed=1) != fold).any()


def test_unseen_scores_come_from_lines_that_had_not_seen_the_row() -> None:
    """Labels drawn at random are learned by heart from many features, and told by chance on rows not seen."""
    drawn = np.random.default_rng(0)
    states = drawn.normal(size=(80, 200)).astype(np.float32)
    yes = drawn.random(80) < 0.5
    even = np.ones(80)
    seen = separate(states, yes, even, 0.01).scores(states)
    unseen = unseen_scores(states, yes, even, 0.01, divided([str(n) for n in range(80)], 5, 0))
    assert ranked_above(seen[yes], seen[~yes]) > 0.99
    assert 0.25 < ranked_above(unseen[yes], unseen[~yes]) < 0.75


def test_ranks_count_ties_half() -> None:
    """Three of four pairs in order, one tied."""
    assert ranked_above(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)


def test_the_dial_is_the_share_of_harmless_scores_above_the_threshold() -> None:
    """At most the dial's share is above it, and one more would be too many."""
    calm = np.sort(np.random.default_rng(0).normal(size=250))[::-1]
    for dial in (0.0, 0.004, 0.01, 0.019, 0.5):
        above = (calm > threshold_for(calm, dial)).sum()
        assert above <= dial * 250 < above + 1
    assert threshold_for(calm, 1.0) == float("-inf")
