"""Where each arm moved the baseline's answers: refused, answered and unclear before and after, as a flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from recusa.report.answers import OUTCOMES, Move
from recusa.report.layout import GAP, Frame, panel, swatches
from recusa.report.svg import WIDTH, Canvas, Figure

TALL = 58.0  # height of a pair of bars
BAR = 9.0
SEAM = 24.0  # between two kinds
WIDEST = 190.0
MOVES: tuple[Move, ...] = tuple((before, after) for before in OUTCOMES for after in OUTCOMES)


def flow(moves: Mapping[tuple[str, str], Counter[Move]], kinds: Sequence[str], frame: Frame) -> Figure | None:
    """A lane per arm, a pair of bars per kind with ribbons between them; None where no two arms were paired."""
    arms = [arm for arm in frame.arms if any(name == arm for name, _ in moves)]
    shown = [kind for kind in kinds if any(name == kind for _, name in moves)]
    if not arms:
        return None
    canvas = Canvas()
    swatches(canvas, [(outcome, frame.say(outcome)) for outcome in OUTCOMES])
    left = frame.names + GAP
    wide = min(WIDEST, (WIDTH - left - SEAM * (len(shown) - 1)) / len(shown))
    lefts = {kind: left + place * (wide + SEAM) for place, kind in enumerate(shown)}
    canvas.y += 16
    for kind, x in lefts.items():
        canvas.marker(kind, x + 5, canvas.y - 4, f"mark-{kind}", 4)
        canvas.text(x + 15, canvas.y, frame.locale.kind_title(kind), "strong")
    canvas.y += 4

    def draw(arm: str, y: float) -> None:
        for kind, x in lefts.items():
            moved = moves.get((arm, kind))
            if moved is None:
                canvas.text(x, y + 4, frame.say("not_compared"), "small soft")
                continue
            _bars(canvas, moved, x, y - TALL / 2 - 8, wide)
            canvas.text(x, y + TALL / 2 + 6, _counted(moved, frame), "small soft")

    panel(canvas, frame, draw, lane=TALL + 38, arms=arms)
    title = frame.say("figure_flow_title")
    told = "; ".join(
        frame.say("described_flow", arm=arm, kind=frame.kind(kind), gained=_gained(moved), lost=_lost(moved),
                  n=moved.total())
        for (arm, kind), moved in moves.items()
    )  # fmt: skip
    return Figure(
        name="flow",
        title=title,
        note=frame.say("figure_flow_note", baseline=frame.baseline),
        description=f"{title}. {told}.",
        height=canvas.y,
        body="".join(canvas.parts),
        columns=("arm", "kind", "baseline_outcome", "arm_outcome", "count", "n"),
        rows=tuple(
            (arm, kind, *move, moved[move], moved.total()) for (arm, kind), moved in moves.items() for move in MOVES
        ),
    )


def _bars(canvas: Canvas, moved: Counter[Move], x: float, top: float, wide: float) -> None:
    """Ribbons first, those that stay behind those that move, then the two bars."""
    scale = TALL / (moved.total() or 1)
    starts, ends = _stacked(moved, 0, top, scale), _stacked(moved, 1, top, scale)
    for move in sorted(MOVES, key=lambda move: move[0] != move[1]):
        if moved[move]:
            thick = max(0.6, moved[move] * scale)
            canvas.ribbon(x + BAR, starts[move], x + wide - BAR, ends[move], thick, f"flow-{_way(move)}")
    for place, edge in ((0, x), (1, x + wide - BAR)):
        y = top
        for outcome in OUTCOMES:
            height = scale * sum(count for move, count in moved.items() if move[place] == outcome)
            canvas.rect(edge, y, BAR, height, outcome)
            y += height


def _stacked(moved: Counter[Move], side: int, top: float, scale: float) -> dict[Move, float]:
    """Where each ribbon begins on one side: grouped by that side's outcome."""
    found = {}
    for move in sorted(MOVES, key=lambda move: (OUTCOMES.index(move[side]), OUTCOMES.index(move[1 - side]))):
        found[move] = top
        top += moved[move] * scale
    return found


def _way(move: Move) -> str:
    before, after = move
    if before == after:
        return "stays"
    return "gained" if after == "refused" else "lost" if before == "refused" else "rest"


def _gained(moved: Counter[Move]) -> int:
    return sum(count for move, count in moved.items() if _way(move) == "gained")


def _lost(moved: Counter[Move]) -> int:
    return sum(count for move, count in moved.items() if _way(move) == "lost")


def _counted(moved: Counter[Move], frame: Frame) -> str:
    plus, minus = frame.locale.number(_gained(moved)), frame.locale.number(_lost(moved))
    return f"+{plus}, \N{MINUS SIGN}{minus}; n = {frame.locale.number(moved.total())}"
