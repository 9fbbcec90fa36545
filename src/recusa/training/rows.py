"""Rows of a training: token ids with what is trained of them, how they are put into batches, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import torch
from transformers import PreTrainedTokenizerBase

from recusa.errors import TrainingError
from recusa.models.causal import Loaded
from recusa.models.template import Begun, Row, begin, prefill_text, training_row
from recusa.protocols import Example, Role

IGNORED = -100
POOL = 16  # batches that are sorted by length together: more waste less padding, fewer mix better
ROLES: tuple[Role, ...] = get_args(Role)


class Collator:
    """Pads on the left, so that all answers end at the right edge and the head sees only the last columns."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors of shape (rows, longest); `roles`, places in ROLES, and `places`, in the training, of shape (rows,).

        Labels are shifted by the loss, not here; `weights` are there only when the rows have some.
        """
        width = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        labels = torch.full((len(rows), width), IGNORED)
        weights = torch.zeros((len(rows), width))
        for place, row in enumerate(rows):
            size = len(row["input_ids"])
            trained = slice(width - size + row["start"], width - size + row["end"])
            ids[place, width - size :] = torch.tensor(row["input_ids"])
            mask[place, width - size :] = 1
            labels[place, trained] = torch.tensor(row["input_ids"][row["start"] : row["end"]])
            weights[place, trained] = torch.tensor(row.get("weights", 1.0))
        roles = torch.tensor([ROLES.index(row["role"]) for row in rows])
        places = torch.tensor([row["place"] for row in rows])
        batch = {"input_ids": ids, "attention_mask": mask, "labels": labels, "roles": roles, "places": places}
        if "weights" in rows[0]:
            batch["weights"] = weights
        return batch | _distribution(rows, labels)


def _distribution(rows: Sequence[dict[str, Any]], labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """`aims` and `shares`, of shape (rows, longest, tokens): learned in place of one label, where rows have them."""
    soft = {place: row for place, row in enumerate(rows) if "aims" in row}
    if not soft:
        return {}
    many = next(iter(soft.values()))["aims"].shape[1]
    aims = labels.clamp_min(0)[..., None].repeat(1, 1, many)
    shares = torch.zeros(aims.shape)
    shares[..., 0] = 1
    for place, row in soft.items():
        trained = slice(row["start"] - len(row["input_ids"]), (row["end"] - len(row["input_ids"])) or None)
        aims[place, trained], shares[place, trained] = row["aims"].long(), row["shares"]
    return {"aims": aims, "shares": shares}


def counts(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The summed weights of a batch's trained tokens, a role; a token without weight counts 1."""
    trained = batch["labels"] != IGNORED
    tokens = (batch["weights"] * trained if "weights" in batch else trained.float()).sum(1)
    return tokens.new_zeros(len(ROLES)).index_add(0, batch["roles"], tokens)


class ByLength(torch.utils.data.Sampler[int]):
    """Rows of like length together, in an order that depends on seed and epoch alone.

    With `strata`, each batch holds every stratum in proportion, as far as whole rows allow. The Trainer's own grouping
    draws on from epoch to epoch, so a training resumed in a later epoch saw other batches.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, strata: Sequence[str] = ()) -> None:
        self.lengths, self.batch, self.seed, self.epoch = lengths, batch, seed, 0
        self.strata = strata or [""] * len(lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=drawn).tolist()
        pool = self.batch * POOL
        if len(set(self.strata)) > 1:
            order = self._dealt(order)
        pools = [self._sorted(order[at : at + pool]) for at in range(0, len(order), pool)]
        rows = [row for some in pools for row in some]
        batches = [rows[at : at + self.batch] for at in range(0, len(rows), self.batch)]
        last = [batches.pop()] if len(rows) % self.batch else []  # the short batch stays last
        shuffled = torch.randperm(len(batches), generator=drawn).tolist()
        return iter([row for at in shuffled for row in batches[at]] + [row for some in last for row in some])

    def _sorted(self, rows: Sequence[int]) -> list[int]:
        return self._dealt(sorted(rows, key=self.lengths.__getitem__))

    def _dealt(self, rows: Sequence[int]) -> list[int]:
        """The strata dealt out evenly among one another, each in the order it has."""
        held: dict[str, list[int]] = {}
        for row in rows:
            held.setdefault(self.strata[row], []).append(row)
        places = [((at + 0.5) / len(some), name, row) for name, some in held.items() for at, row in enumerate(some)]
        return [row for _, _, row in sorted(places)]


def encode(
    loaded: Loaded,
    examples: Sequence[Example],
    max_tokens: int,
    first_weight: float = 1.0,
    first_tokens: int = 0,
    answer_tokens: int | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """Token rows and, as text, the first of them with its mask; raises TrainingError when they would train nothing.

    A row: its `place` among them, `input_ids`, `start`..`end` of what is trained, the end token included when the
    answer ended by itself, and `weights` of these tokens unless all are 1: the first `first_tokens` of an answer count
    `first_weight` times, and so does the token at a row's `turn`. Of an answer at most `answer_tokens` are trained.
    """
    rows: list[dict[str, Any]] = []
    for example in examples:
        row = _begun(loaded, example)
        ids = row.ids[: max_tokens if answer_tokens is None else min(max_tokens, row.start + answer_tokens)]
        end = len(ids)
        if not example.complete and ids[-1] in loaded.ends and len(ids) == len(row.ids):
            end -= 1  # the model was cut off there: it must not learn to stop
        if row.start < end:
            early, turn = (first_tokens, example.turn) if example.role == "learn" else (0, None)
            weights = [
                example.weight * (first_weight if at < early or at == turn else 1.0) for at in range(end - row.start)
            ]
            kept = {"input_ids": ids, "start": row.start, "end": end, "weights": weights, "place": len(rows)}
            rows.append({**kept, "kind": example.kind, "role": example.role, "own": example.own})
    if not rows:
        raise TrainingError(
            "no token would be trained", f"all {len(examples)} rows are longer than max_tokens or empty"
        )
    learnt = [row for row in rows if row["role"] == "learn"]
    if learnt and not any(row["input_ids"][row["end"] - 1] in loaded.ends for row in learnt):
        raise TrainingError(
            "no row trains the end of its answer, so the model would not learn to stop",
            "raise max_tokens above the longest row",
        )
    _level(rows)
    return rows, shown(loaded.tokenizer, rows[0])


def _begun(loaded: Loaded, example: Example) -> Row:
    """The row; an answer after a prefill that was cut in mid-sentence is set off by a space."""
    chat = example.chat
    if not chat.prefill:
        return training_row(loaded.tokenizer, chat, example.answer, loaded.ends)
    whole = begin(loaded.tokenizer, replace(chat, prefill_tokens=None))
    kept = len(whole.prefill) if chat.prefill_tokens is None else min(chat.prefill_tokens, len(whole.prefill))
    cut = Begun(whole.ids, whole.prefill[:kept])
    seam = "" if prefill_text(loaded.tokenizer, cut)[-1:].isspace() else " "
    return training_row(
        loaded.tokenizer, replace(chat, prefill_tokens=kept), seam + example.answer.lstrip(), loaded.ends
    )


def _level(rows: list[dict[str, Any]]) -> None:
    """Bring the mean weight to 1, so that a learning rate means the same with and without weights; drop equal ones."""
    weights = [weight for row in rows for weight in row["weights"]]
    if min(weights) == max(weights):
        for row in rows:
            del row["weights"]
        return
    mean = sum(weights) / len(weights)
    for row in rows:
        row["weights"] = [weight / mean for weight in row["weights"]]


def shown(tokenizer: PreTrainedTokenizerBase, row: dict[str, Any]) -> str:
    """A row decoded, the part that is trained between ⟦ and ⟧."""
    ids, start, end = row["input_ids"], row["start"], row["end"]
    parts = (tokenizer.decode(ids[:start]), tokenizer.decode(ids[start:end]), tokenizer.decode(ids[end:]))
    return f"{parts[0]}⟦{parts[1]}⟧{parts[2]}"
