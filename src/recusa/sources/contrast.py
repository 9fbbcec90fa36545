"""`contrast`: further harmful prompts with harmless look-alikes, written to be trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from recusa.sources.builtin import drawn, packaged
from recusa.sources.rows import RowSource, Use
from recusa.types import Prompt


class Contrast(RowSource):
    """2,049 harmful prompts in 18 categories, a harmless twin of each, and 1,351 more harmless prompts, in English.

    Terse, as benchmarks ask; what they teach is where the line is. They are for training: a model that was trained
    with them must not be measured on them.
    """

    name: ClassVar[str] = "contrast"

    use: Use = Field("train", description="kept for training unless said otherwise")
    per_category: int | None = Field(
        None, ge=1, description="items of each category that are read, with their twins; drawn once and for all"
    )

    def prompts(self) -> Iterator[Prompt]:
        """All of them, or those that `kind` and `per_category` ask for."""
        rows = packaged("contrast.en.jsonl")
        groups = drawn(rows, self.per_category)
        wanted = (row for row in rows if row["group"] in groups and self.kind in (None, row["kind"]))
        return self.checked(wanted, self.name)
