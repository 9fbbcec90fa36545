"""What the charts share: an axis, a column of arm names, panels of one lane per arm, legends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recusa.report.format import Locale
from recusa.report.svg import WIDTH, Canvas, text_width, wrap

NAMES = (84.0, 164.0)  # narrowest and widest column of arm names
LINE = 15.0
GAP = 14.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What every chart needs to know: the arms in order, the baseline, who judged, and the language."""

    arms: tuple[str, ...]
    baseline: str
    judge: str
    level: str
    locale: Locale

    @property
    def names(self) -> float:
        """Width of the column of arm names."""
        return min(NAMES[1], max(NAMES[0], *(text_width(arm) + 2 for arm in self.arms)))

    def say(self, name: str, /, **fields: object) -> str:
        """A sentence that may name the judge and the level of the intervals."""
        return self.locale.say(name, judge=self.judge, level=self.level, **fields)

    def kind(self, kind: str) -> str:
        """A kind as a word in a sentence."""
        return self.locale.kind(kind)


@dataclass(frozen=True, slots=True)
class Axis:
    """A horizontal scale from pixels to values."""

    left: float
    right: float
    low: float = 0.0
    high: float = 1.0

    def at(self, value: float) -> float:
        """Where a value lies; values off the scale lie at its end."""
        inside = min(self.high, max(self.low, value))
        return self.left + (self.right - self.left) * (inside - self.low) / (self.high - self.low)

    def grid(self, ticks: Iterable[float], top: float, bottom: float) -> list[str]:
        """Gridlines, to be put behind what stands on them."""
        canvas = Canvas()
        for tick in ticks:
            canvas.line(self.at(tick), top, self.at(tick), bottom, "grid")
        return canvas.parts

    def labels(self, canvas: Canvas, ticks: Iterable[tuple[float, str]], y: float) -> None:
        """Tick labels below the scale."""
        for tick, label in ticks:
            canvas.text(self.at(tick), y, label, "small soft", "middle")


QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def percent_ticks(ticks: Iterable[float]) -> list[tuple[float, str]]:
    """Shares as whole percents."""
    return [(tick, f"{100 * tick:.0f}%") for tick in ticks]


Row = Callable[[str, float], None]  # draws one arm round the vertical middle given


def panel(
    canvas: Canvas,
    frame: Frame,
    draw: Row,
    *,
    lane: float,
    arms: Sequence[str] | None = None,
    notes: Mapping[str, str] | None = None,
) -> float:
    """One lane per arm with its name and a note in front, from `canvas.y` down; returns where the panel began."""
    top = canvas.y
    for arm in frame.arms if arms is None else arms:
        lines = wrap(arm, frame.names)
        below = [frame.locale.say("baseline_mark")] if arm == frame.baseline else []
        below += wrap(notes[arm], frame.names, 11) if notes else []
        height = max(lane, LINE * (len(lines) + len(below)) + 7)
        middle = canvas.y + height / 2
        first = middle - LINE * (len(lines) + len(below) - 1) / 2 + 4
        for place, line in enumerate(lines):
            canvas.text(0, first + LINE * place, line)
        for place, line in enumerate(below, len(lines)):
            canvas.text(0, first + LINE * place - 1, line, "small soft")
        draw(arm, middle)
        canvas.y += height
    return top


def put_behind(canvas: Canvas, mark: int, parts: list[str]) -> None:
    """Insert shapes under everything drawn since `mark`."""
    canvas.parts[mark:mark] = parts


def heading(canvas: Canvas, kind: str, title: str, count: str = "") -> None:
    """A panel's title with its kind's shape, and what it counts at the end."""
    canvas.y += 16
    canvas.marker(kind, 6.5, canvas.y - 4.5, f"mark-{kind}")
    canvas.text(17, canvas.y, title, "strong")
    if count:
        canvas.text(17 + text_width(title) * 1.08 + 8, canvas.y, count, "small soft")
    canvas.y += 8


def columns_for(heads: Sequence[tuple[str, float]]) -> tuple[list[tuple[float, str]], float]:
    """Right ends and heads of columns of numbers at the picture's right edge, each as wide as its head or the least
    given, and how wide they are in all."""
    widths = [max(least, text_width(label, 11) + GAP) for label, least in heads]
    ends = [WIDTH - sum(widths[place + 1 :]) for place in range(len(widths))]
    return [(end, label) for end, (label, _) in zip(ends, heads, strict=True)], sum(widths)


def headers(canvas: Canvas, columns: Iterable[tuple[float, str]], y: float) -> None:
    """Right-aligned heads of the columns of numbers."""
    for x, label in columns:
        canvas.text(x, y, label, "small soft", "end")


def swatches(canvas: Canvas, entries: Iterable[tuple[str, str]]) -> None:
    """A legend in one line: a filled square and a word each."""
    x = 0.0
    canvas.y += 12
    for css, label in entries:
        canvas.rect(x, canvas.y - 9, 10, 10, css)
        canvas.text(x + 15, canvas.y, label, "small")
        x += 15 + text_width(label, 11) + 20
    canvas.y += 8


def right_of(frame: Frame, columns: float) -> Axis:
    """The axis of shares between the arm names and `columns` pixels of numbers."""
    return Axis(frame.names + GAP, WIDTH - columns - GAP)
