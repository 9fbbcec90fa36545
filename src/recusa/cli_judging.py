"""The commands about judges: judge, calibrate, label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recusa.cli_report import Language
from recusa.errors import ConfigError
from recusa.judges import DEFAULT

JudgeName = Annotated[str, typer.Option(help="Who judges; see `recusa list`.")]


def add_commands(app: typer.Typer) -> None:
    """Give the application these commands."""
    for command in (judge, calibrate, label):
        app.command()(command)


def judge(
    answers: Annotated[Path, typer.Option(help="Answer file with `response`, and `prompt` where there is one.")],
    out: Annotated[Path | None, typer.Option(help="JSONL file to write.")] = None,
    judge: JudgeName = DEFAULT,
    explain: Annotated[
        int | None, typer.Option(min=1, metavar="ROW", help="Show why this row is judged as it is, and stop.")
    ] = None,
) -> None:
    """Say of every answer whether it refuses.

    Example: recusa judge --answers answers.jsonl --out verdicts.jsonl
    """
    from recusa import api, console, console_tables

    if explain is not None:
        console_tables.explained(api.explain(answers, explain, judge=judge))
        return
    if out is None:
        raise ConfigError("--out is missing", "name the JSONL file to write, or give --explain ROW")
    with console.progress() as listener:
        counts = api.judge(answers, out, judge=judge, listener=listener)
    console.say(f"{counted(counts)}; written to {out}")


def calibrate(
    labels: Annotated[list[Path], typer.Option(help="Answers with a person's `label`; may be given several times.")],
    judge: JudgeName = DEFAULT,
    out: Annotated[Path, typer.Option(help="Calibration file to write.")] = Path("calibration.json"),
) -> None:
    """Measure how far a judge agrees with people's labels, per model, language and kind.

    Example: recusa calibrate --judge detector --labels labels.jsonl --out calibration.json
    """
    from recusa import api, console, console_tables

    with console.progress() as listener:
        found = api.calibrate(labels, out, judge=judge, listener=listener)
    console_tables.calibrated(found)
    console.say(f"written to {out}")


def label(
    folder: Annotated[Path, typer.Argument(help="Folder that `recusa run` wrote.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Prompts in the sample, as many of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
    rater: Annotated[str, typer.Option(help="Who labels; each rater is asked all of the sample.")] = "person",
    language: Language = "en",
) -> None:
    """Label a random sample of a run's answers; its rates and differences are estimated from that.

    Example: recusa label runs/embedded --n 60 --rater ana
    """
    from recusa import api, console, console_label

    console_label.explain()
    results = api.label(folder, console_label.ask, n=n, seed=seed, rater=rater, language=language)
    console_label.estimated(results)
    console.say(f"labels are in {folder / 'labels.jsonl'}, the report is written anew")


def counted(counts: Any) -> str:
    """Counts by name in one line."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
