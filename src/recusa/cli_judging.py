"""The commands about judges: judge, calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

JudgeName = Annotated[str, typer.Option(help="Who judges; see `recusa list`.")]


def add_commands(app: typer.Typer) -> None:
    """Give the application these commands."""
    for command in (judge, calibrate):
        app.command()(command)


def judge(
    answers: Annotated[Path, typer.Option(help="Answer file with `response`, and `prompt` where there is one.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    judge: JudgeName = "expressions",
) -> None:
    """Say of every answer whether it refuses.

    Example: recusa judge --judge expressions --answers answers.jsonl --out verdicts.jsonl
    """
    from recusa import api, console

    with console.progress() as listener:
        counts = api.judge(answers, out, judge=judge, listener=listener)
    console.say(f"{counted(counts)}; written to {out}")


def calibrate(
    labels: Annotated[list[Path], typer.Option(help="Answers with a person's `label`; may be given several times.")],
    judge: JudgeName = "expressions",
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
) -> None:
    """Measure how far a judge agrees with people's labels, per model, language and kind.

    Example: recusa calibrate --judge expressions --labels labels.jsonl --out calibration.json
    """
    from recusa import api, console, console_tables

    with console.progress() as listener:
        found = api.calibrate(labels, out, judge=judge, listener=listener)
    console_tables.calibrated(found)
    console.say(f"written to {out}")


def counted(counts: Any) -> str:
    """Counts by name in one line."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
