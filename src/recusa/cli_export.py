"""The command that makes one model of a base and its adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recusa.errors import ConfigError


def add_commands(app: typer.Typer) -> None:
    """Give the application this command."""
    app.command()(export)


def export(
    adapter: Annotated[Path, typer.Option(help="Adapter folder to merge.")],
    out: Annotated[Path, typer.Option(help="Folder of the merged model.")],
    model: Annotated[str, typer.Option(help="The base: embedded name, local folder or hub id.")] = "smollm2-135m",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16; bfloat16 rounds the weights.")] = "float32",
    prompts: Annotated[Path | None, typer.Option(help="Prompts to compare on; default built-in ones.")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Prompts to compare on at most.")] = 24,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens an answer may have.")] = 64,
    results: Annotated[Path | None, typer.Option(help="Folder of a run, whose figures go on the card.")] = None,
) -> None:
    """Merge an adapter into its base; fails where the merged model answers otherwise.

    Example: recusa export --model smollm2-135m --adapter adapters/balanced --out models/balanced
    """
    from recusa import api, console

    if dtype not in ("float32", "bfloat16"):
        raise ConfigError(f"--dtype {dtype}: a model is exported in float32 or bfloat16", "leave it out for float32")
    with console.progress() as listener:
        found = api.export(
            adapter, out, model=model, dtype=dtype, prompts=prompts, sample=sample, tokens=max_new_tokens,  # type: ignore[arg-type]
            results=results, listener=listener,
        )  # fmt: skip
    console.say(f"{found.n - found.differ} of {found.n} answers equal the adapter's, token for token; written to {out}")
