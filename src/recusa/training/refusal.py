"""`refusal`: the seed experiment's recipe: harmful prompt -> refusal, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from recusa.protocols import Ask, Example
from recusa.training.lora import LoRARecipe, refusals
from recusa.types import Prompt


class Refusal(LoRARecipe):
    """Supervised fine-tuning on refusals alone; expect it to refuse harmless prompts too."""

    name: ClassVar[str] = "refusal"
    contrasts: ClassVar[bool] = False

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """The refusals."""
        return refusals(tuple(training))
