"""Keys and values of rows that are answered together: a slot a row, and columns that come into use as texts grow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

GROWN = 16  # columns taken into use at a time: few enough that products over those nobody fills yet cost little


class Slots:
    """Keys and values, a layer each: (slots, heads, width, columns) as the product takes them, and the last two turned.

    There is memory for `most` columns from the start, and as many are in use as the longest text needs: of a part of
    the columns, torch makes a copy at every product. What a row has not filled holds what was there before, numbers at
    any rate, and must be masked.
    """

    def __init__(self, layers: int, number: int, heads: int, width: int, most: int, dtype: torch.dtype) -> None:
        self.number, self.columns = number, 0
        size = number * heads * width * rounded(most)
        self._memory = [(torch.empty(size, dtype=dtype), torch.empty(size, dtype=dtype)) for _ in range(layers)]
        self.keys = [keys[:0].view(number, heads, width, 0) for keys, _ in self._memory]
        self.values = [values[:0].view(number, heads, 0, width) for _, values in self._memory]

    def hold(self, columns: int) -> None:
        """Have at least so many columns in use."""
        if columns <= self.columns:
            return
        self.columns = rounded(columns)
        for layer, (keys, values) in enumerate(self._memory):
            self.keys[layer] = _widened(keys, self.keys[layer], self.columns, -1)
            self.values[layer] = _widened(values, self.values[layer], self.columns, -2)

    def share(self, columns: int) -> None:
        """Give every slot the first columns of the first."""
        for keys, values in zip(self.keys, self.values, strict=True):
            keys[1:, ..., :columns] = keys[:1, ..., :columns]
            values[1:, :, :columns] = values[:1, :, :columns]

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Let rows take the place of others."""
        for cache in (*self.keys, *self.values):
            cache[list(targets)] = cache[list(sources)]


def rounded(columns: int) -> int:
    """So many columns, up to whole steps."""
    return -(-columns // GROWN) * GROWN


def _widened(memory: torch.Tensor, held: torch.Tensor, columns: int, along: int) -> torch.Tensor:
    """What is held at the beginning of the memory, laid out anew with more columns there."""
    filled, shape = held.clone(), list(held.shape)
    before, shape[along] = shape[along], columns
    made = memory[: math.prod(shape)].view(shape)
    made.narrow(along, 0, before).copy_(filled)
    made.narrow(along, before, columns - before).zero_()
    return made
