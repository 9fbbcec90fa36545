"""The training step: LoRA through transformers' Trainer, with the head and the loss on answer positions only."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from peft import LoraConfig, get_peft_model
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from recusa.errors import TrainingError
from recusa.models.causal import Loaded, load_causal
from recusa.models.machine import Device, Dtype
from recusa.models.template import training_row
from recusa.models.weights import quiet_transformers
from recusa.protocols import Example, Listener
from recusa.training.lora import LoRARecipe

IGNORED = -100
POOL = 16  # batches that are sorted by length together: more waste less padding, fewer mix better
WHOLE = "whole"  # a file that marks a checkpoint as complete
# transformers renamed the argument within version 5
_CHECKPOINTING = next(
    n for n in ("activation_checkpointing", "gradient_checkpointing") if hasattr(TrainingArguments, n)
)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left behind besides the adapter; `losses` are (step, mean loss since the last)."""

    rows: dict[str, int]
    trained_tokens: int
    steps: int
    losses: list[tuple[int, float]]
    example: str
    seconds: float


class Collator:
    """Pads on the left, so that all answers end at the right edge and the head sees only the last columns."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors of shape (rows, longest); labels are shifted by the loss, not here."""
        width = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        labels = torch.full((len(rows), width), IGNORED)
        for place, row in enumerate(rows):
            size = len(row["input_ids"])
            ids[place, width - size :] = torch.tensor(row["input_ids"])
            mask[place, width - size :] = 1
            answer = torch.tensor(row["input_ids"][row["start"] : row["end"]])
            labels[place, width - size + row["start"] : width - size + row["end"]] = answer
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class ByLength(torch.utils.data.Sampler[int]):
    """Rows of like length together, in an order that depends on seed and epoch alone.

    The Trainer's own grouping draws on from epoch to epoch, so a training resumed in a later epoch saw other batches.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = lengths, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=drawn).tolist()
        pool = self.batch * POOL
        pools = [sorted(order[at : at + pool], key=self.lengths.__getitem__) for at in range(0, len(order), pool)]
        rows = [row for some in pools for row in some]
        batches = [rows[at : at + self.batch] for at in range(0, len(rows), self.batch)]
        last = [batches.pop()] if len(rows) % self.batch else []  # the short batch stays last
        shuffled = torch.randperm(len(batches), generator=drawn).tolist()
        return iter([row for at in shuffled for row in batches[at]] + [row for some in last for row in some])


class AnswerTrainer(Trainer):
    """Takes the loss on answer tokens; logits are made for the columns of a batch's longest answer, not for all."""

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        lengths = [len(row["input_ids"]) for row in self.train_dataset]  # type: ignore[union-attr]
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return ByLength(lengths, self.args.train_batch_size * self.args.gradient_accumulation_steps, seed)

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross-entropy over the trained tokens of the whole optimiser step, however it is accumulated."""
        labels = inputs["labels"]
        mask = inputs["attention_mask"]
        first = int((labels != IGNORED).any(0).nonzero()[0])
        kept = labels.shape[1] - first + 1  # the token at `first` is predicted one column earlier
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp_min(0),
            logits_to_keep=kept,
        )
        targets = labels[:, first:]
        trained = targets != IGNORED
        logits = outputs.logits[:, :-1][trained].float()
        total = torch.nn.functional.cross_entropy(logits, targets[trained], reduction="sum")
        loss = total / (num_items_in_batch if num_items_in_batch is not None else trained.sum())
        return (loss, outputs) if return_outputs else loss


class Heard(TrainerCallback):
    """Tells the listener how far the training is, and marks checkpoints that are complete."""

    def __init__(self, listener: Listener, stage: str) -> None:
        self.listener, self.stage = listener, stage

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One call a step."""
        self.listener(self.stage, int(state.global_step), int(state.max_steps))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark a checkpoint as whole, after all of it is written."""
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()


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
) -> Trained:
    """Train an adapter into `folder`; a killed training goes on from its last checkpoint with the same outcome.

    Raises TrainingError before the first step when no token, or no end of an answer, would be trained.
    """
    loaded = load_causal(model, device=device, dtype=dtype, quantize=quantize)
    rows, example = encode(loaded, examples, recipe.max_tokens)
    if len(rows) < len(examples):
        listener(
            stage, 0, 0, f"{len(examples) - len(rows)} rows are left out: their prompts are longer than max_tokens"
        )
    listener(stage, 0, 0, f"the first row as it is trained, its loss between the brackets:\n{example}")
    start = time.perf_counter()
    checkpoints = folder / "checkpoints"
    tuned = _with_lora(loaded, recipe, quantize)
    on_cpu = loaded.model.device.type == "cpu"
    with quiet_transformers():
        trainer = AnswerTrainer(
            model=tuned,
            args=_arguments(recipe, checkpoints, on_cpu),
            train_dataset=rows,
            data_collator=Collator(loaded.pad),
            callbacks=[Heard(listener, stage)],
        )
        trainer.pop_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_last_whole(checkpoints))
    tuned.peft_config["default"].base_model_name_or_path = loaded.located.known_as  # not a path of this machine
    tuned.save_pretrained(folder, save_embedding_layers=False)  # to decide by itself, peft would ask the hub
    shutil.rmtree(checkpoints, ignore_errors=True)
    losses = [(int(h["step"]), float(h["loss"])) for h in trainer.state.log_history if "loss" in h]
    kinds = [str(row["kind"]) for row in rows]  # rows too long to train anything are left out
    return Trained(
        {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        sum(row["end"] - row["start"] for row in rows),
        int(trainer.state.global_step),
        losses,
        example,
        time.perf_counter() - start,
    )


def _last_whole(checkpoints: Path) -> str | None:
    """The last checkpoint that was written to its end; half-written ones are removed.

    The Trainer would go on from a half-written one without its optimiser, and say nothing.
    """
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda folder: int(folder.name.rpartition("-")[2]))
    for folder in found:
        if not (folder / WHOLE).is_file():
            shutil.rmtree(folder)
    return next((str(folder) for folder in reversed(found) if folder.is_dir()), None)


def _arguments(recipe: LoRARecipe, checkpoints: Path, on_cpu: bool) -> TrainingArguments:
    extra: dict[str, Any] = {_CHECKPOINTING: True} if recipe.checkpointing else {}
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=max(1, recipe.batch // recipe.accumulate),
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
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


def _with_lora(loaded: Loaded, recipe: LoRARecipe, quantize: str | None) -> Any:
    base: Any = loaded.model
    if quantize:
        prepare: Any = peft.prepare_model_for_kbit_training
        base = prepare(base, use_gradient_checkpointing=recipe.checkpointing)
    elif recipe.checkpointing:
        base.enable_input_require_grads()
    base.config.use_cache = False
    targets = recipe.targets if isinstance(recipe.targets, str) else list(recipe.targets)
    config = LoraConfig(r=recipe.r, lora_alpha=recipe.alpha, target_modules=targets, task_type="CAUSAL_LM")
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return get_peft_model(base, config)  # adapters are float32 over a bfloat16 base: small updates would be lost


def encode(loaded: Loaded, examples: Sequence[Example], max_tokens: int) -> tuple[list[dict[str, Any]], str]:
    """Token rows and, as text, the first of them with its mask; raises TrainingError when they would train nothing.

    A row: `input_ids`, and `start`..`end` of what is trained, the end token included when the answer ended by itself.
    """
    rows: list[dict[str, Any]] = []
    for example in examples:
        row = training_row(loaded.tokenizer, example.chat, example.answer, loaded.ends)
        ids = row.ids[:max_tokens]
        end = len(ids)
        if not example.complete and ids[-1] in loaded.ends and len(ids) == len(row.ids):
            end -= 1  # the model was cut off there: it must not learn to stop
        if row.start < end:
            rows.append({"input_ids": ids, "start": row.start, "end": end, "kind": example.kind})
    if not rows:
        raise TrainingError(
            "no token would be trained", f"all {len(examples)} rows are longer than max_tokens or empty"
        )
    ended = sum(row["input_ids"][row["end"] - 1] in loaded.ends for row in rows)
    if not ended:
        raise TrainingError(
            "no row trains the end of its answer, so the model would not learn to stop",
            "raise max_tokens above the longest row",
        )
    return rows, shown(loaded.tokenizer, rows[0])


def shown(tokenizer: PreTrainedTokenizerBase, row: dict[str, Any]) -> str:
    """A row decoded, the part that is trained between ⟦ and ⟧."""
    ids, start, end = row["input_ids"], row["start"], row["end"]
    parts = (tokenizer.decode(ids[:start]), tokenizer.decode(ids[start:end]), tokenizer.decode(ids[end:]))
    return f"{parts[0]}⟦{parts[1]}⟧{parts[2]}"
