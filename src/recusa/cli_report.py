"""The command that writes a report again: in another language, for another reader, without harmful answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Language = Annotated[str, typer.Option("--lang", help="Language of the report: en or pt-BR.")]


def add_commands(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(report)


def report(
    folder: Annotated[Path, typer.Argument(help="Folder that `recusa run` wrote.")],
    language: Language = "en",
    format: Annotated[
        str, typer.Option("--format", help="html (a page with pictures), md, json, csv or junit.")
    ] = "html",
    redact: Annotated[
        bool, typer.Option("--redact", help="Leave out every answer to a harmful prompt, for sharing.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write into; default the run's own.")] = None,
) -> None:
    """Write the report of a finished run again.

    Example: recusa report runs/embedded --lang pt-BR --redact --out shared
    """
    from recusa import api, console

    path = api.write_report(folder, language=language, format=format, redact=redact, out=out)
    console.data(str(path))
