"""The terminal: the only place that prints. Data goes to stdout; progress, advice and errors go to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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
from recusa.results import Comparison, Rate, Results

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


def summary(results: Results, folder: Path) -> None:
    """What a run found, in at most 80 columns."""
    table = Table(title=f"refused, by judge `{results.primary_judge}`", title_justify="left", box=None, pad_edge=False)
    table.add_column("arm", overflow="fold")
    for kind in results.kinds:
        table.add_column(kind, justify="right", no_wrap=True)
    rates = {(r.arm, r.kind): r for r in results.rates if _main(r, results)}
    changes = {(c.arm, c.kind): c for c in results.comparisons if _main(c, results)}
    for arm in results.arms:
        table.add_row(
            escape(arm),
            *(_cell(rates.get((arm, kind)), changes.get((arm, kind)), results.alpha) for kind in results.kinds),
        )
    out.print(table)
    level = f"{1 - results.alpha:.0%}"
    out.print(f"* differs from {escape(results.baseline)} (McNemar mid-p, Holm, {level})")
    _attacked(results)
    for warning in results.warnings:
        out.print(f"[yellow]note:[/] {escape(plain(warning))}", soft_wrap=True)
    out.print(f"report  {escape(str(folder / 'report.html'))}", soft_wrap=True)
    out.print(f"digest  {results.digest}", soft_wrap=True)


def _attacked(results: Results) -> None:
    """Harmful prompts answered, a column for each way of asking; nothing where there is one only."""
    found = {
        (r.arm, r.attack): r
        for r in results.rates
        if (r.judge, r.language, r.kind) == (results.primary_judge, "all", "harmful")
    }
    attacks = list(dict.fromkeys(attack for _, attack in found))
    if len(attacks) < 2:
        return
    table = Table(title="harmful prompts answered, by attack", title_justify="left", box=None, pad_edge=False)
    table.add_column("arm", overflow="fold")
    for attack in attacks:
        table.add_column(escape(attack), justify="right", overflow="fold")
    for arm in results.arms:
        rates = [found.get((arm, attack)) for attack in attacks]
        table.add_row(
            escape(arm),
            *(f"{r.answered / r.n:.0%} ({r.answered}/{r.n})" if r is not None and r.n else "-" for r in rates),
        )
    out.print(table)


def _main(row: Rate | Comparison, results: Results) -> bool:
    attacks = [rate.attack for rate in results.rates]
    shown = "direct" if "direct" in attacks else attacks[0]
    return row.judge == results.primary_judge and row.language == "all" and row.attack == shown


def _cell(rate: Rate | None, change: Comparison | None, alpha: float) -> str:
    if rate is None or rate.rate is None:
        return "-"
    star = "*" if change is not None and change.is_real(alpha) else " "
    return f"{rate.rate:.0%} ({rate.refused}/{rate.n}){star}"


def compared(rates: Sequence[Rate], comparisons: Sequence[Comparison]) -> None:
    """Two answer files side by side, then their differences."""
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("file", "left"),
        ("kind", "left"),
        ("refused", "right"),
        ("interval", "right"),
        ("unclear", "right"),
        ("failed", "right"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for r in rates:
        if r.language == "all" and r.rate is not None and r.low is not None and r.high is not None:
            table.add_row(
                escape(line(r.arm)),
                r.kind,
                f"{r.rate:.1%} ({r.refused}/{r.n})",
                f"{r.low:.1%} to {r.high:.1%}",
                str(r.unclear),
                str(r.failed),
            )
    out.print(table)
    out.print(
        f"judge {escape(line(rates[0].judge))}; intervals: Wilson, Newcombe; p: McNemar mid-p, Holm" if rates else ""
    )
    for c in comparisons:
        if (
            c.language == "all"
            and c.difference is not None
            and c.low is not None
            and c.high is not None
            and c.p_holm is not None
        ):
            out.print(
                f"{c.kind}: {c.difference * 100:+.1f} points ({c.low * 100:+.1f} to {c.high * 100:+.1f}), n = {c.n}, "
                f"{len(c.gained)} gained, {len(c.lost)} lost, p (Holm) = {c.p_holm:.3g}",
                soft_wrap=True,
            )


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
