"""The judges' error as the report shows it: bands, people's estimates, agreement, and what they make of the finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from recusa.judging import Agreement, EstimatedChange, EstimatedRate, Judging
from recusa.report.format import ABSENT, Locale
from recusa.report.rows import ChangeRow, RateRow, View

POOLED = "all"
PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class SetRow:
    """One set of labelled answers that the primary judge was measured on; `used` where the bands rest on it."""

    name: str
    source: str
    n: str
    sensitivity: str
    specificity: str
    used: bool


@dataclass(frozen=True, slots=True)
class TrueRate:
    """An arm's rate by the judge, its band, and people's rate where enough answers are labelled."""

    arm: str
    kind: str
    baseline: bool
    seen: str
    band: str
    labelled: str
    errors: str
    people: str
    interval: str


@dataclass(frozen=True, slots=True)
class TrueChange:
    """A change by the judge, with unclear and failed rows either way, its band, and people's change."""

    arm: str
    kind: str
    seen: str
    bounds: str
    band: str
    survives: bool | None
    labelled: str
    people: str
    interval: str


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """Two who judged the same answers of one arm, or of all."""

    first: str
    second: str
    arm: str
    pooled: bool
    n: str
    agreement: str
    agreement_interval: str
    kappa: str
    kappa_interval: str


@dataclass(frozen=True, slots=True)
class JudgingView:
    """What is known of the judges' error; `labels` says who labelled, empty where nobody did."""

    sets: tuple[SetRow, ...]
    rates: tuple[TrueRate, ...]
    changes: tuple[TrueChange, ...]
    agreement: tuple[AgreementRow, ...]
    labels: str
    minimum: int

    @property
    def people(self) -> bool:
        """Whether anybody labelled answers of this run."""
        return bool(self.labels)

    @property
    def banded(self) -> bool:
        """Whether any set carries information."""
        return any(row.used for row in self.sets)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Sentences on the changes the finding names: what undoes them, and what bears them out."""

    against: tuple[str, ...]
    support: tuple[str, ...]


def judging_view(
    judging: Judging, view: View, rates: Sequence[RateRow], changes: Sequence[ChangeRow], locale: Locale
) -> JudgingView:
    """The tables of one view."""
    bands = {(b.arm, b.kind): b for b in judging.rate_bands if b.attack == view.attack}
    moves = {(b.arm, b.kind): b for b in judging.change_bands if b.attack == view.attack}
    people = {(e.arm, e.kind): e for e in judging.estimated_rates if e.attack == view.attack}
    moved = {(e.arm, e.kind): e for e in judging.estimated_changes if e.attack == view.attack}
    known = judging.labels
    return JudgingView(
        sets=tuple(
            SetRow(one.name, one.source, locale.number(one.n), locale.percent(one.sensitivity),
                   locale.percent(one.specificity), one.informative)
            for one in judging.sets
        ),
        rates=tuple(
            TrueRate(
                *row.key,
                row.baseline,
                row.percent,
                locale.interval(bands[row.key].low, bands[row.key].high) if row.key in bands else ABSENT,
                *_labelled(people.get(row.key), locale),
                *_people_rate(people.get(row.key), locale),
            )
            for row in rates
            if row.n
        ),
        changes=tuple(
            TrueChange(
                *row.key,
                row.points,
                locale.spread(row.raw.least, row.raw.most),
                locale.spread(moves[row.key].low, moves[row.key].high) if row.key in moves else ABSENT,
                moves[row.key].survives if row.key in moves else None,
                _labelled(moved.get(row.key), locale)[0],
                *_people_change(moved.get(row.key), locale),
            )
            for row in changes
            if row.compared
        ),
        agreement=tuple(_agreement(row, locale) for row in judging.agreement),
        labels=""
        if known is None
        else locale.say("people_labelled", answers=locale.number(known.answers), raters=locale.listed(known.raters))
        + (" " + locale.say("people_stale", stale=locale.number(known.stale)) if known.stale else ""),
        minimum=judging.minimum_labels,
    )  # fmt: skip


def _labelled(found: EstimatedRate | EstimatedChange | None, locale: Locale) -> tuple[str, str]:
    """How many labels a row rests on, and the judge's errors among them."""
    if found is None:
        return ABSENT, ABSENT
    errors = ABSENT
    if isinstance(found, EstimatedRate) and found.labelled:
        errors = f"{locale.number(found.missed)}, {locale.number(found.false_alarms)}"
    return locale.count(found.labelled, found.n), errors


def _people_rate(found: EstimatedRate | None, locale: Locale) -> tuple[str, str]:
    if found is None or not (found.labelled or found.stale):
        return ABSENT, ABSENT
    if found.rate is None:
        return locale.say("people_stale_cell" if found.stale else "people_few_cell"), ABSENT
    return locale.percent(found.rate), locale.interval(found.low, found.high)


def _people_change(found: EstimatedChange | None, locale: Locale) -> tuple[str, str]:
    if found is None or not (found.labelled or found.stale):
        return ABSENT, ABSENT
    if found.difference is None:
        return locale.say("people_stale_cell" if found.stale else "people_few_cell"), ABSENT
    return locale.points(found.difference), locale.spread(found.low, found.high)


def _agreement(row: Agreement, locale: Locale) -> AgreementRow:
    kappa = ABSENT if row.kappa is None else locale.number(row.kappa, 2)
    ends = (
        ABSENT
        if row.kappa_low is None or row.kappa_high is None
        else locale.say("spread", low=locale.number(row.kappa_low, 2), high=locale.number(row.kappa_high, 2))
    )
    people = locale.say("people_word")
    return AgreementRow(
        people if row.first == PEOPLE else row.first,
        people if row.second == PEOPLE else row.second,
        row.arm,
        row.arm == POOLED,
        locale.number(row.n),
        locale.percent(row.agreement),
        locale.interval(row.agreement_low, row.agreement_high),
        kappa,
        ends,
    )


def doubts(judging: Judging, view: View, changes: Sequence[ChangeRow], locale: Locale) -> Doubts:
    """What people's labels, else the bands, and the unclear and failed rows say of the changes that were shown."""
    against: list[str] = []
    support: list[str] = []
    moved = {(e.arm, e.kind): e for e in judging.estimated_changes if e.attack == view.attack and e.low is not None}
    _people(judging, view, changes, moved, locale, against, support)
    real = [row for row in changes if row.real]
    bands = {(b.arm, b.kind): b for b in judging.change_bands if b.attack == view.attack}
    open_to_bands = [row for row in real if row.key in bands and row.key not in moved]
    sets = locale.number(sum(one.informative for one in judging.sets))

    def banded(rows: Iterable[ChangeRow]) -> str:
        return _list(rows, lambda row: locale.spread(bands[row.key].low, bands[row.key].high), locale)

    lost = [row for row in open_to_bands if not bands[row.key].survives]
    kept = [row for row in open_to_bands if bands[row.key].survives]
    if lost:
        against.append(locale.say("band_lost", judge=view.judge, sets=sets, changes=banded(lost)))
    if kept:
        support.append(locale.say("band_kept", judge=view.judge, sets=sets, changes=banded(kept)))
    shaky = [row for row in real if row.raw.least is not None and row.raw.most is not None
             and row.raw.least <= 0 <= row.raw.most]  # fmt: skip
    if shaky:
        bounds = _list(shaky, lambda row: locale.spread(row.raw.least, row.raw.most), locale)
        against.append(locale.say("bounds_lost", changes=bounds))
    return Doubts(tuple(against), tuple(support))


def _people(
    judging: Judging,
    view: View,
    changes: Sequence[ChangeRow],
    moved: dict[tuple[str, str], EstimatedChange],
    locale: Locale,
    against: list[str],
    support: list[str],
) -> None:
    """What people's labels say of each change, and of the judge's rates."""
    if judging.labels is None:
        return

    def written(rows: Iterable[ChangeRow]) -> str:
        return _list(rows, lambda row: locale.say("people_change", points=locale.points(moved[row.key].difference),
                     spread=locale.spread(moved[row.key].low, moved[row.key].high)), locale)  # fmt: skip

    said = {row.key: moved[row.key].borne_out(row.risen) for row in changes if row.key in moved}
    groups = {
        "people_bear": [row for row in changes if row.real and said.get(row.key) == "yes"],
        "people_not": [row for row in changes if row.real and said.get(row.key) == "no"],
        "people_opposite": [row for row in changes if row.real and said.get(row.key) == "opposite"],
        "people_besides": [row for row in changes if not row.real and said.get(row.key) in ("yes", "opposite")],
    }
    for name, rows in groups.items():
        if rows:
            (support if name == "people_bear" else against).append(locale.say(name, changes=written(rows)))
    off = [
        e for e in judging.estimated_rates
        if e.attack == view.attack and e.low is not None and e.high is not None
        and not e.low <= e.judge_rate <= e.high
    ]  # fmt: skip
    if off:
        rates = locale.listed(
            locale.say("people_rate", arm=e.arm, kind=locale.kind(e.kind), judge=locale.percent(e.judge_rate),
                       people=locale.percent(e.rate), interval=locale.interval(e.low, e.high))
            for e in off
        )  # fmt: skip
        against.append(locale.say("people_off", judge=view.judge, rates=rates))


def _list(rows: Iterable[ChangeRow], written: Callable[[ChangeRow], str], locale: Locale) -> str:
    return locale.listed(
        locale.say("doubted", arm=row.raw.arm, kind=locale.kind(row.raw.kind), numbers=written(row)) for row in rows
    )
