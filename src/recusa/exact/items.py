"""The items: written for this project, in English and Brazilian Portuguese, from no published set."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Literal

from recusa.component import Settings
from recusa.exact.marking import Mark, Marked
from recusa.types import Prompt

Language = Literal["en", "pt-BR"]
LANGUAGES: tuple[Language, ...] = ("en", "pt-BR")
VERSION = 1  # raised when an item or the marking changes


class Item(Settings):
    """A question, what it asks of a model, and how its answer is marked."""

    category: str
    language: Language
    prompt: str
    mark: Mark

    def asked(self) -> Prompt:
        """As engines are asked it."""
        return Prompt(self.prompt, "benign", self.language, category=self.category, source="exact")

    def marked(self, answer: str) -> Marked:
        """Whether an answer is right."""
        return self.mark.mark(self.prompt, answer, self.language)


@cache
def items(language: Language) -> tuple[Item, ...]:
    """All items of a language, in the order of their file, where the categories take turns."""
    text = (files("recusa.exact") / f"{language}.jsonl").read_text(encoding="utf-8")
    return tuple(Item(language=language, **json.loads(line)) for line in text.splitlines())
