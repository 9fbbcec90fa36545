"""Pictures of what each arm did: outcomes, refusal rates, and right outcomes before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recusa.report.layout import (
    QUARTERS,
    Axis,
    Frame,
    columns_for,
    headers,
    heading,
    panel,
    percent_ticks,
    put_behind,
    right_of,
    swatches,
)
from recusa.report.rows import RateRow
from recusa.report.svg import WIDTH, Canvas, Figure, text_width
from recusa.stats import wilson

BAR = 17.0
COUNTS = 60.0  # least width of a column of counts


def outcomes(name: str, rates: Sequence[RateRow], kinds: Sequence[str], frame: Frame) -> Figure:
    """Per arm the share refused, answered and unclear, as stacked bars with counts, one panel per kind."""
    found = {row.key: row for row in rates}
    says = {outcome: frame.say(outcome) for outcome in ("refused", "answered", "unclear")}
    columns, wide = columns_for([(label, COUNTS) for label in says.values()])
    canvas, axis = Canvas(), right_of(frame, wide)
    swatches(canvas, says.items())
    for kind in kinds:
        head = canvas.y + 16
        heading(canvas, kind, frame.locale.kind_title(kind))
        headers(canvas, columns, head)
        mark = len(canvas.parts)

        def draw(arm: str, y: float, kind: str = kind) -> None:
            row = found[arm, kind]
            _stack(canvas, axis, row, y, frame)
            for (x, _), outcome in zip(columns, says, strict=True):
                canvas.text(x, y + 4, frame.locale.number(getattr(row.raw, outcome)) if row.n else "", "", "end")

        top = panel(canvas, frame, draw, lane=34)
        put_behind(canvas, mark, axis.grid(QUARTERS, top, canvas.y))
        canvas.y += 12
    axis.labels(canvas, percent_ticks(QUARTERS), canvas.y + 8)
    title = frame.say(f"figure_{name}_title".replace("-", "_"))
    return Figure(
        name=name,
        title=title,
        note=frame.say("figure_outcomes_note"),
        description=_described(title, rates, kinds, frame),
        height=canvas.y + 14,
        body="".join(canvas.parts),
        columns=RATE_COLUMNS,
        rows=tuple(_data(row) for row in rates if row.raw.kind in kinds),
    )


def rates(rows: Sequence[RateRow], kinds: Sequence[str], frame: Frame) -> Figure:
    """Refusal rates as dots with Wilson intervals, one panel per kind; a dotted line marks the baseline's rate."""
    heads = [(frame.say("column_count"), 54.0), ("%", 50.0), (frame.say("column_interval"), 82.0)]
    columns, wide = columns_for(heads)
    canvas, axis = Canvas(), right_of(frame, wide)
    found = {row.key: row for row in rows}
    for kind in kinds:
        head = canvas.y + 16
        heading(canvas, kind, frame.locale.kind_title(kind))
        headers(canvas, columns, head)
        mark = len(canvas.parts)

        def draw(arm: str, y: float, kind: str = kind) -> None:
            row = found[arm, kind]
            if row.raw.rate is None:
                canvas.text(axis.left + 8, y + 4, frame.say(row.missing), "small soft")
                return
            if row.raw.low is not None and row.raw.high is not None:
                canvas.whisker(axis.at(row.raw.low), axis.at(row.raw.high), y, f"line-{kind}")
            canvas.marker(kind, axis.at(row.raw.rate), y, f"mark-{kind}")
            for (x, _), text in zip(columns, (row.count, row.percent.rstrip("%"), row.interval), strict=True):
                canvas.text(x, y + 4, text, "", "end")

        top = panel(canvas, frame, draw, lane=26)
        behind = axis.grid(QUARTERS, top, canvas.y)
        put_behind(canvas, mark, behind + _guide(axis, found.get((frame.baseline, kind)), top, canvas.y))
        canvas.y += 12
    axis.labels(canvas, percent_ticks(QUARTERS), canvas.y + 8)
    title = frame.say("figure_rates_title")
    return Figure(
        name="rates",
        title=title,
        note=frame.say("figure_rates_note"),
        description=_described(title, rows, kinds, frame),
        height=canvas.y + 14,
        body="".join(canvas.parts),
        columns=RATE_COLUMNS,
        rows=tuple(_data(row) for row in rows),
    )


def before_after(rows: Sequence[RateRow], kinds: Sequence[str], frame: Frame, alpha: float) -> Figure:
    """Right outcomes, baseline to arm, both with intervals: harmful prompts refused, harmless prompts answered."""
    canvas, axis = Canvas(), right_of(frame, 130)
    found = {row.key: row for row in rows}
    compared = [arm for arm in frame.arms if arm != frame.baseline]
    data: list[tuple[str, str, str, _Right, _Right]] = []
    for kind in kinds:
        right = "refused" if kind == "harmful" else "answered"
        head = canvas.y + 16
        heading(canvas, kind, frame.say(f"panel_{right}", kind=frame.locale.kind_title(kind)))
        headers(canvas, [(WIDTH, frame.say("column_before_after"))], head)
        mark = len(canvas.parts)
        start = found[frame.baseline, kind]

        def draw(arm: str, y: float, kind: str = kind, right: str = right, start: RateRow = start) -> None:
            end = found[arm, kind]
            pair = _right(start, right, alpha), _right(end, right, alpha)
            data.append((arm, kind, right, *pair))
            if not start.n or not end.n:
                canvas.text(axis.left + 8, y + 4, frame.say((end if start.n else start).missing), "small soft")
                return
            _dumbbell(canvas, axis, *pair, y, kind)
            counts = [frame.locale.count(one.hits, one.n) for one in pair]
            canvas.text(WIDTH, y + 4, " \N{RIGHTWARDS ARROW} ".join(counts), "", "end")

        top = panel(canvas, frame, draw, lane=32, arms=compared)
        put_behind(canvas, mark, axis.grid(QUARTERS, top, canvas.y))
        canvas.y += 12
    axis.labels(canvas, percent_ticks(QUARTERS), canvas.y + 8)
    title = frame.say("figure_before_after_title")
    told = "; ".join(
        frame.say("described_before_after", arm=arm, kind=frame.kind(kind), before=f"{a.hits}/{a.n}",
                  after=f"{b.hits}/{b.n}")
        for arm, kind, _, a, b in data
    )  # fmt: skip
    return Figure(
        name="before-after",
        title=title,
        note=frame.say("figure_before_after_note", baseline=frame.baseline),
        description=f"{title}. {told}.",
        height=canvas.y + 14,
        body="".join(canvas.parts),
        columns=("arm", "kind", "outcome", "baseline_count", "baseline_n", "baseline_low", "baseline_high",
                 "arm_count", "arm_n", "arm_low", "arm_high"),
        rows=tuple((arm, kind, right, *a, *b) for arm, kind, right, a, b in data),
    )  # fmt: skip


class _Right(NamedTuple):
    """Right outcomes of `n`, with the interval of their share; None without any."""

    hits: int
    n: int
    low: float | None
    high: float | None


def _right(row: RateRow, outcome: str, alpha: float) -> _Right:
    count = getattr(row.raw, outcome)
    return _Right(count, row.n, *(wilson(count, row.n, alpha) if row.n else (None, None)))


def _dumbbell(canvas: Canvas, axis: Axis, before: _Right, after: _Right, y: float, kind: str) -> None:
    """A line from the baseline's share to the arm's; the baseline's interval above it, the arm's below."""
    first, last = axis.at(before.hits / before.n), axis.at(after.hits / after.n)
    for one, place, css in ((before, y - 8, "line-quiet"), (after, y + 8, f"line-{kind}")):
        canvas.whisker(axis.at(one.low or 0.0), axis.at(one.high or 0.0), place, css, 2)
    canvas.line(first, y, last, y, f"line-{kind}")
    canvas.marker("harmful", first, y, "mark-quiet", 4)
    canvas.marker(kind, last, y, f"mark-{kind}")


RATE_COLUMNS = (
    "arm", "kind", "attack", "language", "judge", "n", "refused", "answered", "unclear", "failed",
    "rate", "low", "high", "least", "most",
)  # fmt: skip


def _data(row: RateRow) -> tuple[object, ...]:
    values = row.raw.model_dump()
    return tuple(values[column] for column in RATE_COLUMNS)


def _stack(canvas: Canvas, axis: Axis, row: RateRow, y: float, frame: Frame) -> None:
    """One arm's bar: shares inside where they fit, the refused share's interval on a line beneath."""
    if not row.n:
        canvas.text(axis.left + 8, y + 4, frame.say(row.missing), "small soft")
        return
    top, start = y - BAR / 2 - 3, axis.left
    for outcome in ("refused", "answered", "unclear"):
        share = getattr(row.raw, outcome) / row.n
        width = share * (axis.right - axis.left)
        canvas.rect(start, top, width, BAR, outcome)
        label = frame.locale.percent(share)
        if outcome != "unclear" and width > text_width(label, 11) + 10:
            canvas.text(start + width / 2, top + BAR / 2 + 4, label, f"small on-{outcome}", "middle")
        start += width
    if row.raw.low is not None and row.raw.high is not None:
        canvas.whisker(axis.at(row.raw.low), axis.at(row.raw.high), top + BAR + 6, "whisker", 2.5)


def _guide(axis: Axis, row: RateRow | None, top: float, bottom: float) -> list[str]:
    """The baseline's rate as a dotted line."""
    canvas = Canvas()
    if row is not None and row.raw.rate is not None:
        canvas.line(axis.at(row.raw.rate), top, axis.at(row.raw.rate), bottom, "guide")
    return canvas.parts


def _described(title: str, rows: Sequence[RateRow], kinds: Sequence[str], frame: Frame) -> str:
    """The picture in words, for those who do not see it."""
    told = [
        frame.say("described_rate", arm=row.raw.arm, kind=frame.kind(row.raw.kind), count=row.count,
                  percent=row.percent, interval=row.interval)
        for row in rows
        if row.raw.kind in kinds and row.n
    ]  # fmt: skip
    return f"{title}. {'; '.join(told)}."
