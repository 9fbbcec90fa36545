"""The training: LoRA through transformers' Trainer, with the objective of a recipe and checkpoints that count."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from recusa.errors import TrainingError
from recusa.models.causal import Loaded, load_causal
from recusa.models.machine import Device, Dtype
from recusa.models.memory import SHARE, free_memory
from recusa.models.weights import quiet_transformers
from recusa.protocols import Example, Listener
from recusa.training.checks import FOLDER as CHECKS
from recusa.training.checks import Keeper
from recusa.training.choosing import Asking
from recusa.training.distillation import soften
from recusa.training.lean import LeanAnswerLoss, fits
from recusa.training.lora import LoRARecipe, Size
from recusa.training.objective import AnswerLoss, Objective
from recusa.training.placing import depth_of, with_lora
from recusa.training.rows import ByLength, Collator, counts, encode

WHOLE = "whole"  # a file that marks a checkpoint as complete
DRAFT = "adapter.part"  # a folder that holds an adapter while it is written
# transformers renamed the argument within version 5
_CHECKPOINTING = next(
    n for n in ("activation_checkpointing", "gradient_checkpointing") if hasattr(TrainingArguments, n)
)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left behind besides the adapter; `losses` are (step, mean loss since the last).

    `choosing` is how the kept checkpoint was chosen, as JSON; None when the last was kept unseen. `adapter` holds what
    the adapter came to be where the recipe left it to the model's size: rank, scale, learning rate, source, layers.
    """

    rows: dict[str, int]
    trained_tokens: int
    steps: int
    losses: list[tuple[int, float]]
    example: str
    seconds: float
    choosing: dict[str, Any] | None = None
    adapter: dict[str, Any] | None = None


class StepTrainer(Trainer):
    """Takes the loss of the recipe's objective, in an order of rows that a resumed training repeats."""

    loss_is_scaled_for_ga = True  # an objective divides by the whole optimiser step, whatever the model takes

    def __init__(self, objective: Objective, strata: Sequence[str], **given: Any) -> None:
        super().__init__(**given)
        self.objective: Objective = objective
        self.strata: Sequence[str] = strata

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        lengths = [len(row["input_ids"]) for row in self.train_dataset]  # type: ignore[union-attr]
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return ByLength(lengths, batch, seed, self.strata)

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> Any:
        """The parts of an optimiser step, each told how much the whole step trains."""
        parts, tokens = super().get_batch_samples(epoch_iterator, num_batches, device)
        whole = sum(counts(part) for part in parts)
        for part in parts:
            part["counts"] = whole
        return parts, tokens

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The objective's loss of one part."""
        loss = self.objective.loss(model, inputs, self.state.global_step / max(1, self.state.max_steps))
        return (loss, None) if return_outputs else loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step = self.state.global_step
        with written(Path(str(self.args.output_dir)) / f"checkpoint-{step}", f"the checkpoint at step {step}"):
            super()._save_checkpoint(model, trial)


class Heard(TrainerCallback):
    """Tells the listener how far the training is, and marks checkpoints that are complete."""

    def __init__(self, listener: Listener, stage: str) -> None:
        self.listener, self.stage = listener, stage

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One call a step."""
        self.listener(self.stage, int(state.global_step), int(state.max_steps))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark a checkpoint as whole, after all of it is written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        with written(folder, f"the checkpoint at step {state.global_step}"):
            (folder / WHOLE).touch()


@contextmanager
def written(folder: Path, what: str) -> Iterator[None]:
    """Whatever goes wrong inside, full disks above all, leaves no half of `folder` and is a TrainingError."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors have errors of their own
        shutil.rmtree(folder, ignore_errors=True)
        reason = str(error).strip().splitlines()
        raise TrainingError(
            f"{what} could not be written to `{folder.parent}`: {reason[0][:160] if reason else type(error).__name__}",
            "make room on the disk and give the same command again: it goes on from the last whole checkpoint",
        ) from None


def train(
    recipe: LoRARecipe,
    examples: Sequence[Example],
    folder: Path,
    *,
    model: str,
    listener: Listener,
    stage: str,
    device: Device = "auto",
    dtype: Dtype = "auto",
    quantize: str | None = None,
    asking: Asking | None = None,
) -> Trained:
    """Train an adapter into `folder`; a killed training goes on from its last checkpoint with the same outcome.

    With `asking`, the adapter of the check that did best is kept, else the last.
    Raises TrainingError before the first step when no token, or no end of an answer, would be trained.
    """
    loaded = load_causal(model, device=device, dtype=dtype, quantize=quantize)
    size = recipe.size(float(loaded.model.num_parameters()))
    rows, example = _encoded(loaded, recipe, examples, listener, stage)
    start, checkpoints = time.perf_counter(), folder / "checkpoints"
    tuned = with_lora(loaded, recipe, size, quantize)
    known_as = loaded.located.known_as  # not a path of this machine
    tokens = sum(row["end"] - row["start"] for row in rows)
    keeper = asking and Keeper(
        recipe, asking, loaded, tuned, folder, lambda place: _save(tuned, place, known_as), listener, stage
    )
    objective = _objective(recipe, tuned, depth_of(loaded), rows)
    if isinstance(objective, AnswerLoss | LeanAnswerLoss) and recipe.soft_targets:
        soften(objective, tuned, rows, Collator(loaded.pad), recipe.soft_targets, listener, stage)
    with quiet_transformers():
        trainer = StepTrainer(
            objective,
            [f"{row['kind'] if recipe.mixed else ''} {row['role']}" for row in rows],
            model=tuned,
            args=_arguments(recipe, size, checkpoints, loaded.model.device.type == "cpu", recipe.passes(tokens)),
            train_dataset=rows,
            data_collator=Collator(loaded.pad),
            callbacks=[Heard(listener, stage), *([keeper] if keeper else [])],
        )
        trainer.pop_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_last_whole(checkpoints))
    if keeper is None:
        _save(tuned, folder, known_as)
    choosing = _kept(keeper, folder) if keeper else None
    for spent in (checkpoints, folder / CHECKS):
        shutil.rmtree(spent, ignore_errors=True)
    losses = [(int(h["step"]), float(h["loss"])) for h in trainer.state.log_history if "loss" in h]
    return Trained(
        dict(Counter(str(row["kind"]) for row in rows)),  # rows too long to train anything are left out
        tokens,
        int(trainer.state.global_step),
        losses,
        example,
        time.perf_counter() - start,
        choosing,
        {**size.settings(), "layers": recipe.adapted(depth_of(loaded))},
    )


def _objective(recipe: LoRARecipe, tuned: Any, depth: int, rows: Sequence[dict[str, Any]]) -> Objective:
    """The recipe's objective, computed the quick way where there is one for the model."""
    objective = recipe.objective(depth)
    if not isinstance(objective, AnswerLoss) or recipe.checkpointing or not fits(tuned):
        return objective
    lean = LeanAnswerLoss.of(tuned)
    tokens = [row["input_ids"] for row in rows]
    needed = sum(map(len, tokens)) * lean.embedding.shape[1] * lean.embedding.element_size()
    free = free_memory("cpu")
    if lean.first and recipe.keep_lower and (free is None or needed < SHARE * free):
        lean.keep(tokens)
    return lean


def _encoded(
    loaded: Loaded, recipe: LoRARecipe, examples: Sequence[Example], listener: Listener, stage: str
) -> tuple[list[dict[str, Any]], str]:
    """The rows as tokens and the first of them as text, which is shown."""
    rows, example = encode(
        loaded, examples, recipe.max_tokens, recipe.first_weight, recipe.first_tokens, recipe.answer_tokens
    )
    if left_out := len(examples) - len(rows):
        listener(stage, 0, 0, f"{left_out} rows are left out: their prompts are longer than max_tokens")
    listener(stage, 0, 0, f"the first row as it is trained, its loss between the brackets:\n{example}")
    return rows, example


def _save(tuned: Any, folder: Path, known_as: str) -> None:
    """Put the adapter's files into `folder` once all of them are written; the base is named as `known_as` says."""
    draft = folder / DRAFT
    config = tuned.peft_config["default"]
    place, config.base_model_name_or_path = config.base_model_name_or_path, known_as
    with written(draft, "the adapter"):
        tuned.save_pretrained(draft, save_embedding_layers=False)  # to decide by itself, peft would ask the hub
        _moved(draft, folder)
    config.base_model_name_or_path = place


def _kept(keeper: Keeper, folder: Path) -> dict[str, Any]:
    """The same with the adapter of the check that did best; returns how it was chosen, as JSON."""
    choosing = keeper.chosen()
    draft = folder / DRAFT
    with written(draft, "the adapter"):
        shutil.copytree(keeper.adapter(choosing.kept), draft, dirs_exist_ok=True)
        _moved(draft, folder)
    return choosing.model_dump(mode="json")


def _moved(draft: Path, folder: Path) -> None:
    for file in sorted(draft.iterdir()):
        file.replace(folder / file.name)
    draft.rmdir()


def _last_whole(checkpoints: Path) -> str | None:
    """The last checkpoint that was written to its end; half-written ones are removed.

    The Trainer would go on from a half-written one without its optimiser, and say nothing.
    """
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda folder: int(folder.name.rpartition("-")[2]))
    for folder in found:
        if not (folder / WHOLE).is_file():
            shutil.rmtree(folder)
    return next((str(folder) for folder in reversed(found) if folder.is_dir()), None)


def _arguments(recipe: LoRARecipe, size: Size, checkpoints: Path, on_cpu: bool, passes: float) -> TrainingArguments:
    extra: dict[str, Any] = {_CHECKPOINTING: True} if recipe.checkpointing else {}
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=passes,
        per_device_train_batch_size=max(1, recipe.batch // recipe.accumulate),
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=size.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        weight_decay=0.0,
        logging_steps=1,
        save_steps=recipe.save_every,
        save_total_limit=2,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=on_cpu,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=list(recipe.report_to) or "none",
        dataloader_pin_memory=False,
        **extra,
    )
