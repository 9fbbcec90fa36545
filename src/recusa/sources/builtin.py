"""`builtin`: the prompts that come with recusa: harmful one-liners, a harmless twin of each, ordinary instructions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import ClassVar

from recusa.sources.rows import RowSource
from recusa.types import Prompt

FILE = "prompts.en.jsonl"


class Builtin(RowSource):
    """16 harm categories x 6 harmful prompts with twins, and 96 ordinary instructions, in English."""

    name: ClassVar[str] = "builtin"

    def prompts(self) -> Iterator[Prompt]:
        """All of them, or the rows of `kind` when that is set."""
        lines = (files("recusa.sources") / "data" / FILE).read_text(encoding="utf-8").splitlines()
        rows = (json.loads(line) for line in lines)
        return self.checked((row for row in rows if self.kind in (None, row["kind"])), "builtin")
