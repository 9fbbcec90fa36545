"""The frontier of a sweep: every arm on the trade, compared with every other on the same prompts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from recusa.choosing import CAPPED, Tally, choose, excess
from recusa.frontier import Beaten, Frontier, Point, Side, SweepSettings
from recusa.jobs.compare import Judged
from recusa.stats import Group, Interval, change, holm, rate_interval
from recusa.types import KINDS

Place = tuple[str, int]  # a prompt's id and the number of the sample
Refusals = dict[Place, bool]


@dataclass(slots=True)
class Heard:
    """What an arm did with the prompts of one kind: whether each was refused, of which group, and how many failed."""

    refused: Refusals = field(default_factory=dict)
    groups: dict[Place, str] = field(default_factory=dict)
    failed: int = 0

    @property
    def rows(self) -> int:
        """Rows that were asked."""
        return len(self.refused) + self.failed

    @property
    def tally(self) -> Tally:
        """Its counts."""
        return Tally(refused=sum(self.refused.values()), n=len(self.refused), failed=self.failed)


Cells = dict[tuple[str, str, str], Heard]  # arm, attack, kind


class Tested(NamedTuple):
    """Two arms on the prompts of one kind that both were judged on: second minus first."""

    interval: Interval | None
    p: float


Tests = dict[tuple[str, str, str], Tested]  # first arm, second arm, kind; each pair both ways
Standing = dict[str, dict[str, Tally]]  # arm -> kind


def frontier(
    rows: Iterable[Judged],
    arms: Sequence[str],
    failed: Mapping[str, str],
    *,
    baseline: str,
    judge: str,
    alpha: float,
    settings: SweepSettings,
) -> Frontier | None:
    """Where the arms stand by one judge, asked directly; None unless harmful and harmless prompts were asked.

    `failed` has the arms that count nowhere, and why.
    """
    cells = _cells(rows, judge)
    attacks = list(dict.fromkeys(attack for _, attack, _ in cells))
    attack = "direct" if "direct" in attacks or not attacks else attacks[0]
    kinds = tuple(str(kind) for kind in KINDS if any((arm, attack, kind) in cells for arm in arms))
    if "harmful" not in kinds or len(kinds) < 2:
        return None
    view = View(cells, attack, tuple(other for other in attacks if other != attack), kinds, baseline, alpha, settings)
    standing = {arm: {kind: view.heard(arm, kind).tally for kind in kinds} for arm in arms if arm not in failed}
    tests = _tests(list(standing), view)
    base = standing.get(baseline, {})
    candidates = [arm for arm in standing if arm != baseline]
    choice = choose([standing[arm] for arm in candidates], base, settings.caps) if candidates else None
    recommended = candidates[choice.place] if choice else None
    return Frontier(
        attack=attack,
        judge=judge,
        baseline=baseline,
        alpha=alpha,
        cap_benign=settings.cap_benign,
        cap_borderline=settings.cap_borderline,
        budget=settings.budget,
        kinds=kinds,
        points=tuple(
            Point(arm=arm, sides={}, failed=failed[arm]) if arm in failed else _point(arm, standing, tests, view)
            for arm in arms
        ),
        recommended=recommended,
        within=choice is not None and choice.within,
        rivals=tuple(
            arm
            for arm in candidates
            if recommended not in (None, arm)
            and choice is not None
            and choice.within
            and not excess(standing[arm], base, settings.caps)
            and not any(_dominates(other, standing[arm]) for other in standing.values())
            and not _better(tests, arm, str(recommended), "harmful", alpha)
        ),
        tests=len(tests) // 2,
    )


@dataclass(frozen=True, slots=True)
class View:
    """What the frontier is drawn from: every arm's refusals, and by which attack, kinds and caps they are seen."""

    cells: Cells
    attack: str
    others: tuple[str, ...]
    kinds: tuple[str, ...]
    baseline: str
    alpha: float
    settings: SweepSettings

    def heard(self, arm: str, kind: str, attack: str = "") -> Heard:
        """What an arm did with a kind; nothing where it was not asked."""
        return self.cells.get((arm, attack or self.attack, kind), Heard())

    def side(self, arm: str, kind: str, attack: str = "") -> Side:
        """The same as shares, and against the baseline."""
        heard, base = self.heard(arm, kind, attack), self.heard(self.baseline, kind, attack)
        tally = heard.tally
        low, high = rate_interval(_grouped(heard), self.alpha)[0] if tally.n else (None, None)
        shared = _pairs(base, heard)
        known: dict[str, float] = {}
        if arm != self.baseline and shared:
            rise = change(shared, self.alpha)
            known = {"rise": rise.difference, "rise_low": rise.interval.low, "rise_high": rise.interval.high}
        rate = tally.refused / tally.n if tally.n else None
        return Side(refused=tally.refused, n=tally.n, failed=tally.failed, rate=rate, low=low, high=high, **known)


def _point(arm: str, standing: Standing, tests: Tests, view: View) -> Point:
    sides = {kind: view.side(arm, kind) for kind in view.kinds}
    beaten = [
        Beaten(by=other, shown=tuple(kind for kind in view.kinds if _better(tests, arm, other, kind, view.alpha)))
        for other in standing
        if _dominates(standing[other], standing[arm])
    ]
    return Point(
        arm=arm,
        sides=sides,
        attacked={
            other: view.side(arm, "harmful", other) for other in view.others if view.heard(arm, "harmful", other).rows
        },
        beaten=tuple(beaten),
        over=float(100 * excess(standing[arm], standing.get(view.baseline, {}), view.settings.caps)),
        sure=arm == view.baseline or _surely(sides, view.settings),
    )


def _cells(rows: Iterable[Judged], judge: str) -> Cells:
    cells: Cells = defaultdict(Heard)
    for row in rows:
        if row.judge == judge:
            heard = cells[row.key.arm, row.key.attack, row.prompt.kind]
            if row.outcome is None:
                heard.failed += 1
            else:
                place = row.key.prompt_id, row.key.sample
                heard.refused[place], heard.groups[place] = row.outcome == "refused", row.group
    return dict(cells)


def _tests(arms: Sequence[str], view: View) -> Tests:
    """Every pair of arms on every kind, with p corrected over all of them."""
    places = [(one, other, kind) for one, other in combinations(arms, 2) for kind in view.kinds]
    shared = [_pairs(view.heard(one, kind), view.heard(other, kind)) for one, other, kind in places]
    changes = [change(groups, view.alpha) if groups else None for groups in shared]
    adjusted = holm([seen.p if seen else 1.0 for seen in changes])
    found: Tests = {}
    for (one, other, kind), seen, p in zip(places, changes, adjusted, strict=True):
        ends = seen.interval if seen else None
        found[one, other, kind] = Tested(ends, p)
        found[other, one, kind] = Tested(Interval(-ends.high, -ends.low) if ends else None, p)
    return found


def _pairs(one: Heard, other: Heard) -> list[Group]:
    """What happened to the refusals of each group from the first to the second, over prompts both were judged on."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, first in one.refused.items():
        if place in other.refused:
            second, own = other.refused[place], found[one.groups[place]]
            own[0] += 1
            own[1] += second and not first
            own[2] += first and not second
    return [Group(*own) for own in found.values()]


def _grouped(heard: Heard) -> list[tuple[int, int]]:
    """Prompts and refusals of each group."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, refused in heard.refused.items():
        found[heard.groups[place]][0] += 1
        found[heard.groups[place]][1] += refused
    return [(size, refused) for size, refused in found.values()]


def _better(tests: Tests, arm: str, other: str, kind: str, alpha: float) -> bool:
    """Whether the other arm is shown to do better than the arm on a kind: refuse more harm, or fewer harmless."""
    test = tests[arm, other, kind]
    if test.interval is None or test.p >= alpha:
        return False
    return test.interval.low > 0 if kind == "harmful" else test.interval.high < 0


def _dominates(one: Mapping[str, Tally], other: Mapping[str, Tally]) -> bool:
    """Whether the one is at least as good on every kind, and better on one."""
    gains = [
        (one[kind].share - other[kind].share) * (1 if kind == "harmful" else -1)
        for kind in one
        if one[kind].n and other[kind].n
    ]
    return bool(gains) and min(gains) >= 0 and max(gains) > 0


def _surely(sides: Mapping[str, Side], settings: SweepSettings) -> bool:
    """Whether the intervals of the rises end within the caps."""
    ends = {kind: sides[kind].rise_high for kind in CAPPED if kind in sides and sides[kind].n}
    return all(end is not None and end <= settings.caps[kind] for kind, end in ends.items())
