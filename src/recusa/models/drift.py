"""How far an adapter moves a model: both models' next-token distributions on the same answers, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from recusa.models.causal import Loaded
from recusa.models.memory import fits_again
from recusa.models.reading import beginning, left_padded
from recusa.models.template import Row

if TYPE_CHECKING:
    import torch


BATCH = 8  # rows at once: logits of 8 rows of 64 tokens over 50,000 words take 50 MB in bfloat16, twice
TOKENS = 4096  # of rows at once, so that attention over long ones does not grow with their number


class Forced(NamedTuple):
    """Sums over one answer's tokens, in nats: KL(base || tuned), and the surprise of either model at the answer."""

    tokens: int
    divergence: float
    before: float
    after: float


class Both:
    """A model with and without its adapter, to be compared on token rows, from each row's `start` on.

    `loaded` holds the adapter beside the weights, not merged: the base is then the very base. Where the model can be
    laid out for a CPU and fits the memory twice more, both are, the adapter added to the weights of one.
    """

    def __init__(self, loaded: Loaded) -> None:
        from recusa.models.packed import Packed, packable

        self.loaded, self.laid_out = loaded, list[Packed]()  # the base, then the tuned model
        model: Any = loaded.model
        if packable(model) and fits_again(model, copies=2):
            with model.disable_adapter():
                self.laid_out.append(Packed(model))
            self.laid_out.append(Packed(model))

    def drift(self, rows: Sequence[Row]) -> list[Forced]:
        """One result a row; logits are compared in float32, summed in float64."""
        import torch

        found: dict[int, Forced] = {}
        with torch.inference_mode():
            shared = self._read_beginning(rows) if rows and self.laid_out else 0
            for places in _batches([len(row.ids) for row in rows]):
                batch = [rows[place] for place in places]
                base, tuned = self._from_layout(batch, shared) if self.laid_out else self._in_passes(batch)
                found.update(zip(places, map(_forced, batch, base, tuned), strict=True))
                del base, tuned  # or there would be three batches of logits while the next is computed
        return [found[place] for place in range(len(rows))]

    def _read_beginning(self, rows: Sequence[Row]) -> int:
        """Have both layouts read what all rows begin with; how many tokens that is."""
        shared = beginning([row.ids[: row.start] for row in rows])
        for laid in self.laid_out:
            laid.room(BATCH, max(len(row.ids) for row in rows))
            if shared:
                laid.share(rows[0].ids[:shared])
        return shared

    def _from_layout(self, batch: Sequence[Row], shared: int) -> list[Sequence[torch.Tensor]]:
        """The logits of each row's answer, (tokens, vocabulary), the base's and the tuned model's."""
        import torch

        texts = [row.ids[shared:-1] for row in batch]  # an answer's last token tells no more of it
        sizes = [len(row.ids) - row.start for row in batch]
        both: list[Sequence[torch.Tensor]] = []
        for laid in self.laid_out:
            states = torch.split(laid.states(0, shared, texts), [len(text) for text in texts])
            answers = torch.cat([its[-size:] for its, size in zip(states, sizes, strict=True)])
            both.append(torch.split(laid.logits(answers), sizes))
        return both

    def _in_passes(self, batch: Sequence[Row]) -> list[Sequence[torch.Tensor]]:
        """The same by the model's own passes, padded on the left, so that all answers end at one edge."""
        model: Any = self.loaded.model
        sizes = [len(row.ids) - row.start for row in batch]
        ids, mask = left_padded([row.ids for row in batch], self.loaded.pad, model.device)
        asked = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": (mask.cumsum(-1) - 1).clamp_min(0),
            "logits_to_keep": max(sizes) + 1,  # the first answer token is predicted one column earlier
            "use_cache": False,
        }
        tuned = model(**asked).logits[:, :-1]
        with model.disable_adapter():
            base = model(**asked).logits[:, :-1]
        return [[its[-size:] for its, size in zip(logits, sizes, strict=True)] for logits in (base, tuned)]


def _batches(sizes: Sequence[int]) -> list[list[int]]:
    """Places of rows of like length, shortest first, as many together as `BATCH` and `TOKENS` allow."""
    made: list[list[int]] = []
    for place in sorted(range(len(sizes)), key=lambda place: (sizes[place], place)):
        if not made or len(made[-1]) == BATCH or (len(made[-1]) + 1) * sizes[place] > TOKENS:
            made.append([])
        made[-1].append(place)
    return made


def _forced(row: Row, base: torch.Tensor, tuned: torch.Tensor) -> Forced:
    import torch

    before, after = base.float().log_softmax(-1), tuned.float().log_softmax(-1)
    divergence = (before.exp() * (before - after)).sum(-1).clamp_min(0)  # it cannot be negative but by rounding
    targets = torch.tensor(row.ids[row.start :], device=before.device)[:, None]
    surprises = [-said.gather(-1, targets).double().sum().item() for said in (before, after)]
    return Forced(len(targets), divergence.double().sum().item(), *surprises)
