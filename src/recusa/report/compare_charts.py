"""Pictures that set arms against each other: differences, four ways, the trade, cost, and the loss of a training."""

from __future__ import annotations

from collections.abc import Sequence

from recusa.report.layout import (
    Axis,
    Frame,
    columns_for,
    headers,
    heading,
    panel,
    put_behind,
    right_of,
    swatches,
)
from recusa.report.rows import Cell, ChangeRow, CostRow, FourWayRow, Ways
from recusa.report.svg import WIDTH, Canvas, Figure, text_width
from recusa.results import Training

BAR = 11.0
LANE = 15.0  # from one row of the four ways to the next
SCALES = ((0.25, (-0.25, 0.0, 0.25)), (0.5, (-0.5, -0.25, 0.0, 0.25, 0.5)), (1.0, (-1.0, -0.5, 0.0, 0.5, 1.0)))


def differences(rows: Sequence[ChangeRow], kinds: Sequence[str], frame: Frame) -> Figure:
    """A forest plot of each arm minus the baseline: filled and coloured where the change is real, hollow where not."""
    far = max((abs(end) for row in rows for end in (row.raw.low, row.raw.high) if end is not None), default=0.0)
    reach, ticks = next((scale for scale in SCALES if far <= scale[0]), SCALES[-1])
    widest = max((text_width(_change(row)) for row in rows if row.compared), default=0.0)
    columns, wide = columns_for([(frame.say("column_change"), widest + 8), ("n", 40.0), (frame.say("column_p"), 52.0)])
    space = right_of(frame, wide)
    canvas, axis = Canvas(), Axis(space.left + 8, space.right, -reach, reach)
    found = {row.key: row for row in rows}
    for kind in (kind for kind in kinds if any(row.raw.kind == kind for row in rows)):
        head = canvas.y + 16
        heading(canvas, kind, frame.locale.kind_title(kind))
        headers(canvas, columns, head)
        mark = len(canvas.parts)

        def draw(arm: str, y: float, kind: str = kind) -> None:
            row = found.get((arm, kind))
            if row is None or row.raw.difference is None:
                canvas.text(axis.left, y + 4, frame.say("not_compared"), "small soft")
                return
            if row.raw.low is not None and row.raw.high is not None:
                line = f"line-{kind}" if row.real else "line-quiet"
                canvas.whisker(axis.at(row.raw.low), axis.at(row.raw.high), y, line)
            canvas.marker(kind, axis.at(row.raw.difference), y, f"mark-{kind}" if row.real else "mark-quiet")
            texts = (_change(row), frame.locale.number(row.raw.n), frame.locale.p_cell(row.raw.p_holm))
            for (x, _), text in zip(columns, texts, strict=True):
                canvas.text(x, y + 4, text, "strong" if row.real and x == columns[0][0] else "", "end")

        top = panel(canvas, frame, draw, lane=26, arms=[arm for arm in frame.arms if arm != frame.baseline])
        behind = Canvas(parts=axis.grid(ticks, top, canvas.y))
        behind.line(axis.at(0), top, axis.at(0), canvas.y, "zero")
        put_behind(canvas, mark, behind.parts)
        canvas.y += 12
    axis.labels(
        canvas,
        [(tick, frame.locale.points(tick).removesuffix(f"{frame.locale.decimal}0")) for tick in ticks],
        canvas.y + 8,
    )
    title = frame.say("figure_differences_title", baseline=frame.baseline)
    told = "; ".join(
        f"{row.raw.arm}, {frame.kind(row.raw.kind)}: {_change(row)}, {row.p_holm}, n = {row.raw.n}" for row in rows
    )
    return Figure(
        name="differences",
        title=title,
        note=frame.say("figure_differences_note"),
        description=f"{title}. {told}.",
        height=canvas.y + 14,
        body="".join(canvas.parts),
        columns=CHANGE_COLUMNS,
        rows=tuple((*(row.raw.model_dump()[name] for name in CHANGE_COLUMNS[:-1]), row.real) for row in rows),
    )


def four_way(rows: Sequence[FourWayRow], frame: Frame) -> Figure:
    """Refusals to the left, answers to the right, harmful above harmless: shares of each row's n, with intervals."""
    canvas, found = Canvas(), {row.arm: row for row in rows}
    ways = [part for row in rows for _, part in row.ways]
    side = 8 + max((text_width(cell.text, 11) for part in ways for cell in (part.refused, part.answered)), default=0.0)
    heads = [_row_n(kind, part, frame) for row in rows for kind, part in row.ways]
    head = frame.names + 12 + max(text_width(text, 11) for text in heads)
    refusing = max(0.1, *(part.refused.high or 0.0 for part in ways))
    answering = max(0.1, *(part.answered.high or 0.0 for part in ways))
    axis = Axis(head + side, WIDTH - side, -refusing, answering)
    swatches(canvas, [("refused", frame.say("as_wanted")), ("answered", frame.say("not_wanted"))])
    canvas.y += 14
    canvas.text(axis.at(0) - 8, canvas.y, frame.say("refuses"), "strong", "end")
    canvas.text(axis.at(0) + 8, canvas.y, frame.say("answers"), "strong")
    canvas.y += 6
    mark = len(canvas.parts)

    def draw(arm: str, y: float) -> None:
        for shift, (kind, part) in zip((-LANE / 2, LANE / 2), found[arm].ways, strict=True):
            canvas.text(head, y + shift + 4, _row_n(kind, part, frame), "small soft", "end")
            if not part.n:
                canvas.text(axis.at(0) + 6, y + shift + 4, part.refused.text, "small soft halo")
                continue
            colours = ("refused", "answered") if kind == "harmful" else ("answered", "refused")
            _way(canvas, axis, part.refused, y + shift, -1, colours[0])
            _way(canvas, axis, part.answered, y + shift, 1, colours[1])

    top = panel(canvas, frame, draw, lane=2 * LANE + 12, arms=list(found))
    ticks = [tick / 4 for tick in range(-4, 5) if -refusing <= tick / 4 <= answering]
    behind = Canvas(parts=axis.grid(ticks, top, canvas.y))
    put_behind(canvas, mark, behind.parts)
    canvas.line(axis.at(0), top, axis.at(0), canvas.y, "zero")
    axis.labels(canvas, [(tick, f"{100 * abs(tick):.0f}%") for tick in ticks], canvas.y + 16)
    title = frame.say("figure_four_way_title")
    told = "; ".join(f"{row.arm}: " + ", ".join(_four(row, frame)) for row in rows)
    return Figure(
        name="four-way",
        title=title,
        note=frame.say("figure_four_way_note"),
        description=f"{title}. {told}.",
        height=canvas.y + 22,
        body="".join(canvas.parts),
        columns=("arm", "prompts", "n", "refused", "refused_share", "refused_low", "refused_high", "answered",
                 "answered_share", "answered_low", "answered_high", "unclear", "failed"),
        rows=tuple(
            (row.arm, kind, part.n, *_data(part.refused), *_data(part.answered), part.unclear, part.failed)
            for row in rows
            for kind, part in row.ways
        ),
    )  # fmt: skip


def _way(canvas: Canvas, axis: Axis, cell: Cell, y: float, side: int, css: str) -> None:
    """A bar from zero to one side, the interval of its share across its end, and its numbers beyond."""
    share, low, high = (axis.at(side * (value or 0.0)) for value in (cell.share, cell.low, cell.high))
    canvas.rect(min(axis.at(0), share), y - BAR / 2, abs(share - axis.at(0)), BAR, css)
    ends = min(low, high), max(low, high)
    canvas.whisker(*ends, y, "whisker-halo", 2.5)
    canvas.whisker(*ends, y, "whisker", 2.5)
    canvas.text(high + 6 * side, y + 4, cell.text, "small halo", "end" if side < 0 else "start")


def _row_n(kind: str, part: Ways, frame: Frame) -> str:
    return frame.say("row_n", kind=frame.say(f"title_{kind}"), n=frame.locale.number(part.n))


def _data(cell: Cell) -> tuple[int, float | None, float | None, float | None]:
    return cell.count, cell.share, cell.low, cell.high


def cost(rows: Sequence[CostRow], frame: Frame) -> Figure:
    """What each arm costs a prompt: calls, tokens and seconds, each on its own scale from 0."""
    canvas = Canvas()
    found = {row.arm: row for row in reversed(rows)}
    wide = (WIDTH - frame.names - 12) / 3
    most = [max((row.per_prompt[place] for row in found.values()), default=0.0) or 1.0 for place in range(3)]
    lefts = [frame.names + 12 + wide * place for place in range(3)]
    canvas.y = 14
    for left, name in zip(lefts, ("calls_a_prompt", "tokens_a_prompt", "seconds_a_prompt"), strict=True):
        canvas.text(left, canvas.y, frame.say(name), "small soft")
    canvas.y += 8

    def draw(arm: str, y: float) -> None:
        for left, top, value in zip(lefts, most, found[arm].per_prompt, strict=True):
            width = max(1.0, (wide - 74) * value / top)
            canvas.rect(left, y - 7, width, 14, "refused")
            canvas.text(left + width + 6, y + 4, frame.locale.short(value), "small")

    panel(canvas, frame, draw, lane=28, arms=[arm for arm in frame.arms if arm in found])
    title = frame.say("figure_cost_title")
    told = "; ".join(
        frame.say("described_cost", arm=row.arm, calls=row.calls, prompts=row.prompts, seconds=row.seconds)
        for row in found.values()
    )
    return Figure(
        name="cost",
        title=title,
        note=frame.say("figure_cost_note"),
        description=f"{title}. {told}.",
        height=canvas.y + 4,
        body="".join(canvas.parts),
        columns=("arm", "attack", "calls_a_prompt", "tokens_a_prompt", "seconds_a_prompt"),
        rows=tuple((row.arm, row.attack, *row.per_prompt) for row in rows),
    )


def loss(training: Training, number: int, frame: Frame) -> Figure:
    """The loss of one training from step to step, on a scale from 0."""
    canvas, points = Canvas(y=8), training.losses
    steps = max(step for step, _ in points)
    most = max(value for _, value in points) or 1.0
    across, bottom = Axis(44, WIDTH - 60, min(0, points[0][0]), max(1, steps)), 104.0
    down = Axis(bottom, 12, 0, most)
    for value in (0.0, most):
        canvas.line(44, down.at(value), WIDTH - 60, down.at(value), "grid")
        canvas.text(38, down.at(value) + 4, frame.locale.short(value), "small soft", "end")
    canvas.path([(across.at(step), down.at(value)) for step, value in points], "line-accent")
    last = points[-1]
    canvas.marker("harmful", across.at(last[0]), down.at(last[1]), "mark-accent", 3)
    canvas.text(across.at(last[0]) + 8, down.at(last[1]) + 4, frame.locale.short(last[1]), "strong")
    canvas.text(across.left, bottom + 16, frame.say("step", step=0), "small soft")
    canvas.text(across.right, bottom + 16, frame.say("step", step=frame.locale.number(steps)), "small soft", "end")
    title = frame.say("figure_loss_title", arm=training.arm)
    first, final = frame.locale.short(points[0][1]), frame.locale.short(last[1])
    return Figure(
        name=f"loss-{number}",
        title=title,
        note=frame.say("figure_loss_note"),
        description=frame.say("described_loss", title=title, first=first, last=final, steps=frame.locale.number(steps)),
        height=bottom + 22,
        body="".join(canvas.parts),
        columns=("arm", "step", "loss"),
        rows=tuple((training.arm, step, value) for step, value in points),
    )


CHANGE_COLUMNS = ("arm", "baseline", "kind", "attack", "language", "judge", "n", "left_out", "baseline_rate", "rate",
                  "difference", "low", "high", "p", "p_holm", "real")  # fmt: skip


def _change(row: ChangeRow) -> str:
    return f"{row.points} ({row.spread})"


def _four(row: FourWayRow, frame: Frame) -> list[str]:
    """Each of the four ways in words, with its count, share and interval."""
    return [
        f"{frame.say(f'{way}_{kind}')} {cell.text} ({frame.locale.interval(cell.low, cell.high)}, n = {part.n})"
        for kind, part in row.ways
        for way, cell in (("refuses", part.refused), ("answers", part.answered))
    ]
