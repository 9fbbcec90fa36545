"""`reroute`: inside the model, compliance with harm is made to look like nothing it knows; harmless answers stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from recusa.errors import TrainingError
from recusa.protocols import Ask, Example, Listener
from recusa.training.balanced import Balanced
from recusa.training.lora import SIZES, Size, chat_of
from recusa.types import Prompt

if TYPE_CHECKING:
    from recusa.training.objective import Objective
    from recusa.training.trainer import Trained

PAPER = "Zou et al. 2024, circuit breakers: Mistral-7B and Llama-3-8B, 150 steps of 16"


class Reroute(Balanced):
    """Representation rerouting (Zou et al. 2024, circuit breakers), and a refusal to say instead.

    The hidden states of the model's own compliant answers to harmful prompts are pushed away from what they were, those
    of harmless answers are held. Rerouting alone leaves a model that babbles where it complied; `refuse` has it learn
    the refusals as well. Layers are given as shares of the depth: 10, 20 and 0 to 20 of 32 in the paper.
    """

    name: ClassVar[str] = "reroute"
    sizes: ClassVar[tuple[Size, ...]] = (SIZES[0], Size(float("inf"), 16, 16, 1e-4, PAPER))

    layers: tuple[float, float] = Field((0.0, 21 / 32), description="part of the depth that gets an adapter")
    reroute_at: tuple[float, ...] = Field(
        (10 / 32, 20 / 32), min_length=1, description="depths whose states are pushed away on compliance with harm"
    )
    coefficient: float = Field(5.0, gt=0, description="weight of pushing and holding together; 5 is for Mistral")
    refuse: float = Field(1.0, ge=0, description="weight of learning the refusals; 0 holds them as they are")
    compliant_tokens: int = Field(128, ge=1, description="tokens of the model's own answers to harmful prompts")

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """Refusals to learn or hold, harmless rows to hold, and compliance to push away from: own, else `rejected`."""
        rows = super().examples(training, ask)
        harmful = [prompt for prompt in training if prompt.kind == "harmful"]
        own = ask(harmful, self.compliant_tokens)
        known = {row.chat.key.prompt_id for row in own}
        given = [Example(chat_of(p), p.rejected, "harmful") for p in harmful if p.rejected and p.id not in known]
        return [
            *(replace(row, role="learn" if row.kind == "harmful" and self.refuse else "keep") for row in rows),
            *(replace(row, role="avoid") for row in (*own, *given)),
        ]

    def train(
        self, examples: Sequence[Example], folder: Path, *, listener: Listener, stage: str, **base: Any
    ) -> Trained:
        """Train a LoRA adapter; raises TrainingError when nothing complies, so that there is nothing to reroute."""
        if not any(row.role == "avoid" for row in examples):
            raise TrainingError(
                "the model complies with no harmful training prompt, so there is nothing to reroute",
                "give harmful rows with compliant answers in a `rejected` column, or use the recipe `recovery`",
            )
        return super().train(examples, folder, listener=listener, stage=stage, **base)

    def objective(self, depth: int) -> Objective:
        """Pushing and holding states, and the refusals' cross-entropy."""
        from recusa.training.objective import RerouteLoss

        places = sorted({min(depth, max(1, round(share * depth))) for share in self.reroute_at})
        return RerouteLoss(tuple(places), self.coefficient, self.refuse)
