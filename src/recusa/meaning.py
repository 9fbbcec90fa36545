"""Whether two texts ask the same in other words: sentence vectors, neighbourhoods and words, weighed together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import log
from typing import TYPE_CHECKING

from recusa.models.encoders import Encoder
from recusa.near import SURE, plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

FLOOR = 0.55  # cosine below which no pair is looked at
DENSITY = 0.45  # a neighbourhood's similarity is taken to be at least this: a small set of texts has none
NEIGHBOURS = 5  # of these nearest texts the mean similarity says how crowded a place is
BLOCK = 1024  # texts compared with all others at once
FEATURES = ("cosine", "over density", "over next", "words", "content", "contained", "grams", "numbers", "length")
WEIGHTS: dict[Encoder, tuple[float, ...]] = {  # one a feature, then what is added
    "minilm-l6-v2": (11.6533, 3.025, 1.5223, -1.9337, -0.4185, -0.6129, -0.3302, -0.4108, -0.3407, -8.39),
    "mpnet-base-v2": (13.1339, 3.4704, 2.7744, -1.1038, -0.4063, -0.3118, -0.2411, -0.4116, -0.4481, -9.983),
}
CERTAIN: dict[Encoder, float] = {"minilm-l6-v2": 0.92, "mpnet-base-v2": 0.9}  # cosine of even odds in any crowd
STEEP = 60.0  # how fast the odds rise round it: sets made from templates are crowded with true copies
STOP = frozenset((
    "a", "an", "the", "of", "to", "in", "on", "at", "for", "with", "and", "or", "is", "are", "was", "were", "be",
    "been", "being", "do", "does", "did", "i", "you", "he", "she", "it", "we", "they", "me", "my", "your", "his",
    "her", "its", "our", "us", "them", "their", "this", "that", "these", "those", "what", "which", "who", "whom",
    "how", "why", "when", "where", "can", "could", "would", "should", "will", "may", "might", "must", "have", "has",
    "had", "not", "no", "so", "as", "if", "than", "then", "from", "by", "about", "into", "out", "up", "down",
    "over", "there", "please", "some", "any", "give", "tell", "show", "write", "list", "name", "explain",
    "describe", "generate", "create", "make", "provide", "o", "os", "um", "uma", "de", "da", "das", "dos", "em",
    "na", "nos", "nas", "para", "por", "com", "e", "ou", "que", "se", "eu", "meu", "minha", "seu", "sua", "como",
    "qual", "quais", "quando", "onde", "quem", "é", "foi", "ser", "ao", "à",
))  # fmt: skip
NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")


def same_meaning(texts: Sequence[str], encoder: Encoder, sure: float = SURE) -> Iterator[tuple[int, int, float]]:
    """Pairs of texts (by index, first < second) that ask the same, with a score of at least `sure`, 0..1.

    A logistic regression over FEATURES, fitted on written paraphrases by `benchmarks/audit.py` and shifted so that 0.5
    is the threshold chosen there: a score, not a probability. Raises MissingPackage without `recusa[local]`.
    """
    from recusa.models.vectors import kept_vectors

    if len(texts) < 2:
        return
    pairs, values = pair_features(texts, kept_vectors(texts, encoder))
    for (one, other), score in zip(pairs, scores(values, encoder), strict=True):
        if score >= sure:
            yield one, other, float(score)


def scores(values: npt.NDArray[np.float64], encoder: Encoder, weights: Sequence[float] = ()) -> npt.NDArray[np.float64]:
    """Scores of pairs from their FEATURES, 0..1: by the weights, or by the cosine alone where that is higher."""
    import numpy as np

    *each, bias = weights or WEIGHTS[encoder]
    odds = np.maximum(values @ np.array(each) + bias, STEEP * (values[:, 0] - CERTAIN[encoder]))
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def pair_features(texts: Sequence[str], vectors: Floats) -> tuple[list[tuple[int, int]], npt.NDArray[np.float64]]:
    """Pairs with a cosine of at least FLOOR, and their FEATURES, shape (pairs, features)."""
    import numpy as np

    ones, others, cosines, nearest = _candidates(vectors)
    density, following = _neighbourhoods(ones, others, cosines, nearest)
    words = [_Words(text) for text in texts]
    pairs = [(int(one), int(other)) for one, other in zip(ones, others, strict=True)]
    worded = np.array([words[one].compared(words[other]) for one, other in pairs]).reshape(len(pairs), 6)
    return pairs, np.column_stack([cosines, cosines - density, cosines - following, worded]).astype(np.float64)


def _candidates(vectors: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats, Floats]:
    """Pairs in order with their cosines, and for each text its NEIGHBOURS + 1 highest cosines, falling."""
    import numpy as np

    keep = min(NEIGHBOURS + 1, len(vectors) - 1)
    ones, others, cosines, nearest = [], [], [], []
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK] @ vectors.T
        rows = np.arange(len(block))
        block[rows, rows + start] = -1.0
        nearest.append(-np.sort(np.partition(-block, keep - 1, axis=1)[:, :keep], axis=1))
        found = np.argwhere(block >= FLOOR)
        found = found[found[:, 1] > found[:, 0] + start]
        ones.append(found[:, 0] + start)
        others.append(found[:, 1])
        cosines.append(block[found[:, 0], found[:, 1]])
    return np.concatenate(ones), np.concatenate(others), np.concatenate(cosines), np.concatenate(nearest)


def _neighbourhoods(
    ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64], cosines: Floats, nearest: Floats
) -> tuple[Floats, Floats]:
    """For each pair: how crowded the places of both are, and the nearest any third text comes to the lonelier one.

    The pair's own similarity is left out of both (Conneau et al. 2018 correct hubs by the same density).
    """
    import numpy as np

    padded = np.full((len(nearest), NEIGHBOURS + 1), DENSITY, dtype=np.float32)
    padded[:, : nearest.shape[1]] = np.maximum(nearest, DENSITY)
    sides = []
    for side in (ones, others):
        theirs = padded[side]
        own = np.argmin(np.abs(theirs - cosines[:, None]), axis=1)  # the pair's own place, or the last one's
        own = np.where(cosines >= theirs[:, -1] - 1e-6, own, NEIGHBOURS)
        without = theirs.copy()
        without[np.arange(len(theirs)), own] = np.nan
        sides.append((np.nanmean(without, axis=1), np.nanmax(without, axis=1)))
    (crowd, top), (other_crowd, other_top) = sides
    return (crowd + other_crowd) / 2, np.minimum(top, other_top)


class _Words:
    """What of a text's words is compared."""

    def __init__(self, text: str) -> None:
        words = plain(text).split()
        self.words = frozenset(words)
        self.content = frozenset(word for word in words if word not in STOP) or self.words
        self.grams = frozenset(word[i : i + 4] for word in self.content for i in range(max(1, len(word) - 3)))
        self.numbers = frozenset(NUMBERS.findall(text))
        self.length = max(1, len(words))

    def compared(self, other: _Words) -> tuple[float, ...]:
        """Shares in common, 0..1: words, content words, of the shorter text's content, four-letter pieces; then the
        share of numbers that only one has, and the logarithm of the ratio of lengths."""
        common = len(self.content & other.content)
        return (
            _share(len(self.words & other.words), len(self.words | other.words)),
            _share(common, len(self.content | other.content)),
            _share(common, min(len(self.content), len(other.content))),
            _share(2 * len(self.grams & other.grams), len(self.grams) + len(other.grams)),
            _share(len(self.numbers ^ other.numbers), len(self.numbers | other.numbers)),
            abs(log(self.length / other.length)),
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
