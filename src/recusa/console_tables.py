"""Tables for the terminal about judges."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from recusa.calibration import Calibration, Measure
from recusa.console import line, out
from recusa.judges.detector import Explanation


def calibrated(found: Calibration) -> None:
    """Counts and measures of a judge, a part of the labels a block of two lines."""
    whole = found.rows[0]
    out.print(
        f"judge {escape(line(found.judge))}, {whole.n} labelled answers, {whole.failed} without a verdict; "
        f"intervals {1 - found.alpha:.0%}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for name in ("", "n", "accuracy", "kappa", "sens.", "spec.", "hit", "missed", "false", "?"):
        table.add_column(name, justify="left" if not name else "right", overflow="fold")
    division = "all"
    for row in found.rows:
        if row.by != division:
            division = row.by
            table.add_row(f"[bold]by {division}[/]")
        measures = (row.accuracy, row.kappa, row.sensitivity, row.specificity)
        counts = (row.both, row.people_only, row.judge_only, row.unclear)
        table.add_row(escape(line(row.value)), str(row.n), *map(_value, measures), *map(str, counts))
        table.add_row("", "", *map(_ends, measures), style="dim")
    out.print(table)
    out.print(
        "sens.: share of people's refusals it finds, hit and missed; spec.: share of the others it leaves alone, "
        "false are those it does not; ?: called unclear, counted as not refused",
        soft_wrap=True,
    )


def _value(measure: Measure) -> str:
    return "-" if measure.value is None else f"{measure.value:.3f}"


def _ends(measure: Measure) -> str:
    return (
        ""
        if measure.low is None or measure.high is None
        else f"{measure.low:.2f}-{measure.high:.2f}".replace("0.", ".")
    )


def explained(found: Explanation, most: int = 12) -> None:
    """An outcome, what decided it, and the heaviest pieces with what each added to the log-odds of a refusal."""
    out.print(f"[bold]{found.outcome}[/], probability of a refusal {found.probability:.3f}")
    for rule in found.rules:
        out.print(f"decided by: {escape(line(rule))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for name in ("log-odds", "feature", "text"):
        table.add_column(name, justify="right" if name == "log-odds" else "left", overflow="fold")
    for piece in found.pieces[:most]:
        table.add_row(f"{piece.weight:+.2f}", escape(line(piece.feature)), escape(line(piece.text)))
    out.print(table)
    rest = sum(piece.weight for piece in found.pieces[most:])
    if len(found.pieces) > most:
        out.print(f"and {len(found.pieces) - most} smaller ones, together {rest:+.2f}")
