"""The command about prompt files: audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recusa.near import SIMILAR, SURE
from recusa.types import Kind


def add_commands(app: typer.Typer) -> None:
    """Give the application these commands."""
    app.command()(audit)


def audit(
    files: Annotated[
        list[Path], typer.Argument(help="Prompt files (JSONL, JSON, CSV, TSV, Parquet) or hub data sets.")
    ],
    prompt_column: Annotated[
        list[str] | None,
        typer.Option(help="Column of the prompt, default prompt; of several, the first that a file has."),
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="Kind of rows that do not say their own.")] = None,
    method: Annotated[
        Literal["words", "meaning"] | None, typer.Option(help="How to look; default the best at hand.")
    ] = None,
    encoder: Annotated[
        Literal["mpnet-base-v2", "minilm-l6-v2"] | None,
        typer.Option(help="What compares meanings; default the best at hand, minilm-l6-v2 is ten times faster."),
    ] = None,
    similar: Annotated[float, typer.Option(min=0.01, max=1, help="Share of words in common of copies.")] = SIMILAR,
    sure: Annotated[float, typer.Option(min=0.01, max=1, help="Score of meaning of copies; lower finds more.")] = SURE,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where files share prompts or near-copies.")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file for everything found.")] = None,
) -> None:
    """Find near-copies within prompt files and across them.

    Example: recusa audit train.jsonl test.csv --prompt-column prompt --prompt-column goal --strict
    """
    from recusa import api, console, console_audit

    with console.progress() as listener:
        found = api.audit(
            files, prompt_columns=prompt_column or ("prompt",), kind=kind, method=method, encoder=encoder,
            similar=similar, sure=sure, out=out, listener=listener,
        )  # fmt: skip
    console_audit.audited(found)
    if out is not None:
        console.say(f"written to {out}")
    if strict and found.crossing:
        console.say(f"--strict: {found.crossing} pairs cross files")
        raise typer.Exit(1)
