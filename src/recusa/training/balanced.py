"""`balanced`: refusals mixed with harmless prompts, borderline twins among them, answered by the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from recusa.protocols import Ask, Example
from recusa.training.lora import LoRARecipe, chat_of, refusals
from recusa.types import Prompt


class Balanced(LoRARecipe):
    """Harmful prompt -> refusal, harmless prompt -> what the untrained model says (or the row's own `response`).

    Learning one's own answers keeps the model where it was (self-distillation); twins that share words with harm teach
    where the line is (after Bianchi et al. 2024, Safety-Tuned LLaMAs, and Röttger et al. 2024, XSTest).
    """

    name: ClassVar[str] = "balanced"

    own_tokens: int = Field(
        128, ge=0, description="tokens of the model's own answers; 0 leaves rows without `response` out"
    )

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """The refusals, then the harmless rows."""
        harmless = [prompt for prompt in training if prompt.kind != "harmful"]
        given = [Example(chat_of(p), p.response, p.kind) for p in harmless if p.response]
        missing = [prompt for prompt in harmless if not prompt.response]
        return [
            *refusals(tuple(training)),
            *given,
            *(ask(missing, self.own_tokens) if self.own_tokens and missing else []),
        ]
