"""What all recipes share: where the adapter sits and how it is optimised."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from recusa.errors import TrainingError
from recusa.protocols import Ask, Example, Listener
from recusa.training.choosing import Checking
from recusa.types import Chat, Key, Message, Prompt

if TYPE_CHECKING:
    from recusa.training.objective import Objective
    from recusa.training.trainer import Trained


class Size(NamedTuple):
    """Settings for models of fewer than `below` parameters, and where they come from."""

    below: float
    r: int
    alpha: int
    learning_rate: float
    source: str

    def settings(self) -> dict[str, Any]:
        """All but the limit, by name."""
        return {name: value for name, value in self._asdict().items() if name != "below"}


SIZES = (
    Size(1e9, 16, 32, 5e-4, "own trials on SmolLM2-135M-Instruct"),
    Size(20e9, 64, 16, 2e-4, "QLoRA, Dettmers et al. 2023: 7B and 13B, all linear layers, batch 16"),
    Size(float("inf"), 64, 16, 1e-4, "QLoRA, Dettmers et al. 2023: 33B and 65B, all linear layers, batch 16"),
)


class LoRARecipe(Checking):
    """LoRA settings (Hu et al. 2022); the learning rate falls along a cosine after a short warm-up.

    A setting of None is taken from `sizes`, by the size of the model.
    """

    cosmetic: ClassVar[frozenset[str]] = frozenset({"save_every", "report_to"})
    sizes: ClassVar[tuple[Size, ...]] = SIZES
    contrasts: ClassVar[bool] = True  # whether harmless prompts are of use beside the harmful ones

    r: int | None = Field(None, ge=1, description="rank of the adapter; none: by the size of the model")
    alpha: int | None = Field(None, ge=1, description="scale of the adapter, as a multiple of 1/r; none: by size")
    targets: str | tuple[str, ...] = Field("all-linear", description="kinds of layers that get an adapter")
    layers: tuple[float, float] = Field(
        (0.0, 1.0), description="part of the depth that gets an adapter; (0.5, 1.0) is the upper half"
    )
    keep_lower: bool = Field(
        True, description="compute layers below the adapted part once and keep their states, where memory allows"
    )
    learning_rate: float | None = Field(None, gt=0, description="peak learning rate of AdamW; none: by size")
    epochs: float = Field(2, gt=0, description="passes over the rows")
    budget: int | None = Field(None, ge=1, description="tokens to train in all, in place of `epochs`: equal cost")
    batch: int = Field(16, ge=1, description="rows an optimiser step sees")
    accumulate: int = Field(4, ge=1, description="parts a batch is computed in; more parts, less memory, same outcome")
    max_tokens: int = Field(512, ge=16, description="longer rows are cut at the end of the answer")
    answer_tokens: int | None = Field(None, ge=1, description="tokens of an answer that are trained; None for all")
    checkpointing: bool = Field(False, description="compute activations twice to save memory")
    first_weight: float = Field(1.0, gt=0, description="how many times an answer's first tokens count; 1 is off")
    first_tokens: int = Field(4, ge=1, description="tokens of an answer that `first_weight` is for")
    soft_targets: int = Field(
        0,
        ge=0,
        description="learn the untrained model's answers as so many likeliest next tokens each; 0 is the one it said",
    )
    mixed: bool = Field(False, description="each batch holds the kinds of rows in proportion, not only like lengths")
    seed: int = Field(0, description="seed of the adapter's start and of the order of rows")
    save_every: int = Field(25, ge=1, description="steps between checkpoints; a killed training goes on from the last")
    report_to: tuple[str, ...] = Field((), description="trackers of transformers' Trainer, such as mlflow")

    @model_validator(mode="after")
    def whole_parts(self) -> Self:
        """A batch is computed in equal parts, or the steps would not see the rows that `batch` says."""
        if self.batch % self.accumulate:
            raise ValueError(f"`batch` ({self.batch}) must be a multiple of `accumulate` ({self.accumulate})")
        return self

    @field_validator("layers")
    @classmethod
    def in_order(cls, layers: tuple[float, float]) -> tuple[float, float]:
        """From a lower to a higher part of the depth."""
        if not 0 <= layers[0] < layers[1] <= 1:
            raise ValueError(f"must be two shares of the depth, 0 to 1, the lower first, not {layers}")
        return layers

    @abstractmethod
    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """The rows to train on; see `protocols.Recipe`."""

    def passes(self, tokens: int) -> float:
        """Passes over rows with so many trained tokens."""
        return self.budget / tokens if self.budget else self.epochs

    def identity(self) -> dict[str, Any]:
        """With the table of sizes, for a setting of None is taken from it."""
        return {**super().identity(), "sizes": [size[:-1] for size in self.sizes]}

    def size(self, parameters: float) -> Size:
        """What the adapter is for a model of so many parameters: the recipe's own settings, else those of `sizes`."""
        fitting = next((size for size in self.sizes if parameters < size.below), self.sizes[-1])
        return fitting._replace(
            r=self.r or fitting.r,
            alpha=self.alpha or fitting.alpha,
            learning_rate=self.learning_rate or fitting.learning_rate,
        )

    def adapted(self, depth: int) -> list[int]:
        """The layers of a model of `depth` layers that get an adapter, counted from 0; at least one."""
        lowest, highest = (round(share * depth) for share in self.layers)
        lowest = min(lowest, depth - 1)
        return list(range(lowest, max(highest, lowest + 1)))

    def objective(self, depth: int) -> Objective:
        """What the training lowers, for a model of `depth` layers: cross-entropy on the answers."""
        from recusa.training.objective import AnswerLoss

        return AnswerLoss()

    def train(
        self, examples: Sequence[Example], folder: Path, *, listener: Listener, stage: str, **base: Any
    ) -> Trained:
        """Train a LoRA adapter on the rows; see `trainer.train` for resumption and errors."""
        from recusa.training.trainer import train

        return train(self, examples, folder, listener=listener, stage=stage, **base)

    def write_card(self, folder: Path, **facts: Any) -> None:
        """Write the adapter's card."""
        from recusa.training.card import write_card

        write_card(folder, **facts)


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
