"""Keys and values of rows that are answered together: a slot a row, and columns that are made as texts grow."""

from __future__ import annotations

from collections.abc import Sequence

import torch

GROWN = 16  # columns made at a time: few enough that products over columns nobody fills yet cost little


class Slots:
    """Keys and values, a layer each: (slots, heads, width, columns) as the product takes them, and the last two turned.

    Products take all columns there are: of a part of them, torch makes a copy at every call. What no row has filled is
    zero, to be masked.
    """

    def __init__(self, layers: int, number: int, heads: int, width: int, dtype: torch.dtype) -> None:
        self.number, self.columns = number, 0
        self.keys = [torch.zeros(number, heads, width, 0, dtype=dtype) for _ in range(layers)]
        self.values = [torch.zeros(number, heads, 0, width, dtype=dtype) for _ in range(layers)]

    def hold(self, columns: int) -> None:
        """Have at least so many columns; layer by layer, so that there are never two whole caches."""
        if columns <= self.columns:
            return
        before, self.columns = self.columns, -(-columns // GROWN) * GROWN
        more = self.columns - before
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            self.keys[layer] = torch.nn.functional.pad(keys, (0, more))
            self.values[layer] = torch.nn.functional.pad(values, (0, 0, 0, more))

    def share(self, columns: int) -> None:
        """Give every slot the first columns of the first."""
        for keys, values in zip(self.keys, self.values, strict=True):
            keys[1:, ..., :columns] = keys[:1, ..., :columns]
            values[1:, :, :columns] = values[:1, :, :columns]

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Let rows take the place of others."""
        for cache in (*self.keys, *self.values):
            cache[list(targets)] = cache[list(sources)]
