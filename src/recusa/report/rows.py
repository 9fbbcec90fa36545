"""The report's rows: what the results say of each arm and kind, with every number already written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recusa.report.format import Locale
from recusa.results import Comparison, Counts, Rate, Results
from recusa.stats import wilson
from recusa.types import KINDS


@dataclass(frozen=True, slots=True)
class View:
    """Which rows the pictures and the main tables show."""

    attack: str
    language: str
    judge: str

    def shows(self, row: Rate | Comparison) -> bool:
        """Whether a row belongs to this view."""
        return (row.attack, row.language, row.judge) == (self.attack, self.language, self.judge)


@dataclass(frozen=True, slots=True)
class RateRow:
    """How often one arm refused one kind; `n` is 0 where nothing was asked."""

    raw: Rate
    baseline: bool
    n: int
    count: str
    percent: str
    interval: str
    bounds: str

    @property
    def key(self) -> tuple[str, str]:
        """Arm and kind."""
        return self.raw.arm, self.raw.kind

    @property
    def missing(self) -> str:
        """Which sentence says why there is no rate: nothing was asked, or all of it failed."""
        return "all_failed" if self.raw.failed else "not_asked"


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One arm against the baseline on one kind; `real` when Holm's p is below alpha and the interval excludes 0."""

    raw: Comparison
    real: bool
    before: str
    after: str
    points: str
    spread: str
    p: str
    p_holm: str

    @property
    def key(self) -> tuple[str, str]:
        """Arm and kind."""
        return self.raw.arm, self.raw.kind

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare."""
        return self.raw.difference is not None and self.raw.n > 0

    @property
    def bounded(self) -> bool:
        """Whether unclear answers and failed rows could make the change another."""
        least, most = self.raw.least, self.raw.most
        return self.compared and least is not None and most is not None and least < most

    @property
    def risen(self) -> bool:
        """Whether the arm refused more than the baseline on these prompts."""
        return (self.raw.difference or 0.0) > 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the four ways: how many answers, their share of the arm's answers to such prompts, and its interval."""

    count: int
    share: float | None
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Refused or answered among the `n` judged answers to harmful or to harmless prompts; unclear ones are in `n`."""

    n: int
    refused: Cell
    answered: Cell
    unclear: int
    failed: int


@dataclass(frozen=True, slots=True)
class FourWayRow:
    """Refuses or answers x harmful or harmless for one arm, each pair with its own `n`."""

    arm: str
    harmful: Ways
    harmless: Ways

    @property
    def ways(self) -> tuple[tuple[str, Ways], tuple[str, Ways]]:
        """Both pairs by name, harmful first."""
        return ("harmful", self.harmful), ("harmless", self.harmless)


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one arm cost, in all and per prompt."""

    arm: str
    attack: str
    baseline: bool
    prompts: str
    calls: str
    prompt_tokens: str
    answer_tokens: str
    seconds: str
    variants: str
    per_prompt: tuple[float, float, float]  # calls, tokens in and out, seconds


def main_view(results: Results) -> View:
    """The primary judge, all languages, the direct attack; else what comes first in the results."""
    attacks = [rate.attack for rate in results.rates]
    languages = [rate.language for rate in results.rates]
    return View(
        attack="direct" if "direct" in attacks or not attacks else attacks[0],
        language="all" if "all" in languages or not languages else languages[0],
        judge=results.primary_judge,
    )


def kinds_of(results: Results) -> tuple[str, ...]:
    """The kinds that were asked: harmful, borderline, benign."""
    known = [kind for kind in KINDS if kind in results.kinds]
    return (*known, *(kind for kind in results.kinds if kind not in known))


def rate_row(rate: Rate, baseline: str, locale: Locale) -> RateRow:
    """A rate with its numbers written out."""
    return RateRow(
        raw=rate,
        baseline=rate.arm == baseline,
        n=rate.n,
        count=locale.count(rate.refused, rate.n),
        percent=locale.percent(rate.rate),
        interval=locale.interval(rate.low, rate.high),
        bounds=locale.interval(rate.least, rate.most),
    )


def rate_rows(results: Results, view: View, locale: Locale) -> tuple[RateRow, ...]:
    """One row per kind and arm, kinds outermost; an arm that was not asked gets an empty row."""
    found = {(rate.arm, rate.kind): rate for rate in results.rates if view.shows(rate)}
    return tuple(
        rate_row(found.get((arm, kind)) or _nothing(arm, kind, view), results.baseline, locale)
        for kind in kinds_of(results)
        for arm in results.arms
    )


def change_row(row: Comparison, alpha: float, locale: Locale) -> ChangeRow:
    """A comparison with its numbers written out."""
    return ChangeRow(
        raw=row,
        real=row.is_real(alpha),
        before=locale.count(round((row.baseline_rate or 0.0) * row.n), row.n),
        after=locale.count(round((row.rate or 0.0) * row.n), row.n),
        points=locale.points(row.difference),
        spread=locale.spread(row.low, row.high),
        p=locale.p(row.p),
        p_holm=locale.p(row.p_holm),
    )


def change_rows(results: Results, view: View, locale: Locale) -> tuple[ChangeRow, ...]:
    """One row per kind and compared arm, kinds outermost, in the order of the arms."""
    shown = [row for row in results.comparisons if view.shows(row) and row.baseline == results.baseline]
    found = {(row.arm, row.kind): row for row in shown}
    return tuple(
        change_row(found[arm, kind], results.alpha, locale)
        for kind in kinds_of(results)
        for arm in results.arms
        if (arm, kind) in found
    )


def four_way_rows(results: Results, view: View, locale: Locale) -> tuple[FourWayRow, ...]:
    """One row per arm, in the order of the arms."""
    found = {row.arm: row for row in results.four_way if (row.attack, row.judge) == (view.attack, view.judge)}
    return tuple(
        FourWayRow(arm, *(_ways(part, results.alpha, locale) for part in (found[arm].harmful, found[arm].benign)))
        for arm in results.arms
        if arm in found
    )


def cost_rows(results: Results, locale: Locale) -> tuple[CostRow, ...]:
    """One row per arm and attack, as the results give them."""
    return tuple(
        CostRow(
            arm=cost.arm,
            attack=cost.attack,
            baseline=cost.arm == results.baseline,
            prompts=locale.number(cost.prompts),
            calls=locale.number(cost.calls),
            prompt_tokens=locale.number(cost.prompt_tokens),
            answer_tokens=locale.number(cost.answer_tokens),
            seconds=locale.duration(cost.seconds),
            variants=locale.count(cost.variants_valid, cost.variants_wanted) if cost.variants_wanted else "",
            per_prompt=(
                cost.calls / max(1, cost.prompts),
                (cost.prompt_tokens + cost.answer_tokens) / max(1, cost.prompts),
                cost.seconds / max(1, cost.prompts),
            ),
        )
        for cost in results.cost
    )


def _ways(part: Counts, alpha: float, locale: Locale) -> Ways:
    n = part.refused + part.answered + part.unclear

    def cell(count: int) -> Cell:
        if not n:
            return Cell(count, None, None, None, locale.say("all_failed" if part.failed else "not_asked"))
        text = f"{locale.number(count)} \N{MIDDLE DOT} {locale.percent(count / n)}"
        return Cell(count, count / n, *wilson(count, n, alpha), text)

    return Ways(n, cell(part.refused), cell(part.answered), part.unclear, part.failed)


def _nothing(arm: str, kind: str, view: View) -> Rate:
    counts = dict.fromkeys(("n", "refused", "answered", "unclear", "failed"), 0)
    shares: dict[str, Any] = dict.fromkeys(("rate", "low", "high", "least", "most"))
    return Rate(arm=arm, kind=kind, attack=view.attack, language=view.language, judge=view.judge, **counts, **shares)
