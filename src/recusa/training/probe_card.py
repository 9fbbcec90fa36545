"""The card that a steering folder carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recusa.models.steering import Point, load_steering
from recusa.training.trainer import Trained


def write_card(
    folder: Path, *, base: str, origin: str, recipe: dict[str, Any], data: dict[str, str], trained: Trained
) -> None:
    """Write what the folder is, what it was fitted on, and what its dial trades."""
    steering = load_steering(folder)
    rows = "\n".join(f"| {kind} | {count} |" for kind, count in trained.rows.items())
    settings = "\n".join(f"| `{name}` | {value} |" for name, value in recipe.items())
    sources = "\n".join(f"- {name}: {value}" for name, value in data.items())
    read = ", ".join(f"block {one.block} ({one.where})" for one in steering.readings)
    curve = "\n".join(_line(point, steering.dial) for point in steering.curve)
    folder.joinpath("README.md").write_text(
        f"""---
base_model: {base}
library_name: recusa
tags: [refusal, safety, probe, steering]
---
# Steering probe

A linear probe on the hidden states of `{base}` ({origin}). Where it says harm at the end of a prompt, the answer
begins with a refusal; everything else is answered as the base answers it, token for token. No weight changes: this is
no PEFT adapter and cannot be merged. It works with the weights it was made for and no others: digest
`{steering.base}`.

States read: {read}. Ridge penalty {steering.penalty:g}, chosen by cross-validation.

## The dial
`dial` is the share of ordinary training prompts that may be refused; this folder stands at **{steering.dial:g}**.
Shares of the training prompts refused, each scored by a probe that had not seen its category or group:

| dial | harmful | benign | borderline |
| --- | --- | --- | --- |
{curve}

## Data
{sources}

| kind | prompts |
| --- | --- |
{rows}

{trained.trained_tokens:,} tokens were read once. The first prompt as it was read:

```text
{trained.example.replace("```", "'''")}
```

## Recipe
| setting | value |
| --- | --- |
{settings}

## What it is not
Who has the weights can leave the probe out. It looks at the end of the question once: what the answer becomes later it
does not see. Prompts unlike the training prompts, other languages above all, are scored with less certainty. Measure
both kinds of error with `recusa run` before use.
""",
        encoding="utf-8",
    )


def _line(point: Point, dial: float) -> str:
    shares = (point.harmful, point.benign, point.borderline)
    cells = ["-" if share is None else f"{share:.1%}" for share in shares]
    mark = "**" if point.dial == dial else ""
    return f"| {mark}{point.dial:g}{mark} | {' | '.join(cells)} |"
