"""The trade: how often an arm refuses harm against how often it refuses what is harmless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import copysign, dist

from recusa.report.layout import QUARTERS, Axis, Frame, percent_ticks
from recusa.report.rows import RateRow
from recusa.report.svg import WIDTH, Canvas, Figure, text_width, wrap

SIDE = 370.0
SAME = 3.0  # marks this near in pixels count as one place
LEFT = 48.0
TOP = 48.0
AROUND = ((11, 4), (-11, 4), (0, -9), (0, 17), (12, -8), (-12, -8), (12, 15), (-12, 15), (20, 4), (-20, 4), (0, -21))


@dataclass(slots=True)
class Taken:
    """Where marks and numbers already stand."""

    spots: list[tuple[float, float]] = field(default_factory=list)

    def near(self, x: float, y: float) -> float:
        """How crowded a place is."""
        return sum(max(0.0, 13 - abs(x - a)) * max(0.0, 11 - abs(y - b)) for a, b in self.spots)


def trade(rows: Sequence[RateRow], frame: Frame) -> Figure | None:
    """Each arm as numbered marks, harmful up and harmless across, with both intervals; None without such pairs."""
    found = {row.key: row for row in rows}
    pairs = [
        (number, found[arm, "harmful"], other)
        for number, arm in enumerate(frame.arms, 1)
        for kind in ("borderline", "benign")
        if (other := found.get((arm, kind))) is not None and _known(other) and _known(found.get((arm, "harmful")))
    ]
    if not pairs:
        return None
    canvas = Canvas()
    across, up = Axis(LEFT, LEFT + SIDE), Axis(TOP + SIDE, TOP)
    _axes(canvas, across, up, frame)
    _marks(canvas, across, up, pairs)
    legend = _legend(canvas, pairs, frame)
    title = frame.say("figure_trade_title")
    told = "; ".join(
        f"{y.raw.arm}: {frame.kind('harmful')} {y.count}, {frame.kind(x.raw.kind)} {x.count}" for _, y, x in pairs
    )
    columns = ("arm", "kind", "rate", "low", "high", "harmful_rate", "harmful_low", "harmful_high", "n", "harmful_n")
    return Figure(
        name="trade",
        title=title,
        note=frame.say("figure_trade_note"),
        description=f"{title}. {told}.",
        height=max(TOP + SIDE + 40, legend),
        body="".join(canvas.parts),
        columns=columns,
        rows=tuple(
            (y.raw.arm, x.raw.kind, x.raw.rate, x.raw.low, x.raw.high, y.raw.rate, y.raw.low, y.raw.high, x.n, y.n)
            for _, y, x in pairs
        ),
    )


Spot = tuple[float, float]
Pairs = Sequence[tuple[int, RateRow, RateRow]]


def _known(row: RateRow | None) -> bool:
    return row is not None and row.raw.rate is not None


def _axes(canvas: Canvas, across: Axis, up: Axis, frame: Frame) -> None:
    canvas.parts += across.grid(QUARTERS, TOP, TOP + SIDE)
    for tick, label in percent_ticks(QUARTERS):
        canvas.line(LEFT, up.at(tick), LEFT + SIDE, up.at(tick), "grid")
        canvas.text(LEFT - 8, up.at(tick) + 4, label, "small soft", "end")
    across.labels(canvas, percent_ticks(QUARTERS), TOP + SIDE + 16)
    canvas.text(0, 14, frame.say("axis_harmful"), "small strong")
    canvas.text(LEFT + SIDE, TOP + SIDE + 33, frame.say("axis_harmless"), "small strong", "end")
    canvas.text(LEFT, TOP - 7, frame.say("corner_best"), "small soft")
    canvas.text(LEFT + SIDE, TOP - 7, frame.say("corner_all"), "small soft", "end")
    canvas.line(LEFT, TOP + SIDE, LEFT + SIDE, TOP, "guide")


def _marks(canvas: Canvas, across: Axis, up: Axis, pairs: Pairs) -> None:
    """Intervals first, marks on them with the baseline's on top, numbers last and where there is room."""
    taken = Taken()
    for _, y, x in pairs:
        left, top = across.at(x.raw.rate or 0), up.at(y.raw.rate or 0)
        taken.spots.append((left, top))
        if None not in (x.raw.low, x.raw.high, y.raw.low, y.raw.high):
            canvas.line(across.at(x.raw.low or 0), top, across.at(x.raw.high or 0), top, "line-thin")
            canvas.line(left, up.at(y.raw.low or 0), left, up.at(y.raw.high or 0), "line-thin")
    placed = list(zip(list(taken.spots), pairs, strict=True))
    others = [spot for spot, (_, _, x) in placed if not x.baseline]
    for spot, (_, _, x) in sorted(placed, key=lambda one: one[1][2].baseline):
        covers = x.baseline and any(dist(spot, other) <= SAME for other in others)
        if covers:
            canvas.marker(x.raw.kind, *spot, "ring-halo", 7.5)
        look = " ring" if covers else " hollow" if x.baseline else ""
        canvas.marker(x.raw.kind, *spot, f"mark-{x.raw.kind}{look}", 7.5 if covers else 4.5)
    numbered(canvas, taken, [(spot, number) for spot, (number, _, _) in placed])


def numbered(canvas: Canvas, taken: Taken, placed: Sequence[tuple[Spot, int]]) -> None:
    """Numbers beside their marks, where there is room; marks that coincide share one label."""
    for (left, top), numbers in _places(placed):
        label = ", ".join(map(str, numbers))
        further = (text_width(label, 11) - text_width("0", 11)) / 2  # so that a longer label clears its mark
        steps = [(dx + copysign(further, dx) if dx else 0.0, dy) for dx, dy in AROUND]
        dx, dy = min(steps, key=lambda step: taken.near(left + step[0], top + step[1] - 4))
        canvas.text(left + dx, top + dy, label, "num-mark halo", "middle")
        taken.spots.append((left + dx, top + dy - 4))


def _places(placed: Sequence[tuple[Spot, int]]) -> list[tuple[Spot, list[int]]]:
    """Where numbers stand: arms whose marks coincide share one label."""
    places: list[tuple[Spot, list[int]]] = []
    for spot, number in placed:
        numbers = next((numbers for other, numbers in places if dist(spot, other) <= SAME), None)
        if numbers is None:
            places.append((spot, [number]))
        elif number not in numbers:
            numbers.append(number)
    return places


def _legend(canvas: Canvas, pairs: Pairs, frame: Frame) -> float:
    """Which number is which arm, with its counts; returns where the legend ends."""
    left, y = LEFT + SIDE + 26, TOP + 10
    for kind in dict.fromkeys(row.raw.kind for _, _, row in pairs):
        canvas.marker(kind, left + 5, y - 4, f"mark-{kind}")
        canvas.text(left + 17, y, frame.say(f"against_{kind}"), "small")
        y += 17
    y += 8
    width = WIDTH - left - 18
    for number in dict.fromkeys(number for number, _, _ in pairs):
        mine = [(harm, other) for n, harm, other in pairs if n == number]
        canvas.text(left + 10, y, str(number), "num-mark", "end")
        for line in wrap(mine[0][0].raw.arm, width):
            canvas.text(left + 18, y, line, "strong" if mine[0][0].baseline else "")
            y += 14
        others = ", ".join(f"{frame.kind(other.raw.kind)} {other.count}" for _, other in mine)
        for line in (f"{frame.kind('harmful')} {mine[0][0].count}", *wrap(others, width + 16, 11)):
            canvas.text(left + 18, y, line, "small soft")
            y += 13
        y += 6
    return y
