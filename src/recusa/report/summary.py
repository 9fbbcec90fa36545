"""What a report says, as data: no HTML, no drawing, every number already written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recusa.report.attacks import AttackRow, attack_rows
from recusa.report.finding import Finding, Other, find
from recusa.report.flips import Told, tell
from recusa.report.format import ABSENT, Locale
from recusa.report.frontier import FrontierView, frontier_view
from recusa.report.judging import JudgingView, doubts, judging_view
from recusa.report.rows import (
    ChangeRow,
    CostRow,
    FourWayRow,
    RateRow,
    View,
    change_row,
    change_rows,
    cost_rows,
    four_way_rows,
    kinds_of,
    main_view,
    rate_row,
    rate_rows,
)
from recusa.report.training import TrainingNote, training_note
from recusa.report.variants import Shown, VariantRow, variant_rows
from recusa.report.whole import WholeView, whole_view
from recusa.results import Audit, JudgeNote, Leak, Results

MANY_UNCLEAR = 0.1  # above this share of unclear answers a rate comes with a warning
LEAKS_SHOWN = 20
NEAR = {"exact": "near_exact", "form": "near_form", "words": "near_words", "meaning": "near_meaning"}
SHARES = ("accuracy", "precision", "recall")  # of a judge's measured error, written in percent
Items = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ArmNote:
    """An arm and what answered under its name."""

    name: str
    model: str
    baseline: bool


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """A judge with its settings and its measured error, empty where nobody measured it."""

    name: str
    primary: bool
    settings: str
    error: Items
    below: bool  # the tables below tell its error


@dataclass(frozen=True, slots=True)
class LeakRow:
    """A training prompt, the test prompt it copies, where both are from, and how alike they are."""

    train: str
    test: str
    sources: str
    how: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything the page shows; `rates`, `changes`, `four_way` are of `view`, the `other_` ones of all else.

    `fallen` has the failed arms and why their rows are in no rate.
    """

    name: str
    level: str
    view: View
    baseline: str
    judge_error: str
    finding: Finding
    arms: tuple[ArmNote, ...]
    kinds: tuple[str, ...]
    rates: tuple[RateRow, ...]
    other_rates: tuple[RateRow, ...]
    changes: tuple[ChangeRow, ...]
    other_changes: tuple[ChangeRow, ...]
    four_way: tuple[FourWayRow, ...]
    attacks: tuple[AttackRow, ...]
    whole: WholeView | None
    frontier: FrontierView | None
    told: Told
    judges: tuple[JudgeLine, ...]
    judging: JudgingView
    audit: Audit
    leaks: tuple[LeakRow, ...]
    copies: str
    training: tuple[TrainingNote, ...]
    cost: tuple[CostRow, ...]
    variants: tuple[VariantRow, ...]
    fallen: Mapping[str, str]
    warnings: tuple[str, ...]
    experiment: str
    environment: Items
    digest: str
    answers_digest: str
    alpha: str


def summarise(results: Results, folder: Path, locale: Locale) -> Summary:
    """What the results and the answers beside them say, in the view of the primary judge."""
    view = main_view(results)
    rates, changes = rate_rows(results, view, locale), change_rows(results, view, locale)
    varied = dict.fromkeys(cost.arm for cost in results.cost if cost.variants_wanted)
    told = tell(folder, changes, view, baseline=results.baseline, shown=Shown(varied, len(results.kinds)))
    primary = next((judge for judge in results.judges if judge.judge == results.primary_judge), None)
    return Summary(
        name=results.name,
        level=f"{100 * (1 - results.alpha):.4g}%",
        view=view,
        baseline=results.baseline,
        judge_error=_error(results, primary, locale),
        finding=find(
            rates,
            changes,
            locale,
            _others(results, view, told, locale),
            doubts(results.judging, view, changes, locale),
        ),
        arms=tuple(ArmNote(arm, results.models.get(arm, ""), arm == results.baseline) for arm in results.arms),
        kinds=kinds_of(results),
        rates=rates,
        other_rates=tuple(rate_row(row, results.baseline, locale) for row in results.rates if not view.shows(row)),
        changes=changes,
        other_changes=tuple(
            change_row(row, results.alpha, locale)
            for row in results.comparisons
            if not view.shows(row) or row.baseline != results.baseline
        ),
        four_way=four_way_rows(results, view, locale),
        attacks=attack_rows(results, view, locale),
        whole=whole_view(results, locale),
        frontier=frontier_view(results.frontier, locale),
        told=told,
        judges=tuple(
            JudgeLine(
                note.judge,
                note.primary,
                _json(note.settings),
                _measures(note.error or {}, locale),
                _told_below(results, note),
            )
            for note in results.judges
        ),
        judging=judging_view(results.judging, view, rates, changes, locale),
        audit=results.audit,
        leaks=tuple(_leak(leak, locale) for leak in results.audit.leaks[:LEAKS_SHOWN]),
        copies=", ".join(
            f"{locale.number(count)} {locale.say(NEAR[how])}" for how, count in results.audit.copies.items()
        )
        or locale.number(0),
        training=tuple(training_note(part, number, locale) for number, part in enumerate(results.training, 1)),
        cost=cost_rows(results, locale),
        variants=variant_rows(results, locale),
        fallen={failed.arm: failed.reason for failed in results.failed_arms},
        warnings=(*results.warnings, *_warnings(results, rates, locale)),
        experiment=_json(results.experiment),
        environment=_items(results.environment, locale),
        digest=results.digest,
        answers_digest=results.answers_digest,
        alpha=f"{results.alpha:g}".replace(".", locale.decimal),
    )


def _others(results: Results, view: View, told: Told, locale: Locale) -> tuple[Other, ...]:
    """The judges beside the view's, each with its comparisons of the same attack and language."""
    return tuple(
        Other(note.judge, view.judge, change_rows(results, replace(view, judge=note.judge), locale), *agreed)
        for note in results.judges
        if note.judge != view.judge
        for agreed in [told.agreed.get(note.judge, (0, 0))]
    )


def _told_below(results: Results, note: JudgeNote) -> bool:
    """Whether the tables of sets or of agreement tell a judge's error."""
    with_people = any(row.first == note.judge and row.second == "people" for row in results.judging.agreement)
    return with_people or (note.primary and bool(results.judging.sets))


def _error(results: Results, primary: JudgeNote | None, locale: Locale) -> str:
    """What is known of the primary judge's error, in a sentence."""
    sets = [one for one in results.judging.sets if one.sensitivity is not None and one.specificity is not None]
    if (primary is None or not primary.error) and sets:
        found = sorted(one.sensitivity or 0.0 for one in sets)
        spared = sorted(one.specificity or 0.0 for one in sets)
        return locale.say(
            "finding_sets",
            sets=locale.number(len(sets)),
            n=locale.number(sum(one.n for one in sets)),
            sensitivity=locale.interval(found[0], found[-1]),
            specificity=locale.interval(spared[0], spared[-1]),
        )
    if primary is None or not primary.error:
        return locale.say("finding_unmeasured")
    items = dict(_measures(primary.error, locale))
    if not {"measured on", "n", "recall", "precision"} <= items.keys():
        return locale.say("finding_measured_otherwise")
    return locale.say(
        "finding_measured",
        measured_on=items["measured on"],
        n=items["n"],
        recall=items["recall"],
        precision=items["precision"],
    )


def _measures(error: Mapping[str, Any], locale: Locale) -> Items:
    """A judge's measured error: shares in percent, kappa with two decimals."""

    def written(name: str, value: Any) -> Any:
        if isinstance(value, bool) or (value is not None and not isinstance(value, int | float)):
            return value
        if name in SHARES:
            return locale.percent(value)
        if value is None:
            return ABSENT
        if name == "kappa":
            return locale.number(value, 2)
        return locale.number(value) if isinstance(value, int) else value

    return _items({name: written(name, value) for name, value in error.items()}, locale)


def _warnings(results: Results, rates: tuple[RateRow, ...], locale: Locale) -> tuple[str, ...]:
    """What a reader should know before trusting a rate."""
    found = [
        locale.say("warn_unclear", arm=row.raw.arm, kind=row.raw.kind, count=locale.count(row.raw.unclear, row.n),
                   bounds=row.bounds)
        for row in rates
        if row.n and row.raw.unclear / row.n > MANY_UNCLEAR
    ]  # fmt: skip
    found += [
        locale.say("warn_failed", arm=row.raw.arm, kind=row.raw.kind, failed=locale.number(row.raw.failed))
        for row in rates
        if row.raw.failed
    ]
    if results.audit.leaks:
        found.append(locale.say("warn_leaks", count=locale.number(len(results.audit.leaks))))
    return tuple(found)


def _leak(leak: Leak, locale: Locale) -> LeakRow:
    sources = " / ".join(Path(source).name for source in (leak.train_source, leak.test_source) if source)
    how = f"{locale.say(NEAR[leak.how])}, {locale.number(leak.similarity, 2)}"
    return LeakRow(leak.train_text, leak.test_text, sources, how)


def _items(values: Mapping[str, Any], locale: Locale) -> Items:
    """Names and values as a reader sees them; nested values become JSON."""

    def written(value: object) -> str:
        if isinstance(value, bool) or value is None or isinstance(value, int | str):
            return str(value)
        return locale.number(value, 3) if isinstance(value, float) else _json(value, indent=None)

    return tuple((name.replace("_", " "), written(value)) for name, value in values.items())


def _json(value: object, indent: int | None = 2) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
