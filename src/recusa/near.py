"""Near-copies among texts: the same text, the same but for its form, nearly the same words, the same meaning."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from recusa.models.encoders import Encoder

SIMILAR = 0.7  # share of words two texts must have in common to count as near-copies
ROUNDING = 1e-9  # 0.55 * 20 is a little more than 11
SURE = 0.5  # score from which two texts count as asking the same
Method = Literal["words", "meaning"]
How = Literal["exact", "form", "words", "meaning"]
HOW: tuple[How, ...] = ("exact", "form", "words", "meaning")  # strongest evidence first


class Near(NamedTuple):
    """Two near-copies by their places, first < second: how they are alike, and how much (0..1)."""

    one: int
    other: int
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Search:
    """How near-copies are looked for; `similar` is a share of words in common, `sure` a score of meaning, both 0..1."""

    method: Method = "words"
    encoder: Encoder = "mpnet-base-v2"
    similar: float = SIMILAR
    sure: float = SURE

    def find(self, texts: Sequence[str], kinds: Sequence[str | None] = ()) -> list[Near]:
        """All near-copies in order of their places, each pair once with the strongest evidence for it.

        `words` needs no package: equal texts, texts equal but for case, punctuation, Unicode form and white space, and
        those with a share of words in common of at least `similar`. `meaning` adds pairs that ask the same in other
        words (see `recusa.meaning`), unless `kinds` says that one is harmful and the other is not; it raises
        MissingPackage without `recusa[local]`. Of many texts of one form, each is paired with the one before it only.
        """
        forms = [plain(text) for text in texts]
        found = {(one, other): Near(one, other, how, 1.0) for how, one, other in _alike(texts, forms)}
        firsts = _firsts(forms)
        for one, other, similarity in _sharing([_words(forms[place], texts[place]) for place in firsts], self.similar):
            pair = firsts[one], firsts[other]
            found[pair] = Near(*pair, "words", round(similarity, 4))
        if self.method == "meaning":
            from recusa.meaning import same_meaning

            distinct = [texts[place] for place in firsts]
            for one, other, similarity in same_meaning(distinct, self.encoder, self.sure):
                pair = firsts[one], firsts[other]
                if not kinds or not _opposed(kinds[pair[0]], kinds[pair[1]]):
                    found.setdefault(pair, Near(*pair, "meaning", round(similarity, 4)))
        return sorted(found.values())


def _opposed(one: str | None, other: str | None) -> bool:
    """Whether people called one text harmful and the other not: twins share words on purpose, not what they ask."""
    return one is not None and other is not None and (one == "harmful") != (other == "harmful")


def _firsts(forms: Sequence[str]) -> list[int]:
    """The place of the first text of each form, in order."""
    return sorted({form: place for place, form in reversed(list(enumerate(forms)))}.values())


def plain(text: str) -> str:
    """A text's words in one form: Unicode NFKC, case folded, without punctuation, one space between words."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded)) or " ".join(folded.split())


def _alike(texts: Sequence[str], forms: Sequence[str]) -> Iterator[tuple[How, int, int]]:
    """Neighbours among texts of one form: equal texts first, then the first of each wording."""
    filed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (text, form) in enumerate(zip(texts, forms, strict=True)):
        filed[form][text].append(place)
    for wordings in filed.values():
        for places in wordings.values():
            yield from (("exact", one, other) for one, other in pairwise(places))
        yield from (("form", one, other) for one, other in pairwise(places[0] for places in wordings.values()))


def near_copies(texts: Sequence[str], threshold: float = SIMILAR) -> Iterator[tuple[int, int, float]]:
    """All pairs of texts (by index, first < second) whose word sets have Jaccard similarity of at least `threshold`.

    Exact, by prefix filtering over the rarest words (Bayardo, Ma and Srikant 2007).
    """
    return _sharing([_words(plain(text), text) for text in texts], threshold)


def _words(form: str, text: str) -> frozenset[str]:
    return frozenset(form.split()) or frozenset({text})


def _sharing(texts: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    counts = Counter(word for words in texts for word in words)
    rank = {word: place for place, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    ranked = [frozenset(rank[word] for word in words) for words in texts]  # numbers compare faster than words
    seen: dict[int, list[int]] = defaultdict(list)
    for index, some in enumerate(ranked):
        size = len(some)
        least = ceil(threshold * size - ROUNDING)  # words in common with anything that is near
        rare = sorted(some)[: size - least + 1]
        for other in sorted(set().union(*(seen[word] for word in rare))):
            theirs = ranked[other]
            if least <= len(theirs) and threshold * len(theirs) - ROUNDING <= size:
                common = len(some & theirs)
                similarity = common / (size + len(theirs) - common)
                if similarity >= threshold:
                    yield other, index, similarity
        for word in rare:
            seen[word].append(index)
