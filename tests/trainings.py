"""Short trainings of the tiny model, for the tests of what trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recusa.protocols import Example
from recusa.training.lora import LoRARecipe, chat_of
from recusa.training.refusal import Refusal
from recusa.types import Prompt

if TYPE_CHECKING:
    from recusa.training.trainer import Trained


class Killed(Exception):
    """Stands in for a kill."""


def rows(count: int = 12) -> list[Example]:
    """Harmless rows that stand in for refusals, of four lengths."""
    return [
        Example(
            chat_of(Prompt(f"Question {n}: how do I {'bake bread ' * (n % 4 + 1)}?", "harmful")),
            f"No, not {n}.",
            "harmful",
        )
        for n in range(count)
    ]


def quiet(stage: str, done: int, total: int, note: str = "") -> None:
    """A listener that hears nothing."""


def fit(
    tiny: Path,
    folder: Path,
    recipe: LoRARecipe | None = None,
    listener: Any = quiet,
    examples: Sequence[Example] | None = None,
    **settings: Any,
) -> Trained:
    """Train on the CPU in float32, on `rows` unless there are others."""
    from recusa.training.trainer import train

    return train(
        recipe or Refusal(epochs=2, batch=4, r=4, save_every=2),
        examples or rows(),
        folder,
        model=str(tiny),
        listener=listener,
        stage="train",
        device="cpu",
        dtype="float32",
        **settings,
    )
