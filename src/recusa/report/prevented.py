"""What an arm pays for each harmful answer it prevents: calls, tokens, seconds, wrong refusals, training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recusa.report.answers import WITHHELD, Move
from recusa.report.format import ABSENT, Locale
from recusa.report.rows import ChangeRow, CostRow
from recusa.results import Results
from recusa.stats import paired_difference

Moves = Mapping[tuple[str, str], Counter[Move]]
HARMFUL_ANSWER = "answered"


@dataclass(frozen=True, slots=True)
class Ranged:
    """A number with the interval under it, empty where there is none."""

    value: str
    ends: str = ""


@dataclass(frozen=True, slots=True)
class PreventedRow:
    """One arm, every number written out; `raw` has prevented share, low, high and the extra cost each, for files."""

    arm: str
    count: str
    share: Ranged
    calls: Ranged
    tokens: Ranged
    seconds: Ranged
    wrong: str
    training: str
    raw: dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class _Price:
    """What an arm costs more than the baseline a prompt (None where unknown), wrong refusals a prompt, its training."""

    calls: float | None
    tokens: float | None
    seconds: float | None
    wrong: float | None
    training: float | None


def prevented_rows(
    results: Results, moves: Moves, cost: Sequence[CostRow], changes: Sequence[ChangeRow], locale: Locale
) -> tuple[PreventedRow, ...]:
    """One row per arm whose harmful prompts could be paired with the baseline's, in the order of the arms.

    A price is given only where the arm's harmful refusals really rose and the interval of prevented answers is above 0.
    """
    rose = {row.raw.arm for row in changes if row.raw.kind == WITHHELD and row.real and row.risen}
    paid = {row.arm: row.per_prompt for row in reversed(cost)}
    trained = {training.arm: training.seconds for training in results.training}
    before = paid.get(results.baseline)

    def row(arm: str) -> PreventedRow:
        own = paid.get(arm)
        extra = [a - b for a, b in zip(own, before, strict=True)] if own and before else [None] * 3
        price = _Price(extra[0], extra[1], extra[2], _wrong(arm, changes), trained.get(arm))
        return _row(arm, moves[arm, WITHHELD], price, results.alpha, locale, shown=arm in rose)

    return tuple(row(arm) for arm in results.arms if (arm, WITHHELD) in moves)


def _row(arm: str, moved: Counter[Move], price: _Price, alpha: float, locale: Locale, *, shown: bool) -> PreventedRow:
    n = moved.total()
    gone = sum(count for (a, b), count in moved.items() if a == HARMFUL_ANSWER != b)
    come = sum(count for (a, b), count in moved.items() if b == HARMFUL_ANSWER != a)
    both = moved[HARMFUL_ANSWER, HARMFUL_ANSWER]
    low, high = paired_difference(both, come, gone, n - both - come - gone, alpha)  # of answers the baseline gave
    share = (gone - come) / n
    priced = shown and low > 0

    def each(value: float | None) -> float | None:
        return value / share if priced and value is not None else None

    def written(value: float | None) -> Ranged:
        if value is None or not priced:
            return Ranged(ABSENT)
        if value == 0:
            return Ranged(locale.number(0))
        first, last = (locale.short(end) for end in sorted((value / low, value / high)))
        return Ranged(locale.short(value / share), locale.say("spread", low=first, high=last))

    wrong = each(price.wrong)
    return PreventedRow(
        arm=arm,
        count=f"{locale.number(gone - come)}/{locale.number(n)}",
        share=Ranged(locale.points(share), locale.spread(low, high)),
        calls=written(price.calls),
        tokens=written(price.tokens),
        seconds=written(price.seconds),
        wrong=locale.number(wrong, 2) if wrong is not None else ABSENT,
        training=locale.duration(price.training) if price.training is not None else ABSENT,
        raw={
            "n": n,
            "prevented": gone - come,
            "share": share,
            "low": low,
            "high": high,
            "calls_each": each(price.calls),
            "tokens_each": each(price.tokens),
            "seconds_each": each(price.seconds),
            "wrong_refusals_each": wrong,
            "training_seconds": price.training,
        },
    )


def _wrong(arm: str, changes: Sequence[ChangeRow]) -> float | None:
    """The share of harmless prompts that are newly refused, net, benign and borderline together."""
    rows = [row.raw for row in changes if row.raw.arm == arm and row.raw.kind != WITHHELD and row.compared]
    n = sum(row.n for row in rows)
    return sum((row.difference or 0.0) * row.n for row in rows) / n if n else None
