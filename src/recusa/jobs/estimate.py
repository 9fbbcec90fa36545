"""What people's labels say of a run: its rates and differences as people would have them, and who agrees with whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from recusa.inference import Estimate, Table, estimated_difference, estimated_rate
from recusa.jobs.agreement import agreements
from recusa.jobs.labels import Label, Labelled, Row, match
from recusa.judging import EstimatedChange, EstimatedRate, Labels
from recusa.results import Results
from recusa.types import KINDS


def with_people(results: Results, rows: Sequence[Row], labels: Sequence[Label]) -> Results:
    """The results with estimates from people's labels, where there are any, and the agreement of all who judged."""
    labelled = match(labels, rows)
    update = {
        "labels": _labels(labelled) if labels else None,
        "estimated_rates": tuple(_rates(results, rows, labelled)) if labels else (),
        "estimated_changes": tuple(_changes(results, rows, labelled)) if labels else (),
        "agreement": tuple(agreements(rows, labelled, results.alpha)),
    }
    return results.model_copy(update={"judging": results.judging.model_copy(update=update)})


def _labels(labelled: Labelled) -> Labels:
    return Labels(
        digest=labelled.digest,
        answers=len(labelled.people),
        raters=tuple(labelled.raters),
        stale=len(labelled.stale),
    )


def _standing(results: Results) -> list[str]:
    """The arms that did what their name says; a failed arm is in no rate, an estimated one included."""
    fallen = {failed.arm for failed in results.failed_arms}
    return [arm for arm in results.arms if arm not in fallen]


def _rates(results: Results, rows: Sequence[Row], labelled: Labelled) -> Iterator[EstimatedRate]:
    judge = results.primary_judge
    attacks = dict.fromkeys(row.key.attack for row in rows)
    for attack, arm, kind in product(attacks, _standing(results), KINDS):
        cell = [row for row in rows if (row.key.attack, row.key.arm, row.kind) == (attack, arm, kind)]
        judged = [row for row in cell if judge in row.refused]
        if not judged:
            continue
        pairs = [(labelled.people[row.key], row.refused[judge]) for row in judged if row.key in labelled.people]
        stale = sum(row.key in labelled.stale for row in cell)
        refused = sum(row.refused[judge] for row in judged)
        found = None if stale else estimated_rate(Counter(pairs), refused, len(judged), results.alpha)
        yield EstimatedRate(
            arm=arm,
            attack=attack,
            kind=kind,
            judge=judge,
            n=len(judged),
            judge_rate=refused / len(judged),
            labelled=len(pairs),
            stale=stale,
            missed=pairs.count((True, False)),
            false_alarms=pairs.count((False, True)),
            rate=found.value if found else None,
            **_ends(found),
        )


def _changes(results: Results, rows: Sequence[Row], labelled: Labelled) -> Iterator[EstimatedChange]:
    judge = results.primary_judge
    by_key = {row.key: row for row in rows}
    attacks = dict.fromkeys(row.key.attack for row in rows)
    others = [arm for arm in _standing(results) if arm != results.baseline]
    for attack, arm, kind in product(attacks, others, KINDS):
        pairs = [
            (first, second)
            for first in rows
            if (first.key.attack, first.key.arm, first.kind) == (attack, results.baseline, kind)
            and (second := by_key.get(first.key._replace(arm=arm)))
        ]
        judged = [(first, second) for first, second in pairs if judge in first.refused and judge in second.refused]
        if not judged:
            continue
        said = [(first.refused[judge], second.refused[judge]) for first, second in judged]
        table = Table(*(said.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))
        marked = Counter(
            (
                (labelled.people[first.key], first.refused[judge]),
                (labelled.people[second.key], second.refused[judge]),
            )
            for first, second in judged
            if first.key in labelled.people and second.key in labelled.people
        )
        stale = sum(any(row.key in labelled.stale for row in pair) for pair in pairs)
        found = None if stale else estimated_difference(marked, table, results.alpha)
        yield EstimatedChange(
            baseline=results.baseline,
            arm=arm,
            attack=attack,
            kind=kind,
            judge=judge,
            n=table.n,
            judge_difference=(table.gained - table.lost) / table.n,
            labelled=marked.total(),
            stale=stale,
            difference=found.value if found else None,
            **_ends(found),
        )


def _ends(found: Estimate | None) -> dict[str, float | None]:
    """Interval and weight, None without an estimate."""
    return {name: getattr(found, name, None) for name in ("low", "high", "weight")}
