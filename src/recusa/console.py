"""The terminal: the only place that prints. Data goes to stdout; progress, advice and errors go to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from recusa.errors import RecusaError
from recusa.jobs.plan import Plan
from recusa.protocols import Listener

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)
QUIET_SECONDS = 10.0  # without a terminal, a line a stage at least this far apart


def say(text: str) -> None:
    """A line for the person, on stderr."""
    err.print(escape(plain(text)), soft_wrap=True)


def data(text: str) -> None:
    """A line of output, on stdout."""
    sys.stdout.write(plain(text) + "\n")


def plain(text: str) -> str:
    """Text without control characters: what a model said must not steer the terminal."""
    return "".join(
        c for c in text if c == "\n" or c == "\t" or (c.isprintable() and c not in "\u202a\u202b\u202c\u202d\u202e")
    )


def line(text: str) -> str:
    """Plain text on one line: what a file or a server said must not look like a line of ours."""
    return " ".join(plain(text).split())


def fail(error: RecusaError) -> None:
    """An error in one line, and its hint."""
    err.print(f"[bold red]error:[/] {escape(line(error.message))}", soft_wrap=True)
    if error.hint:
        err.print(f"\n[bold]hint:[/] {escape(line(error.hint))}", soft_wrap=True)


@contextmanager
def progress() -> Iterator[Listener]:
    """A listener that shows a bar a stage with rate and time left; plain lines where there is no terminal."""
    if not err.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, expand=True) as bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.tasks: dict[str, tuple[TaskID, float, int]] = {}

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        if note:
            say(f"{stage}: {note}")
            return
        if stage not in self.tasks:
            task = self.bars.add_task(escape(stage), total=total, completed=done, rate="")
            self.tasks[stage] = (task, time.monotonic(), done)
        task, start, first = self.tasks[stage]
        spent = time.monotonic() - start
        rate = f"{(done - first) / spent:.1f}/s" if spent > 0 and done > first else ""
        self.bars.update(task, completed=done, total=total, rate=rate)


class _Lines:
    def __init__(self) -> None:
        self.last: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        if note:
            say(f"{stage}: {note}")
            return
        now = time.monotonic()
        last = self.last.setdefault(stage, now)
        if last != float("inf") and (done == total or now - last >= QUIET_SECONDS):
            self.last[stage] = float("inf") if done == total else now
            say(f"{stage}: {done}/{total}")


def planned(plan: Plan) -> None:
    """What a run would do."""
    split = plan.asked.audit.split
    out.print(f"training prompts {_kinds(split.train)}; test prompts {_kinds(split.test)}")
    table = Table(box=None, pad_edge=False)
    for name in ("arm", "left", "calls", "read", "write", "train rows", "time"):
        table.add_column(name, justify="left" if name == "arm" else "right", overflow="fold")
    for arm in plan.arms:
        table.add_row(
            escape(arm.arm),
            f"{arm.left}/{arm.prompts}",
            *(f"{number:,}" for number in (arm.calls, arm.prompt_tokens, arm.answer_tokens)),
            str(arm.training_rows or ""),
            _clock(arm.seconds),
        )
    out.print(table)
    known = [arm.seconds for arm in plan.arms if arm.seconds is not None]
    out.print(f"tokens are at most; time in all {_clock(sum(known)) if known else 'unknown'}")
    for basis in dict.fromkeys(arm.basis for arm in plan.arms):
        out.print(f"time is {escape(basis)}")


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {left:02} s"


def components(rows: Sequence[tuple[str, str, str, Sequence[tuple[str, str, str]]]]) -> None:
    """Every component with its settings: group, name, sentence, then (setting, default, description)."""
    group = ""
    for its_group, name, sentence, settings in rows:
        if its_group != group:
            group = its_group
            out.print(f"\n[bold]{group}[/]")
        out.print(Padding(f"[bold]{escape(name)}[/]  {escape(line(sentence))}", (0, 0, 0, 2)))
        for setting, default, description in settings:
            about = f"{escape(setting)} = {escape(default)}  [dim]{escape(line(description))}[/]"
            out.print(Padding(about, (0, 0, 0, 6)))
