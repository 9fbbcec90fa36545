"""Whether tuned arms stayed whole: what the report's section shows, and its sentences in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from recusa.report.format import ABSENT, DASH, Locale
from recusa.report.told import retell
from recusa.results import Results
from recusa.wholeness import Exact, Paired, Slip, TaskScore, Wholeness

ALL = "all"

WHOLE: Mapping[str, str] = {
    "head_whole": "Did it stay whole?",
    "whole_intro": (
        "Each tuned arm against its own base, without defence and system prompt. Refusals of harmless prompts are in "
        "the sections above; here is what else tuning changed."
    ),
    "table_exact": (
        "Questions of this project's own with one right answer, asked greedily and marked by rule, before any judge. "
        "Intervals of the change: Tango, {level}, in points; p: McNemar. Refused: wrong answers that the "
        "detector calls refusals."
    ),
    "table_output": (
        "Answers to benign prompts, at most {tokens} tokens. Broken: empty, repeating, no language or off the subject, "
        "by the detector. Same: word for word."
    ),
    "table_drift": (
        "Distributions, on the base's own answers to benign prompts, token by token. KL of the tuned model from the "
        "base in nats a token; intervals are bootstraps over groups of prompts, {level}."
    ),
    "table_tasks": "lm-eval tasks, with lm-eval's standard errors.",
    "whole_no_drift": "{arm}: no drift was computed: {reason}.",
    "whole_left_out": "{arm}: {count} benign prompts are left out, because a row failed.",
    "whole_broken": "{arm} broke for: {reasons}.",
    "whole_kinds": "Exact answers by kind of question",
    "whole_slips": "{arm}: {shown} of {count} questions that the base had right and the tuned model has wrong",
    "whole_base_said": "Base",
    "whole_tuned_said": "Tuned",
    "whole_why": "Wrong: {why}.",
    "column_language_items": "Questions in",
    "column_kind_items": "Kind",
    "whole_change": "Change",
    "whole_p": "p",
    "column_refused_items": "Refused",
    "column_same": "Same",
    "column_broken": "Broken",
    "column_tokens": "Tokens",
    "column_median": "Median",
    "column_cut": "Cut",
    "column_kl": "KL",
    "column_perplexity": "Perplexity",
    "column_ratio": "Ratio",
    "column_metric": "Task, metric",
    "whole_arrow": "{before} \N{RIGHTWARDS ARROW} {after}",
}


@dataclass(frozen=True, slots=True)
class ExactRow:
    """Right answers of one arm, language and kind, written out."""

    arm: str
    language: str
    category: str
    counts: str
    points: str
    spread: str
    p: str
    refused: str


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One arm's answers to benign prompts, written out."""

    arm: str
    same: str
    broken: str
    points: str
    spread: str
    tokens: str
    change: str
    change_spread: str
    median: str
    cut: str


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One arm's drift, written out."""

    arm: str
    tokens: str
    kl: str
    kl_spread: str
    perplexity: str
    ratio: str
    ratio_spread: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One metric of one arm."""

    arm: str
    metric: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class Slips:
    """What one arm lost: shown questions, and of how many, in words."""

    heading: str
    rows: tuple[Slip, ...]


@dataclass(frozen=True, slots=True)
class WholeView:
    """The section: tables, notes, and examples."""

    tokens: str
    exact: tuple[ExactRow, ...]
    kinds: tuple[ExactRow, ...]
    output: tuple[OutputRow, ...]
    drift: tuple[DriftRow, ...]
    tasks: tuple[TaskRow, ...]
    notes: tuple[str, ...]
    slips: tuple[Slips, ...]


def whole_view(results: Results, locale: Locale) -> WholeView | None:
    """The section's content; None where no tuned arm was measured."""
    found = results.whole
    if not found:
        return None
    exact = [(one.arm, row) for one in found for row in one.exact]
    return WholeView(
        tokens=locale.number(found[0].tokens_at_most),
        exact=tuple(_exact(arm, row, locale) for arm, row in exact if row.category == ALL),
        kinds=tuple(_exact(arm, row, locale) for arm, row in exact if row.category != ALL),
        output=tuple(_output(one, locale) for one in found if one.rows),
        drift=tuple(row for one in found for row in _drift(one, locale)),
        tasks=tuple(_task(one.arm, task, locale) for one in found for task in one.tasks),
        notes=tuple(note for one in found for note in _notes(one, locale)),
        slips=tuple(_slips(one, locale) for one in found if one.slips),
    )


def _arrow(before: str, after: str, locale: Locale) -> str:
    return locale.say("whole_arrow", before=before, after=after)


def _exact(arm: str, row: Exact, locale: Locale) -> ExactRow:
    return ExactRow(
        arm=arm,
        language=row.language,
        category=retell(row.category, locale),
        counts=_counts(row.right, locale),
        points=locale.points(row.right.difference),
        spread=locale.spread(row.right.low, row.right.high),
        p=locale.p_cell(row.right.p),
        refused=_arrow(locale.number(row.refused_before), locale.number(row.refused_after), locale),
    )


def _counts(row: Paired, locale: Locale) -> str:
    return _arrow(locale.count(row.before, row.n), locale.count(row.after, row.n), locale)


def _output(one: Wholeness, locale: Locale) -> OutputRow:
    size, broken = one.lengths, one.broken
    return OutputRow(
        arm=one.arm,
        same=locale.count(one.unchanged, one.rows),
        broken=_counts(broken, locale) if broken else ABSENT,
        points=locale.points(broken.difference if broken else None),
        spread=locale.spread(broken.low, broken.high) if broken else ABSENT,
        tokens=_arrow(locale.number(size.mean_before, 1), locale.number(size.mean_after, 1), locale)
        if size
        else ABSENT,
        change=locale.number(size.change, 1) if size else ABSENT,
        change_spread=_between(size.low, size.high, 1, locale) if size else ABSENT,
        median=_arrow(locale.short(size.median_before), locale.short(size.median_after), locale) if size else ABSENT,
        cut=_arrow(locale.number(size.cut_before), locale.number(size.cut_after), locale) if size else ABSENT,
    )


def _drift(one: Wholeness, locale: Locale) -> Iterator[DriftRow]:
    drift = one.drift
    if drift is not None:
        yield DriftRow(
            arm=one.arm,
            tokens=locale.number(drift.tokens),
            kl=locale.number(drift.kl, 4),
            kl_spread=_between(drift.kl_low, drift.kl_high, 4, locale),
            perplexity=_arrow(locale.number(drift.before, 3), locale.number(drift.after, 3), locale),
            ratio=locale.number(drift.ratio, 3),
            ratio_spread=_between(drift.ratio_low, drift.ratio_high, 3, locale),
        )


def _between(low: float | None, high: float | None, digits: int, locale: Locale) -> str:
    if low is None or high is None:
        return ABSENT
    ends = locale.number(low, digits), locale.number(high, digits)
    return locale.say("spread", low=ends[0], high=ends[1]) if low < 0 else DASH.join(ends)


def _task(arm: str, task: TaskScore, locale: Locale) -> TaskRow:
    def written(value: float, error: float | None) -> str:
        return locale.number(value, 3) + (f" ± {locale.number(error, 3)}" if error is not None else "")

    return TaskRow(
        arm=arm,
        metric=f"{task.task}, {task.metric}",
        before=written(task.before, task.before_error),
        after=written(task.after, task.after_error),
        change=locale.number(task.after - task.before, 3),
    )


def _notes(one: Wholeness, locale: Locale) -> Iterator[str]:
    if one.no_drift:
        yield locale.say("whole_no_drift", arm=one.arm, reason=retell(one.no_drift, locale))
    if one.failed:
        yield locale.say("whole_left_out", arm=one.arm, count=locale.number(one.failed))
    if one.why_broken:
        reasons = locale.listed(
            f"{retell(why, locale)} ({locale.number(count)})" for why, count in one.why_broken.items()
        )
        yield locale.say("whole_broken", arm=one.arm, reasons=reasons)


def _slips(one: Wholeness, locale: Locale) -> Slips:
    lost = sum(row.right.lost for row in one.exact if row.category == ALL)
    shown = locale.number(len(one.slips))
    heading = locale.say("whole_slips", arm=one.arm, shown=shown, count=locale.number(lost))
    return Slips(heading, tuple(_retold(slip, locale) for slip in one.slips))


def _retold(slip: Slip, locale: Locale) -> Slip:
    return slip.model_copy(update={"why": retell(slip.why, locale)})
