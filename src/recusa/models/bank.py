"""A bank of known refusals and known compliant openings, to which new texts are compared by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from recusa.errors import ConfigError
from recusa.models.embedder import embed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Bank:
    """Two sides of example texts; `k` is how many nearest examples of a side a text is compared to."""

    refusals: tuple[str, ...]
    compliances: tuple[str, ...]
    k: int = 5

    def margins(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Mean cosine to the k nearest refusals minus the same for compliances, one number per text, in -2..2."""
        for side, examples in (("refusals", self.refusals), ("compliances", self.compliances)):
            if not examples:
                raise ConfigError(f"the bank of {side} is empty", "give it at least one example of each side")
        if self.k < 1:
            raise ConfigError(f"a bank cannot compare with k = {self.k} examples", "set k to 1 or more")
        vectors = embed(texts)
        return _nearest(vectors, _side(self.refusals), self.k) - _nearest(vectors, _side(self.compliances), self.k)


@lru_cache(maxsize=16)
def _side(texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """The vectors of one side, embedded once per process however many banks hold it."""
    return embed(texts)


def _nearest(vectors: npt.NDArray[np.float32], side: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    import numpy as np

    similarities = np.sort(vectors @ side.T, axis=1)
    return np.asarray(similarities[:, -k:].mean(axis=1), dtype=np.float32)
