"""What is known of single words, kept from answer to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Made = TypeVar("Made")

MOST = 1 << 16  # words; models write few others, and what is made up is forgotten with the rest


class Memo(dict[str, Made]):
    """A function of words that remembers what it made of them; as a dict it can be mapped without a call a word."""

    def __init__(self, make: Callable[[str], Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, word: str) -> Made:
        if len(self) >= MOST:
            self.clear()
        made = self[word] = self._make(word)
        return made
