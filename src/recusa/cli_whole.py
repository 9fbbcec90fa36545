"""The command that asks whether a tuned model stayed whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_commands(app: typer.Typer) -> None:
    """Give the application this command."""
    app.command()(whole)


def whole(
    adapter: Annotated[str, typer.Option(help="Adapter folder to compare with its base.")],
    model: Annotated[str, typer.Option(help="The base: embedded name, local folder or hub id.")] = "smollm2-135m",
    prompts: Annotated[
        Path | None, typer.Option(help="Benign prompts; without them, the built-in ones that training leaves alone.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="Languages of the built-in prompts; default en.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Benign prompts at most.")] = 64,
    items: Annotated[int | None, typer.Option(min=0, help="Exact-answer items of each language; default all.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens an answer may have.")] = 64,
    task: Annotated[list[str] | None, typer.Option(help="lm-eval task to run too; may be given several times.")] = None,
    task_limit: Annotated[int | None, typer.Option(min=1, help="Documents of each lm-eval task.")] = None,
    task_folder: Annotated[Path | None, typer.Option(help="Folder of lm-eval task files of your own.")] = None,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("whole.json"),
    workspace: Annotated[Path, typer.Option(help="Folder of the store and the adapters.")] = Path(".recusa"),
) -> None:
    """Compare an adapter with its base: exact answers, drift, length, broken output.

    Example: recusa whole --model smollm2-135m --adapter adapters/balanced --out whole.json
    """
    from recusa import api, console, console_whole
    from recusa.types import Sampling
    from recusa.wholeness import WholeSettings

    settings = WholeSettings(
        limit=limit, items=items, tasks=tuple(task or ()), task_limit=task_limit, task_folder=task_folder
    )
    with console.progress() as listener:
        found = api.whole(
            adapter, engine={"name": "hf", "model": model}, prompts=prompts, languages=language or ("en",),
            sampling=Sampling(max_new_tokens=max_new_tokens), settings=settings, out=out, workspace=workspace,
            listener=listener,
        )  # fmt: skip
    console_whole.told(found)
    console.say(f"written to {out}")
