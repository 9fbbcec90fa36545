"""What all recipes share: where the adapter sits and how it is optimised."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from recusa.component import Component
from recusa.errors import TrainingError
from recusa.protocols import Example
from recusa.types import Chat, Key, Message, Prompt


class LoRARecipe(Component):
    """LoRA settings (Hu et al. 2022); the learning rate falls along a cosine after a short warm-up."""

    cosmetic: ClassVar[frozenset[str]] = frozenset({"save_every", "report_to"})

    r: int = Field(16, ge=1, description="rank of the adapter")
    alpha: int = Field(32, ge=1, description="scale of the adapter, as a multiple of 1/r")
    targets: str | tuple[str, ...] = Field("all-linear", description="layers that get an adapter")
    learning_rate: float = Field(2e-4, gt=0, description="peak learning rate of AdamW")
    epochs: float = Field(2, gt=0, description="passes over the rows")
    batch: int = Field(16, ge=1, description="rows an optimiser step sees")
    accumulate: int = Field(4, ge=1, description="parts a batch is computed in; more parts, less memory, same outcome")
    max_tokens: int = Field(512, ge=16, description="longer rows are cut at the end of the answer")
    checkpointing: bool = Field(False, description="compute activations twice to save memory")
    seed: int = Field(0, description="seed of the adapter's start and of the order of rows")
    save_every: int = Field(25, ge=1, description="steps between checkpoints; a killed training goes on from the last")
    report_to: tuple[str, ...] = Field((), description="trackers of transformers' Trainer, such as mlflow")

    @model_validator(mode="after")
    def whole_parts(self) -> Self:
        """A batch is computed in equal parts, or the steps would not see the rows that `batch` says."""
        if self.batch % self.accumulate:
            raise ValueError(f"`batch` ({self.batch}) must be a multiple of `accumulate` ({self.accumulate})")
        return self


def refusals(training: list[Prompt] | tuple[Prompt, ...]) -> list[Example]:
    """Harmful prompt -> refusal, one row a harmful prompt; raises TrainingError when one has no `chosen`."""
    harmful = [prompt for prompt in training if prompt.kind == "harmful"]
    bare = [prompt for prompt in harmful if not prompt.chosen]
    if bare:
        raise TrainingError(
            f"{len(bare)} of {len(harmful)} harmful training prompts have no refusal in `chosen`, "
            f"the first: {bare[0].text[:60]!r} ({bare[0].source})",
            "add a `chosen` column with the refusals to learn",
        )
    if not harmful:
        raise TrainingError("no harmful prompt to train on", "give harmful rows with `chosen`")
    return [Example(chat_of(prompt), prompt.chosen or "", "harmful") for prompt in harmful]


def chat_of(prompt: Prompt, system: str | None = None) -> Chat:
    """A prompt asked directly."""
    said = (Message("system", system),) if system else ()
    return Chat(Key(prompt.id), (*said, Message("user", prompt.text)), prompt=prompt)
