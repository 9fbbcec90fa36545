"""Batches of rows for any model and device: halved when they do not fit the memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from recusa.engines.decode import Decoded, decode
from recusa.engines.steer import Steered

if TYPE_CHECKING:
    from recusa.engines.hf import Asked
    from recusa.models.causal import Loaded
    from recusa.types import Sampling

log = logging.getLogger(__name__)


def in_batches(
    loaded: Loaded, asked: Sequence[Asked], sampling: Sampling, size: int, dial: float | None
) -> Iterator[tuple[Asked, Decoded | None]]:
    """Rows in batches of `size`, halved each time memory runs out; a row that does not fit alone has no answer.

    Rows of a batch that had ended before are not asked again.
    """
    waiting = list(asked)
    while waiting:
        batch = waiting[:size]
        ended: set[int] = set()
        short = False
        try:
            for done in _decoded(loaded, batch, sampling, dial):
                ended.add(done.row)
                yield batch[done.row], done
        except torch.OutOfMemoryError:
            short = True  # what the pass held is let go only once the error is
        if short:
            torch.cuda.empty_cache()
            size = max(1, len(batch) // 2)
            log.warning("out of memory with %d rows at once, going on with %d", len(batch), size)
        if short and len(batch) == 1:
            ended.add(0)
            yield batch[0], None
        waiting = [row for place, row in enumerate(batch) if place not in ended] + waiting[len(batch) :]


def _decoded(loaded: Loaded, batch: Sequence[Asked], sampling: Sampling, dial: float | None) -> Iterator[Decoded]:
    chats = [row.chat for row in batch]
    steer = Steered(loaded, chats, [row.begun for row in batch], dial) if loaded.steering is not None else None
    keys = [chat.key for chat in chats]
    return decode(loaded.model, [row.ids for row in batch], keys, sampling, loaded.ends, loaded.pad, steer)
