"""Refusal rates by category and arm, a picture per kind of prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recusa.report.layout import GAP, Frame
from recusa.report.svg import WIDTH, Canvas, Figure, text_width, wrap
from recusa.stats import wilson

SHOWN = 24  # categories of a kind; the smaller ones are counted together
NAMES = 176.0  # widest column of category names
TALL = 34.0
NARROW = 78.0  # columns narrower than this are headed by numbers
FAINTEST, FULLEST = 0.05, 0.5  # opacity of a cell's colour at 0 and 1; text stays readable on it
Cells = Mapping[str, tuple[int, int]]  # per arm: refused, judged answers
Categories = Mapping[tuple[str, str], Cells]  # per kind and category


def heat(kind: str, categories: Categories, frame: Frame, alpha: float) -> Figure | None:
    """A row per category, most prompts first, a column per arm; None without named categories."""
    found = {name: cells for (of, name), cells in categories.items() if of == kind}
    if not any(found):
        return None
    rows = _rows(found, frame)
    arms = [arm for arm in frame.arms if any(arm in cells for cells in found.values())]
    names = min(NAMES, max(84.0, *(text_width(name) + 4 for name, _ in rows)))
    left = names + GAP
    wide = min(110.0, (WIDTH - left) / len(arms))
    canvas = Canvas(y=4)
    numbered = wide < NARROW
    _heads(canvas, arms, left, wide, frame, numbered=numbered)
    for name, cells in rows:
        lines = wrap(name, names)
        tall = max(TALL, 15.0 * len(lines) + 6)
        middle = canvas.y + tall / 2
        for place, line in enumerate(lines):
            canvas.text(0, middle + 4 + 15 * (place - (len(lines) - 1) / 2), line)
        for place, arm in enumerate(arms):
            if arm in cells:
                _cell(canvas, *cells[arm], left + place * wide, canvas.y, wide, tall, frame)
        canvas.y += tall
    if numbered:
        _legend(canvas, arms)
    title = frame.say("figure_heat_title", kind=frame.kind(kind))
    told = "; ".join(
        frame.say("described_heat", category=name, cells=", ".join(f"{arm} {r}/{n}" for arm, (r, n) in cells.items()))
        for name, cells in rows
    )
    return Figure(
        name=f"categories-{kind}",
        title=title,
        note=frame.say("figure_heat_note"),
        description=f"{title}. {told}.",
        height=canvas.y + 6,
        body="".join(canvas.parts),
        columns=("kind", "category", "arm", "refused", "n", "rate", "low", "high"),
        rows=tuple(
            (kind, name, arm, refused, n, refused / n, *wilson(refused, n, alpha))
            for name, cells in found.items()
            for arm, (refused, n) in cells.items()
        ),
    )


def _rows(found: Mapping[str, Cells], frame: Frame) -> list[tuple[str, Cells]]:
    """Categories by size; what is beyond the limit is added up, and prompts without category come last."""
    order = sorted((name for name in found if name), key=lambda name: (-max(n for _, n in found[name].values()), name))
    shown, rest = order[:SHOWN], order[SHOWN:]
    rows = [(name, found[name]) for name in shown]
    if rest:
        rows.append((frame.say("heat_rest", count=frame.locale.number(len(rest))), _sum([found[r] for r in rest])))
    if "" in found:
        rows.append((frame.say("heat_none_named"), found[""]))
    return rows


def _sum(parts: Sequence[Cells]) -> Cells:
    arms = dict.fromkeys(arm for part in parts for arm in part)
    return {
        arm: (sum(part[arm][0] for part in parts if arm in part), sum(part[arm][1] for part in parts if arm in part))
        for arm in arms
    }


def _heads(canvas: Canvas, arms: Sequence[str], left: float, wide: float, frame: Frame, *, numbered: bool) -> None:
    heads = [[str(place)] if numbered else wrap(arm, wide - 8) for place, arm in enumerate(arms, 1)]
    marks = [[frame.say("baseline_mark")] if arm == frame.baseline and not numbered else [] for arm in arms]
    deepest = max(len(head) + len(mark) for head, mark in zip(heads, marks, strict=True))
    for place, (head, mark) in enumerate(zip(heads, marks, strict=True)):
        middle = left + (place + 0.5) * wide
        y = canvas.y + 15 * (deepest - len(head) - len(mark)) + 11
        for line in head:
            canvas.text(middle, y, line, "num-mark" if numbered else "", "middle")
            y += 15
        for line in mark:
            canvas.text(middle, y, line, "small soft", "middle")
    canvas.y += 15 * deepest + 4


def _cell(canvas: Canvas, refused: int, n: int, x: float, y: float, wide: float, tall: float, frame: Frame) -> None:
    """Percent over count, on a colour as deep as the rate."""
    depth = FAINTEST + (FULLEST - FAINTEST) * refused / n
    canvas.rect(x + 1, y + 1, wide - 2, tall - 2, "refused", depth)
    percent = frame.locale.percent(refused / n) if wide > 48 else f"{100 * refused / n:.0f}%"
    canvas.text(x + wide / 2, y + tall / 2 - 1, percent, "small strong", "middle")
    canvas.text(x + wide / 2, y + tall / 2 + 12, frame.locale.count(refused, n), "small", "middle")


def _legend(canvas: Canvas, arms: Sequence[str]) -> None:
    """Which number is which arm."""
    canvas.y += 20
    for number, arm in enumerate(arms, 1):
        canvas.text(14, canvas.y, str(number), "num-mark", "end")
        for line in wrap(arm, WIDTH - 40):
            canvas.text(22, canvas.y, line)
            canvas.y += 15
