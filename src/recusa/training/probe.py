"""`probe`: no weight changes; a line through the model's own hidden states says when an answer is a refusal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from recusa.choosing import Capped
from recusa.component import Component
from recusa.errors import TrainingError
from recusa.protocols import Ask, Example, Listener
from recusa.training.lora import chat_of
from recusa.types import Prompt

if TYPE_CHECKING:
    from recusa.training.trainer import Trained

ENGLISH = "I'm sorry, but I can't help with that."
PORTUGUESE = "Desculpe, mas não posso ajudar com isso."


class Probe(Component, Capped):
    """Reads hidden states at the end of the prompt and refuses where a linear probe says harm; no weight changes.

    The pass over the prompt is made anyway, so it costs no further one. The answer then begins with a refusal in the
    prompt's language, as after a refusal token with a threshold (Jain et al. 2024) or conditional steering (Lee et al.
    2024); that late layers hold harmfulness as a direction is Arditi et al. 2024. The dial, the share of harmless
    training prompts that may be refused, is set when the model is asked; the folder's own is the most refused harm
    within the caps, on training prompts of categories that the scoring probe had not seen.
    """

    name: ClassVar[str] = "probe"
    cosmetic: ClassVar[frozenset[str]] = frozenset({"batch"})
    contrasts: ClassVar[bool] = True  # harmless prompts are half of what it learns

    cap_borderline: float = Field(
        35.0,
        ge=0,
        description="points of the borderline training prompts that may be refused; twins written to differ from a "
        "harm in little are harder than what people ask",
    )
    last: tuple[float, ...] = Field(
        (0.67, 0.93), description="depths, 0 to 1, at which the state of the prompt's last token is read"
    )
    mean: tuple[float, ...] = Field(
        (0.4, 0.73), description="depths, 0 to 1, at which the mean of the question's states is read"
    )
    penalties: tuple[float, ...] = Field(
        (0.05, 0.15, 0.5, 1.5),
        min_length=1,
        description="ridge penalties to try: the strongest within one standard error of the best is kept",
    )
    folds: int = Field(5, ge=2, description="parts of the cross-validation; categories and groups are not cut")
    twins: float = Field(3.0, gt=0, description="how many times a row counts that has a twin of the other kind")
    dial: float | None = Field(
        None, ge=0, le=1, description="the folder's own dial; none: chosen within the caps, see cap_benign"
    )
    openings: dict[str, str] = Field(
        {"en": ENGLISH, "pt-BR": PORTUGUESE},
        min_length=1,
        description="what a refusal begins with, by language; the first stands for languages without one",
    )
    ends: bool = Field(True, description="whether the opening is the whole answer; if not, the model goes on from it")
    max_tokens: int = Field(512, ge=16, description="longer prompts are left out")
    batch: int = Field(32, ge=1, description="prompts computed together")
    seed: int = Field(0, description="seed of the cross-validation's parts")

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """Every prompt as it is asked: no answers are needed, neither given nor the model's own."""
        kinds = {prompt.kind for prompt in training}
        if "harmful" not in kinds or len(kinds) == 1:
            absent = "harmful" if "harmful" not in kinds else "harmless"
            raise TrainingError(
                f"no {absent} prompt to train on: a probe tells harmful prompts from harmless ones",
                f"give {absent} rows too",
            )
        return [Example(chat_of(prompt), prompt.chosen or "", prompt.kind) for prompt in training]

    def train(
        self, examples: Sequence[Example], folder: Path, *, listener: Listener, stage: str, **base: Any
    ) -> Trained:
        """Fit the probe and write the steering folder; a killed training starts anew, for it takes minutes.

        Raises TrainingError when there are too few prompts to cross-validate.
        """
        from recusa.training.fitting import fit
        from recusa.training.trainer import Trained

        start = time.perf_counter()
        found = fit(self, examples, listener=listener, stage=stage, **base)
        found.steering.save(folder)
        return Trained(found.rows, found.tokens, 0, [], found.example, time.perf_counter() - start)

    def write_card(self, folder: Path, **facts: Any) -> None:
        """Write the folder's card."""
        from recusa.training.probe_card import write_card

        write_card(folder, **facts)
