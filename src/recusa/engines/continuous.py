"""Continuous batching over a packed model: rows that end make room for those that wait (Yu et al. 2022, Orca)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from recusa.engines.decode import Decoded, Noise, choose, said_so_far
from recusa.models.packed import Packed
from recusa.models.reading import beginning
from recusa.types import Key, Sampling

READ = 4096  # tokens of prompts that one pass reads, so that memory does not grow with the rows
REFILL = 4  # rows join when a fourth of the slots is free: a pass over few short prompts is mostly waiting


@torch.inference_mode()
def decode_packed(
    model: Packed, prompts: Sequence[list[int]], keys: Sequence[Key], sampling: Sampling, ends: frozenset[int]
) -> Iterator[Decoded]:
    """Answer token rows in their order, as many at once as the model has slots; each is yielded when it ends.

    What all prompts begin with is read once. The order depends on the prompts alone: the same rows give the same bits.
    """
    shared = beginning(prompts)
    if shared:
        model.share(prompts[0][:shared])
    noises = [Noise.of(key, sampling.seed) for key in keys] if sampling.temperature > 0 else []
    said: list[list[int]] = [[] for _ in prompts]
    sizes = [len(prompt) - shared for prompt in prompts]
    waiting, rows = list(range(len(prompts)))[::-1], list[int]()
    logits, slots = torch.empty(0), model.cache.number
    while waiting or rows:
        if waiting and (not rows or slots - len(rows) >= min(len(waiting), -(-slots // REFILL))):
            while waiting and len(rows) < slots:
                joined = _joining(waiting, sizes, slots - len(rows))
                read = model.read(len(rows), shared, [prompts[row][shared:] for row in joined])
                logits, rows = torch.cat([logits, read]) if rows else read, rows + joined
        chosen = choose(logits, sampling, [noises[row] for row in rows] if noises else [])
        ended, staying = said_so_far(rows, chosen.tolist(), said, ends, sampling.max_new_tokens)
        yield from ended
        places = _closed_up(model, staying)
        rows = [rows[place] for place in places]
        if rows:
            columns = [len(prompts[row]) + len(said[row]) - 1 for row in rows]
            logits = model.step(chosen[places], columns)


def _joining(waiting: list[int], sizes: Sequence[int], free: int) -> list[int]:
    """Take from the end of `waiting` the rows that one pass reads: at least one, at most `free`."""
    joined: list[int] = []
    tokens = 0
    while waiting and len(joined) < free and (not joined or tokens + sizes[waiting[-1]] <= READ):
        tokens += sizes[waiting[-1]]
        joined.append(waiting.pop())
    return joined


def _closed_up(model: Packed, staying: Sequence[int]) -> list[int]:
    """The places that stay, in the order of their slots after the last ones took the place of those that left."""
    kept = set(staying)
    holes = [place for place in range(len(staying)) if place not in kept]
    late = [place for place in staying if place >= len(staying)]
    if holes:
        model.cache.move(late, holes)
    filled = dict(zip(holes, late, strict=True))
    return [filled.get(place, place) for place in range(len(staying))]
