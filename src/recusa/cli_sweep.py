"""The command that compares many arms on one budget: sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recusa.cli_report import Language


def add_commands(app: typer.Typer) -> None:
    """Give the application this command."""
    app.command()(sweep)


def sweep(
    experiment: Annotated[Path, typer.Argument(help="Experiment file (TOML) with a baseline and arms to try.")],
    out: Annotated[Path | None, typer.Option(help="Folder of results and pictures; default runs/NAME.")] = None,
    workspace: Annotated[Path, typer.Option(help="Folder of the store and the adapters.")] = Path(".recusa"),
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most N prompts of each kind, in training and in test.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print calls, tokens and expected time per arm; do nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Train and ask again what failed, arms and rows.")
    ] = False,
    language: Language = "en",
) -> None:
    """Train and ask many arms, draw the frontier, and name the arm to take; run again, it goes on where it stopped.

    Example: recusa sweep experiments/sweep-embedded.toml
    """
    from recusa import api, console, console_sweep
    from recusa.config import load_experiment
    from recusa.jobs.sweep import adapters_of, as_sweep

    asked = as_sweep(load_experiment(experiment))
    if limit is not None:
        asked = asked.model_copy(update={"limit": limit})
    if dry_run:
        from recusa.jobs.plan import plan

        console.planned(plan(asked, workspace))
        return
    folder = out or Path("runs") / asked.name
    with console.progress() as listener:
        results = api.sweep(
            asked, out=folder, workspace=workspace, retry_failed=retry_failed, language=language, listener=listener
        )
    assert results.frontier is not None  # api.sweep raises where there is none
    found = adapters_of(results).get(results.frontier.recommended or "", "")
    console_sweep.swept(results.frontier, folder, str(workspace / found) if found.startswith("adapters/") else found)
