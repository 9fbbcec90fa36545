"""Soft targets: the untrained model's own answers are learned as what it could have said, not only what it did say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from recusa.protocols import Listener
from recusa.training.lean import LeanAnswerLoss
from recusa.training.objective import AnswerLoss
from recusa.training.rows import Collator

TOGETHER = 16  # rows that are read together


@torch.no_grad()
def soften(
    objective: AnswerLoss | LeanAnswerLoss,
    model: Any,
    rows: Sequence[dict[str, Any]],
    collate: Collator,
    most: int,
    listener: Listener,
    stage: str,
) -> None:
    """Give rows the model answered itself `aims` and `shares`, of shape (trained tokens, most): its likeliest tokens.

    To be called before the first step, while the adapter changes nothing: the model is the untrained one then. Learning
    its distribution keeps more of it than learning one token (Hinton et al. 2015; Li and Hoiem 2016, learning without
    forgetting). Shares are brought to a sum of 1. In an order that the rows alone decide: a resumed training learns the
    same bits. Left out, and said, over a 4-bit base on a CPU: asked without gradients, bitsandbytes turns its layers
    into ones that have none.
    """
    if getattr(model, "is_loaded_in_4bit", False) and model.device.type == "cpu":
        listener(stage, 0, 0, "soft targets are left out: a 4-bit base on a CPU cannot be asked before it is trained")
        return
    own = [row for row in rows if row["own"] and row["role"] == "learn"]
    own.sort(key=lambda row: (len(row["input_ids"]), row["place"]))
    for at in range(0, len(own), TOGETHER):
        some = own[at : at + TOGETHER]
        batch = {name: table.to(model.device) for name, table in collate(some).items()}
        chances = objective.predicted(model, batch).softmax(-1)
        likely = chances.topk(min(most, chances.shape[-1]))
        shares = (likely.values / likely.values.sum(-1, keepdim=True)).cpu()
        sizes = [row["end"] - row["start"] for row in some]
        aims = likely.indices.int().cpu()
        for row, its, theirs in zip(some, torch.split(aims, sizes), torch.split(shares, sizes), strict=True):
            row["aims"], row["shares"] = its, theirs
        listener(f"{stage}: soft targets", at + len(some), len(own))
