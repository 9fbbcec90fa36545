"""How far an adapter moves a model: both models' next-token distributions on the same answers, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from recusa.models.causal import Loaded
from recusa.models.memory import fits_again
from recusa.models.reading import beginning, left_padded
from recusa.models.template import Row

if TYPE_CHECKING:
    import torch

BATCH = 8  # rows at once: logits of 8 rows of 64 tokens over 50,000 words take 50 MB in bfloat16, twice


class Forced(NamedTuple):
    """Sums over one answer's tokens, in nats: KL(base || tuned), and the surprise of either model at the answer."""

    tokens: int
    divergence: float
    before: float
    after: float


class Told(NamedTuple):
    """One row with what the base and the tuned model tell of its answer: logits of shape (tokens, vocabulary)."""

    row: Row
    base: torch.Tensor
    tuned: torch.Tensor


def drift(loaded: Loaded, rows: Sequence[Row]) -> list[Forced]:
    """Compare a model with and without its adapter on token rows, from each row's `start` on.

    `loaded` holds the adapter beside the weights, not merged: the base is then the very base. Where the model can be
    laid out for a CPU, both are, as they answer. Logits are compared in float32, summed in float64.
    """
    import torch

    from recusa.models.packed import packable

    if not rows:
        return []
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place].ids), place))
    batches = [[rows[place] for place in order[at : at + BATCH]] for at in range(0, len(order), BATCH)]
    told = _laid_out if packable(loaded.model) and fits_again(loaded.model, copies=2) else _in_passes
    with torch.inference_mode():
        found = dict(zip(order, map(_forced, told(loaded, batches)), strict=True))
    return [found[place] for place in range(len(rows))]


def _laid_out(loaded: Loaded, batches: Sequence[Sequence[Row]]) -> Iterator[Told]:
    """By both models laid out; what all rows begin with is read once, and an answer's last token tells no more."""
    import torch

    from recusa.models.packed import Packed

    model: Any = loaded.model
    tuned = Packed(model)
    with model.disable_adapter():
        base = Packed(model)
    rows = [row for batch in batches for row in batch]
    shared = beginning([row.ids[: row.start] for row in rows])
    for laid in (base, tuned):
        laid.room(BATCH, max(len(row.ids) for row in rows))
        if shared:
            laid.share(rows[0].ids[:shared])
    for batch in batches:
        texts = [row.ids[shared:-1] for row in batch]
        sizes = [len(row.ids) - row.start for row in batch]
        both = []
        for laid in (base, tuned):
            states = torch.split(laid.states(0, shared, texts), [len(text) for text in texts])
            answers = torch.cat([its[-size:] for its, size in zip(states, sizes, strict=True)])
            both.append(torch.split(laid.logits(answers), sizes))
        yield from map(Told, batch, *both)


def _in_passes(loaded: Loaded, batches: Sequence[Sequence[Row]]) -> Iterator[Told]:
    """By the model's own passes, padded on the left, so that all answers end at one edge."""
    model: Any = loaded.model
    for batch in batches:
        kept = max(len(row.ids) - row.start for row in batch)
        ids, mask = left_padded([row.ids for row in batch], loaded.pad, model.device)
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
        for place, row in enumerate(batch):
            size = len(row.ids) - row.start
            yield Told(row, base[place, -size:], tuned[place, -size:])


def _forced(told: Told) -> Forced:
    import torch

    before, after = told.base.float().log_softmax(-1), told.tuned.float().log_softmax(-1)
    divergence = (before.exp() * (before - after)).sum(-1).clamp_min(0)  # it cannot be negative but by rounding
    targets = torch.tensor(told.row.ids[told.row.start :], device=before.device)[:, None]
    surprises = [-said.gather(-1, targets).double().sum().item() for said in (before, after)]
    return Forced(len(targets), divergence.double().sum().item(), *surprises)
