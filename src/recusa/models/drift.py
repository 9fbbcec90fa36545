"""How far an adapter moves a model: both models' next-token distributions on the same answers, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from recusa.models.causal import Loaded
from recusa.models.reading import left_padded
from recusa.models.template import Row

if TYPE_CHECKING:
    import torch

BATCH = 8  # rows at once: logits of 8 rows of 64 tokens over 50,000 words take 100 MB, twice


class Forced(NamedTuple):
    """Sums over one answer's tokens, in nats: KL(base || tuned), and the surprise of either model at the answer."""

    tokens: int
    divergence: float
    before: float
    after: float


def drift(loaded: Loaded, rows: Sequence[Row]) -> list[Forced]:
    """Compare a model with and without its adapter on token rows, from each row's `start` on.

    `loaded` holds the adapter beside the weights, not merged: the base is then the very base, and one copy of the
    weights is enough. Logits are compared in float32, summed in float64.
    """
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place].ids), place))
    found: dict[int, Forced] = {}
    for at in range(0, len(order), BATCH):
        places = order[at : at + BATCH]
        found.update(zip(places, _batch(loaded, [rows[place] for place in places]), strict=True))
    return [found[place] for place in range(len(rows))]


def _batch(loaded: Loaded, rows: Sequence[Row]) -> list[Forced]:
    import torch

    model: Any = loaded.model
    width = max(len(row.ids) for row in rows)
    kept = max(len(row.ids) - row.start for row in rows)  # padded on the left, so that all answers end at one edge
    ids, mask = left_padded([row.ids for row in rows], loaded.pad, model.device)
    with torch.inference_mode():
        asked = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": (mask.cumsum(-1) - 1).clamp_min(0),
            "logits_to_keep": kept + 1,  # the first answer token is predicted one column earlier
            "use_cache": False,
        }
        tuned = model(**asked).logits[:, :-1]
        with model.disable_adapter():
            base = model(**asked).logits[:, :-1]
        targets = ids[:, width - kept :]
        return [
            _row(base[place, -size:], tuned[place, -size:], targets[place, -size:])
            for place, row in enumerate(rows)
            for size in [len(row.ids) - row.start]
        ]


def _row(base: torch.Tensor, tuned: torch.Tensor, targets: torch.Tensor) -> Forced:
    """One answer: logits of shape (tokens, vocabulary), its token ids of shape (tokens,)."""
    before, after = base.float().log_softmax(-1), tuned.float().log_softmax(-1)
    divergence = (before.exp() * (before - after)).sum(-1).clamp_min(0)  # it cannot be negative but by rounding
    surprises = [-said.gather(-1, targets[:, None]).double().sum().item() for said in (before, after)]
    return Forced(len(targets), divergence.double().sum().item(), *surprises)
