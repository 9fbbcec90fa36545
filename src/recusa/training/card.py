"""The model card that an adapter folder carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recusa.training.trainer import Trained


def write_card(
    folder: Path, *, base: str, origin: str, recipe: dict[str, Any], data: dict[str, str], trained: Trained
) -> None:
    """Replace PEFT's empty card by one that states base, data, recipe and seed."""
    rows = "\n".join(f"| {kind} | {count} |" for kind, count in trained.rows.items())
    settings = "\n".join(f"| `{name}` | {value} |" for name, value in recipe.items())
    sources = "\n".join(f"- {name}: {value}" for name, value in data.items())
    last = f"{trained.losses[-1][1]:.3f}" if trained.losses else "not recorded"
    folder.joinpath("README.md").write_text(
        f"""---
base_model: {base}
library_name: peft
tags: [lora, refusal, safety]
---
# Refusal adapter, recipe `{recipe["name"]}`

A LoRA adapter for `{base}` ({origin}), trained with recusa to refuse harmful prompts.

## Data
{sources}

| kind | rows |
| --- | --- |
{rows}

Trained tokens a pass: {trained.trained_tokens:,}. The loss is taken on the answer and its end, nothing else.

## Recipe
| setting | value |
| --- | --- |
{settings}

{trained.steps} optimiser steps; last loss {last}.

## What it is not
Trained refusals can be undone by more training and got round by attacks, and a model that refuses harm may refuse
harmless prompts too. Measure both with `recusa run` before use. One row as it was trained, with the loss
between the brackets:

```text
{trained.example.replace("```", "'''")}
```
""",
        encoding="utf-8",
    )
