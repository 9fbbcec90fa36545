"""What a report says, as data: no HTML, no drawing, every number already written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from recusa.report.answers import Move, Told, by_category, moves, tell
from recusa.report.attacks import AttackRow, attack_rows
from recusa.report.audit_lines import AuditView, audit_view
from recusa.report.finding import Finding, Other, find
from recusa.report.format import Locale
from recusa.report.frontier import FrontierView, frontier_view
from recusa.report.judge_lines import Items, JudgeLine, as_items, as_json, judge_lines, primary_error
from recusa.report.judging import JudgingView, doubts, judging_view
from recusa.report.listing import Listing, list_answers
from recusa.report.prevented import PreventedRow, prevented_rows
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
from recusa.report.told import retell
from recusa.report.training import TrainingNote, training_note
from recusa.report.variants import VariantRow, variant_rows
from recusa.report.whole import WholeView, whole_view
from recusa.results import Results

MANY_UNCLEAR = 0.1  # above this share of unclear answers a rate comes with a warning


@dataclass(frozen=True, slots=True)
class ArmNote:
    """An arm and what answered under its name."""

    name: str
    model: str
    baseline: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything the page shows; `rates`, `changes`, `four_way` are of `view`, the `other_` ones of all else.

    `fallen` has the failed arms and why their rows are in no rate. `moves` counts per arm and kind from which outcome
    of the baseline answers went to which; `categories` has refused and judged answers per kind and category, by arm.
    `unclear` and `failed` say whether any answer of the view is so.
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
    moves: Mapping[tuple[str, str], Counter[Move]]
    categories: Mapping[tuple[str, str], Mapping[str, tuple[int, int]]]
    listing: Listing
    judges: tuple[JudgeLine, ...]
    judging: JudgingView
    audit: AuditView
    training: tuple[TrainingNote, ...]
    cost: tuple[CostRow, ...]
    prevented: tuple[PreventedRow, ...]
    variants: tuple[VariantRow, ...]
    fallen: Mapping[str, str]
    warnings: tuple[str, ...]
    experiment: str
    environment: Items
    digest: str
    answers_digest: str
    alpha: str
    methods: tuple[str, str]  # of the intervals and of the tests of `changes`

    @property
    def unclear(self) -> bool:
        """Whether any answer of the view is unclear."""
        return any(row.raw.unclear for row in self.rates)


def summarise(results: Results, folder: Path, locale: Locale, *, redact: bool = False) -> Summary:
    """What the results and the answers beside them say, in the view of the primary judge.

    With `redact`, no answer to a harmful prompt is in it. Raises InputError for answers that cannot be read.
    """
    view = main_view(results)
    rates, changes = rate_rows(results, view, locale), change_rows(results, view, locale)
    told = _retold(tell(folder, view, redact=redact), locale)
    fallen = {failed.arm: retell(failed.reason, locale) for failed in results.failed_arms}
    moved = moves(told, results.arms, results.baseline, fallen)
    cost = cost_rows(results, locale)
    others, against = _others(results, view, told, locale), doubts(results.judging, view, changes, locale)
    return Summary(
        name=results.name,
        level=f"{locale.plain(round(100 * (1 - results.alpha), 2))}%",
        view=view,
        baseline=results.baseline,
        judge_error=primary_error(results, locale),
        finding=find(rates, changes, locale, others, against),
        arms=tuple(
            ArmNote(arm, retell(results.models.get(arm, ""), locale), arm == results.baseline) for arm in results.arms
        ),
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
        moves=moved,
        categories=by_category(told, results.arms, fallen),
        listing=list_answers(folder, told, changes, view, results.arms, results.baseline, locale, redact=redact),
        judges=judge_lines(results, locale),
        judging=judging_view(results.judging, view, rates, changes, locale),
        audit=audit_view(results.audit, locale),
        training=tuple(
            training_note(part, number, locale, redact=redact) for number, part in enumerate(results.training, 1)
        ),
        cost=cost,
        prevented=prevented_rows(results, moved, [row for row in cost if row.attack == view.attack], changes, locale),
        variants=variant_rows(results, locale),
        fallen=fallen,
        warnings=(*(retell(text, locale) for text in results.warnings), *_warnings(results, rates, locale)),
        experiment=as_json(results.experiment),
        environment=as_items(results.environment, locale),
        digest=results.digest,
        answers_digest=results.answers_digest,
        alpha=locale.plain(results.alpha),
        methods=(
            "; ".join(dict.fromkeys(retell(row.raw.interval, locale) for row in changes)),
            "; ".join(dict.fromkeys(retell(row.raw.test, locale) for row in changes)),
        ),
    )


def _retold(told: Told, locale: Locale) -> Told:
    return replace(told, failures=tuple((arm, retell(error, locale), rows) for arm, error, rows in told.failures))


def _others(results: Results, view: View, told: Told, locale: Locale) -> tuple[Other, ...]:
    """The judges beside the view's, each with its comparisons of the same attack and language."""
    return tuple(
        Other(note.judge, view.judge, change_rows(results, replace(view, judge=note.judge), locale), *agreed)
        for note in results.judges
        if note.judge != view.judge
        for agreed in [told.agreed.get(note.judge, (0, 0))]
    )


def _warnings(results: Results, rates: tuple[RateRow, ...], locale: Locale) -> tuple[str, ...]:
    """What a reader should know before trusting a rate."""
    found = [
        locale.say("warn_unclear", arm=row.raw.arm, kind=locale.kind(row.raw.kind),
                   count=locale.count(row.raw.unclear, row.n), bounds=row.bounds)
        for row in rates
        if row.n and row.raw.unclear / row.n > MANY_UNCLEAR
    ]  # fmt: skip
    found += [
        locale.say("warn_failed", arm=row.raw.arm, kind=locale.kind(row.raw.kind), failed=locale.number(row.raw.failed))
        for row in rates
        if row.raw.failed
    ]
    if results.audit.leaks:
        found.append(locale.say("warn_leaks", count=locale.number(len(results.audit.leaks))))
    return tuple(found)
