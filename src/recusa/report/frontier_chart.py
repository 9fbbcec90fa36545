"""The frontier of a sweep: harmful refusals against those of each harmless kind, a panel each."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from recusa.frontier import Frontier, Point, Side
from recusa.report.layout import Axis, Frame, percent_ticks
from recusa.report.svg import WIDTH, Canvas, Figure, text_width, wrap
from recusa.report.trade_chart import Spot, Taken, numbered

LEFT = 40.0
GAP = 44.0
TOP = 52.0
TALL = 300.0
# Good arms crowd where much harm and little else is refused: both scales are square roots of the distance from there.
ACROSS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
UP = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
Spotted = Sequence[tuple[int, Point, Side, Side]]  # number, arm, harmful, harmless


def frontier(found: Frontier | None, frame: Frame) -> Figure | None:
    """Numbered arms with their intervals, the best in each panel joined, the caps and the arm to take."""
    if found is None:
        return None
    kinds = [kind for kind in found.kinds if kind != "harmful"]
    panels = [(kind, _spotted(found, kind)) for kind in kinds]
    panels = [(kind, spotted) for kind, spotted in panels if spotted]
    if not panels:
        return None
    canvas = Canvas()
    wide = (WIDTH - LEFT - 8 - GAP * (len(panels) - 1)) / len(panels)
    wide = min(wide, 400.0)
    canvas.text(0, 14, frame.say("frontier_up"), "small strong")
    for place, (kind, spotted) in enumerate(panels):
        plane = Plane(LEFT + place * (wide + GAP), wide)
        _axes(canvas, plane, kind, frame)
        _cap(canvas, plane, found, kind, frame)
        _best(canvas, plane, kind, spotted)
        _marks(canvas, plane, kind, spotted, found)
    height = _legend(canvas, found, TOP + TALL + 56)
    title = frame.say("figure_frontier_title")
    told = "; ".join(
        f"{point.arm}: "
        + (
            frame.say("standing_failed")
            if point.failed
            else ", ".join(f"{frame.kind(k)} {s.refused}/{s.n}" for k, s in point.sides.items())
        )
        for point in found.points
    )
    columns = ("arm", "kind", "rate", "low", "high", "n", "harmful_rate", "harmful_low", "harmful_high", "harmful_n",
               "dominated", "recommended")  # fmt: skip
    return Figure(
        name="frontier",
        title=title,
        note=frame.say("figure_frontier_note"),
        description=f"{title}. {told}.",
        height=height,
        body="".join(canvas.parts),
        columns=columns,
        rows=tuple(
            (point.arm, kind, x.rate, x.low, x.high, x.n, y.rate, y.low, y.high, y.n, point.dominated,
             point.arm == found.recommended)
            for kind, spotted in panels
            for _, point, y, x in spotted
        ),
    )  # fmt: skip


class Plane:
    """One panel: from shares to pixels, stretched towards the corner where harm alone is refused."""

    def __init__(self, left: float, wide: float) -> None:
        self.left, self.right = left, left + wide
        self.across, self.up = Axis(left, left + wide), Axis(TOP + TALL, TOP)

    def x(self, share: float | None) -> float:
        """Where a share of harmless prompts lies."""
        return self.across.at(sqrt(share or 0.0))

    def y(self, share: float | None) -> float:
        """Where a share of harmful prompts lies."""
        return self.up.at(1 - sqrt(max(0.0, 1 - (share or 0.0))))


def _spotted(found: Frontier, kind: str) -> Spotted:
    """The arms with a rate of both."""
    return [
        (number, point, harmful, other)
        for number, point in enumerate(found.points, 1)
        if (harmful := point.sides.get("harmful")) and harmful.n and (other := point.sides.get(kind)) and other.n
    ]


def _cap_at(found: Frontier, kind: str) -> float | None:
    side = found.point(found.baseline).sides.get(kind)
    rise = found.cap_benign if kind == "benign" else found.cap_borderline
    return side.rate + rise / 100 if side is not None and side.rate is not None else None


def _axes(canvas: Canvas, plane: Plane, kind: str, frame: Frame) -> None:
    for tick, label in percent_ticks(ACROSS):
        canvas.line(plane.x(tick), TOP, plane.x(tick), TOP + TALL, "grid")
        canvas.text(plane.x(tick), TOP + TALL + 16, label.removesuffix("%"), "small soft", "middle")
    for tick, label in percent_ticks(UP):
        canvas.line(plane.left, plane.y(tick), plane.right, plane.y(tick), "grid")
        if plane.left == LEFT:
            canvas.text(LEFT - 8, plane.y(tick) + 4, label, "small soft", "end")
    canvas.marker(kind, plane.left + 6, TOP + TALL + 31, f"mark-{kind}", 4)
    title = frame.say("frontier_across", kind=frame.kind(kind))
    canvas.text(plane.left + 16, TOP + TALL + 35, title, "small strong")


def _cap(canvas: Canvas, plane: Plane, found: Frontier, kind: str, frame: Frame) -> None:
    cap = _cap_at(found, kind)
    if cap is not None and cap < 1:
        canvas.line(plane.x(cap), TOP - 16, plane.x(cap), TOP + TALL, "guide")
        canvas.text(plane.x(cap), TOP - 20, frame.say("cap_mark"), "small soft", "middle")


def _best(canvas: Canvas, plane: Plane, kind: str, spotted: Spotted) -> None:
    """Steps through the arms that no other in this panel beats."""
    corners: list[Spot] = []
    top = -1.0
    for x, y in sorted({(x.rate or 0.0, -(y.rate or 0.0)) for _, _, y, x in spotted}):
        if -y > top:
            if corners:
                corners.append((plane.x(x), corners[-1][1]))
            corners.append((plane.x(x), plane.y(-y)))
            top = -y
    corners.append((plane.right, corners[-1][1]))
    canvas.path(corners, f"line-{kind}")


def _marks(canvas: Canvas, plane: Plane, kind: str, spotted: Spotted, found: Frontier) -> None:
    """Intervals first, then the marks with the arm to take on top, then the numbers."""
    placed: list[tuple[Spot, int]] = []
    for number, _, y, x in spotted:
        spot = plane.x(x.rate), plane.y(y.rate)
        placed.append((spot, number))
        canvas.line(plane.x(x.low), spot[1], plane.x(x.high), spot[1], "line-thin")
        canvas.line(spot[0], plane.y(y.low), spot[0], plane.y(y.high), "line-thin")
    arms = [(spot, point) for (spot, _), (_, point, _, _) in zip(placed, spotted, strict=True)]
    for spot, point in sorted(arms, key=lambda one: one[1].arm == found.recommended):
        if point.arm == found.recommended:
            canvas.marker(kind, *spot, "ring-halo", 8)
            canvas.marker(kind, *spot, f"mark-{kind} ring", 8)
        look = "mark-quiet" if point.arm == found.baseline else f"mark-{kind}{' hollow' * point.dominated}"
        canvas.marker(kind, *spot, look, 4.5)
    numbered(canvas, Taken([spot for spot, _ in placed]), placed)


def _legend(canvas: Canvas, found: Frontier, top: float) -> float:
    """Which number is which arm, in as many columns as the names leave room for; returns where it ends."""
    widest = max(text_width(point.arm) for point in found.points) + 34
    columns = max(1, min(3, int(WIDTH // widest)))
    wide = WIDTH / columns
    share = -(-len(found.points) // columns)
    lowest = top
    for place in range(columns):
        y = top
        for number, point in list(enumerate(found.points, 1))[place * share : (place + 1) * share]:
            canvas.text(place * wide + 16, y, str(number), "num-mark", "end")
            css = "strong" if point.arm == found.recommended else "soft" if point.failed else ""
            for text in wrap(point.arm, wide - 30):
                canvas.text(place * wide + 24, y, text, css)
                y += 15
        lowest = max(lowest, y)
    return lowest
