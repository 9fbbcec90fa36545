"""`builtin`: the prompts that come with recusa: harmful one-liners, a harmless twin of each, ordinary instructions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, ClassVar, Literal

from pydantic import Field

from recusa.sources.rows import RowSource
from recusa.types import Prompt

Language = Literal["en", "pt-BR"]
LANGUAGES: tuple[Language, ...] = ("en", "pt-BR")


class Builtin(RowSource):
    """16 harms x 25 harmful prompts with twins and 400 ordinary instructions, in English and Brazilian Portuguese."""

    name: ClassVar[str] = "builtin"

    languages: tuple[Language, ...] = Field(LANGUAGES, min_length=1, description="languages that are read")
    per_category: int | None = Field(
        None, ge=1, description="items of each category that are read, with their twins; drawn once and for all"
    )

    def prompts(self) -> Iterator[Prompt]:
        """All of them, or those that `kind`, `languages` and `per_category` ask for."""
        rows = [row for language in self.languages for row in packaged(f"prompts.{language}.jsonl")]
        groups = drawn(rows, self.per_category)
        wanted = (row for row in rows if row["group"] in groups and self.kind in (None, row["kind"]))
        return self.checked(wanted, "builtin")


def packaged(name: str) -> list[Mapping[str, Any]]:
    """Rows of a prompt file that comes with the package."""
    text = (files("recusa.sources") / "data" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def drawn(rows: list[Mapping[str, Any]], per_category: int | None) -> set[str]:
    """Groups to read: of each category the first ones in the order of a hash, which no author could arrange."""
    categories = defaultdict(set)
    for row in rows:
        categories[row["category"]].add(row["group"])
    return {
        group
        for groups in categories.values()
        for group in sorted(groups, key=lambda name: sha256(name.encode()).hexdigest())[:per_category]
    }
