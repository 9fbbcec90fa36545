"""`characters`: some letters are replaced or added at random, as SmoothLLM does; the words mostly still read."""

from __future__ import annotations

import string
from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from recusa.defences.making import Making
from recusa.protocols import Draw, Given, Variant

ALPHABET = string.digits + string.ascii_letters + string.punctuation + " "


class Characters(Making):
    """Swaps, patches or inserts a share of a prompt's characters (SmoothLLM, Robey et al. 2023, arXiv 2310.03684).

    `swap` replaces characters here and there, `patch` a run of neighbours, `insert` puts new ones behind old ones.
    The new ones are printable ASCII without line breaks, and a replaced one is never drawn as itself, so `share` is
    what is damaged.
    """

    name: ClassVar[str] = "characters"

    way: Literal["swap", "patch", "insert"] = Field("swap", description="how characters are changed")
    share: float = Field(0.1, gt=0, le=1, description="part of the characters that is changed, at least one")

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        """A damaged copy of each text; None of an empty one."""
        return [
            Variant(self._damaged(draw.text, draw.rng), claim="letters")
            if draw.text
            else Variant(None, "Empty", claim="letters", final=True)
            for draw in draws
        ]

    def _damaged(self, text: str, rng: Random) -> str:
        count = max(1, int(len(text) * self.share))
        if self.way == "patch":
            start = rng.randrange(len(text) - count + 1)
            places = range(start, start + count)
        else:
            places = range(0)
        picked = set(places) or set(rng.sample(range(len(text)), count))
        letters = (self._changed(letter, rng) if place in picked else letter for place, letter in enumerate(text))
        return "".join(letters)

    def _changed(self, letter: str, rng: Random) -> str:
        if self.way == "insert":
            return letter + rng.choice(ALPHABET)
        return rng.choice(ALPHABET.replace(letter, ""))
