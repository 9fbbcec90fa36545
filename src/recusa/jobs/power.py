"""What a comparison can show before the hours are spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recusa.config import Experiment
from recusa.errors import ConfigError
from recusa.stats.power import BACK, POWER, pairs_needed, smallest_change
from recusa.types import KINDS, Prompt


@dataclass(frozen=True, slots=True)
class Row:
    """So many pairs show such a change (a share) while `back` of them move the other way; None is no such number."""

    pairs: int | None
    change: float | None
    back: float


@dataclass(frozen=True, slots=True)
class Showing:
    """Pairs and changes that belong together at one level and power; `alpha` is before Holm's correction."""

    rows: tuple[Row, ...]
    alpha: float
    wanted: float
    comparisons: int


def showing(
    *,
    pairs: int | None = None,
    change: float | None = None,
    back: float | None = None,
    alpha: float = 0.05,
    wanted: float = POWER,
    comparisons: int = 1,
) -> Showing:
    """The smallest change that `pairs` show, or the pairs needed for a `change`; shares, one of the two.

    Without `back`, for none and for BACK of the pairs that move the other way. Raises ConfigError.
    """
    if (pairs is None) == (change is None):
        raise ConfigError("give either pairs or a change", "such as --pairs 100, or --change 5 for 5 points")
    if not 0 < alpha < 1 or not 0 < wanted < 1 or comparisons < 1 or (pairs is not None and pairs < 1):
        raise ConfigError("alpha and power lie between 0 and 1, pairs and comparisons are at least 1")
    backs = (0.0, BACK) if back is None else (back,)
    if any(one < 0 or (change or 0.0) + 2 * one > 1 for one in backs) or (change is not None and change <= 0):
        raise ConfigError("a change is above 0, and with twice what moves the other way at most all prompts")
    level = alpha / comparisons
    rows = []
    for one in backs:
        if pairs is not None:
            rows.append(Row(pairs, smallest_change(pairs, one, level, wanted), one))
        elif change is not None:
            rows.append(Row(pairs_needed(change, one, level, wanted), change, one))
    return Showing(tuple(rows), alpha, wanted, comparisons)


@dataclass(frozen=True, slots=True)
class Planned:
    """How small a change the prompts of one kind would show, as shares: nothing, or `back`, moving the other way.

    Groups, not prompts, are counted: before it is known how alike the prompts of a group behave, they may be one.
    """

    pairs: int
    groups: int
    one_way: float | None
    both_ways: float | None
    back: float


def comparisons_of(experiment: Experiment, kinds: int) -> int:
    """How many comparisons Holm's correction of an experiment's primary judge is over."""
    return max(1, (len(experiment.arms) - 1) * kinds * len(experiment.attacks))


def planned(experiment: Experiment, test: Sequence[Prompt]) -> dict[str, Planned]:
    """What each kind's test prompts would show; empty where there is nothing to compare."""
    if len(experiment.arms) < 2:
        return {}
    kinds = [kind for kind in KINDS if any(prompt.kind == kind for prompt in test)]
    level = experiment.alpha / comparisons_of(experiment, len(kinds))
    found: dict[str, Planned] = {}
    for kind in kinds:
        own = [prompt for prompt in test if prompt.kind == kind]
        groups = len({prompt.group or prompt.id for prompt in own})
        one_way, both_ways = (smallest_change(groups, back, level) for back in (0.0, BACK))
        pairs = len(own) * experiment.sampling.samples
        found[kind] = Planned(pairs, groups, one_way, both_ways, BACK)
    return found
