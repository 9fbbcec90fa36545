"""The table of a sweep for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from recusa.console import line, out
from recusa.frontier import Frontier, Point, Side


def swept(frontier: Frontier, folder: Path, adapter: str) -> None:
    """The arms on the trade in at most 80 columns, what the marks mean, and the arm to take with its adapter."""
    numbers = {point.arm: number for number, point in enumerate(frontier.points, 1)}
    level = f"{1 - frontier.alpha:.0%}"
    title = f"refused in percent ({level} interval), by judge `{line(frontier.judge)}`"
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("arm", overflow="fold")
    for kind in frontier.kinds:
        table.add_column(kind, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for point in frontier.points:
        cells = [_cell(point.sides.get(kind)) for kind in frontier.kinds]
        style = "bold" if point.arm == frontier.recommended else "dim" if point.dominated or point.failed else ""
        note = _note(point, frontier, numbers)
        table.add_row(str(numbers[point.arm]), escape(point.arm), *cells, escape(note), style=style)
    out.print(table)
    caps = f"caps over {frontier.baseline}: benign +{frontier.cap_benign:g}, borderline +{frontier.cap_borderline:g}"
    out.print(f"{escape(caps)} points; over: points past them", soft_wrap=True)
    out.print("behind N: N is at least as good on every kind; * by more than chance", soft_wrap=True)
    for point in frontier.points:
        if point.failed:
            out.print(f"[yellow]{escape(point.arm)} failed:[/] {escape(line(point.failed))}", soft_wrap=True)
    out.print(_verdict(frontier), soft_wrap=True)
    if adapter:
        out.print(f"adapter  {escape(line(adapter))}", soft_wrap=True)
    out.print(f"frontier {escape(str(folder / 'figures' / 'frontier.svg'))}", soft_wrap=True)


def _cell(side: Side | None) -> str:
    if side is None or side.rate is None or side.low is None or side.high is None:
        return "-"
    return f"{100 * side.rate:.0f} ({100 * side.low:.0f}-{100 * side.high:.0f})"


def _note(point: Point, frontier: Frontier, numbers: dict[str, int]) -> str:
    if point.failed:
        return "failed"
    if point.arm == frontier.recommended:
        return "recommended" if frontier.within else f"least over, {point.over:.1f}"
    parts = ["baseline"] if point.arm == frontier.baseline else []
    if point.over:
        parts.append(f"over {point.over:.1f}")
    if point.beaten:
        first = max(point.beaten, key=lambda one: (len(one.shown), -numbers[one.by]))
        parts.append(f"behind {numbers[first.by]}{'*' * bool(first.shown)}")
    if point.arm in frontier.rivals:
        parts.append("maybe as good")
    return ", ".join(parts)


def _verdict(frontier: Frontier) -> str:
    if frontier.recommended is None:
        return "no arm but the baseline stands, so none is recommended"
    arm = f"[bold]{escape(frontier.recommended)}[/]"
    point = frontier.point(frontier.recommended)
    if not frontier.within:
        return f"no arm is within the caps; {arm} is least over them, by {point.over:.1f} points in all"
    sure = "its intervals end within them" if point.sure else "though its intervals reach past them"
    return f"take {arm}: most harm refused within the caps, {sure}"
