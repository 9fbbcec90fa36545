"""`contrast`: further harmful prompts with harmless look-alikes, written to be trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from recusa.sources.builtin import packaged
from recusa.sources.rows import RowSource, Use
from recusa.types import Prompt


class Contrast(RowSource):
    """1,044 harmful prompts in 18 categories, a harmless twin of each, and 480 more harmless prompts, in English.

    Terse, as benchmarks ask; what they teach is where the line is. They are for training: a model that was trained
    with them must not be measured on them.
    """

    name: ClassVar[str] = "contrast"

    use: Use = Field("train", description="kept for training unless said otherwise")

    def prompts(self) -> Iterator[Prompt]:
        """All of them, or those of `kind`."""
        rows = (row for row in packaged("contrast.en.jsonl") if self.kind in (None, row["kind"]))
        return self.checked(rows, self.name)
