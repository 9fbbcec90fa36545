"""Which words and runs of words an answer uses, in its opening and as a whole; Portuguese counts as its English."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import NamedTuple

from recusa.judges.detector_acts import rows
from recusa.judges.memo import Memo

OPENING = 40  # tokens whose words are weighed apart
_ENGLISH_WORDS = "the of to is and that it you for with are not as be this have can i my we your"
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_BOTH = frozenset(("a", "as", "do", "me", "no", "so"))  # words of both languages tell neither
_SAME: dict[str, str] = {}  # words that weigh, as the one string that is found in tables without being compared
_BRACKETS = frozenset("()")  # they stand for no word, and some answers are full of them
_SHORTEST, _LONGEST = 3, 14  # letters of the beginnings of Portuguese words
_ENDINGS = ("ing", "ed", "ly", "es", "s")

Name = str | tuple[str, ...]


class Part(NamedTuple):
    """What is told apart in a run of words: single words, runs of two or three, and what sentences begin with."""

    words: frozenset[str]
    runs: frozenset[tuple[str, ...]]
    starts: frozenset[tuple[str, ...]]

    @property
    def share(self) -> float:
        """What each counts for, so that long answers weigh no more than short ones."""
        return 1 / math.sqrt(len(self.words) + len(self.runs) + len(self.starts) or 1)


class Table(NamedTuple):
    """The weights of one part's words, runs and starts."""

    words: dict[str, float]
    runs: dict[tuple[str, ...], float]
    starts: dict[tuple[str, ...], float]

    def score(self, part: Part) -> float:
        """What a part adds to the log-odds; the sum is exact, so that no order of summing shows."""
        found = chain(map(self.words.get, part.words), map(self.runs.get, part.runs), map(self.starts.get, part.starts))
        return math.fsum(filter(None, found)) * part.share


def parts(tokens: Sequence[str]) -> tuple[dict[str, Part], bool]:
    """The opening (`o`), its runs of three words (`t`) and the whole (`w`) of an answer, Portuguese as English.

    With it comes whether the answer is Portuguese: whether those words are more than twice as many as English ones.
    """
    known = list(map(_WORDS.__getitem__, [token for token in tokens if token not in _BRACKETS]))
    stems, translated, english, foreign = zip(*known, strict=True) if known else ((),) * 4
    portuguese = sum(foreign) > 2 * sum(english)
    words = translated if portuguese else stems
    opening = words[:OPENING]
    threes = frozenset(zip(opening, opening[1:], opening[2:], strict=False))
    return {"o": _part(opening), "t": Part(frozenset(), threes, frozenset()), "w": _part(words)}, portuguese


def features(found: Mapping[str, Part]) -> dict[str, float]:
    """The parts as named features: `w word`, `w two words`, `t three words more`, `w ^start of sentence`."""
    named: dict[str, float] = {}
    for mark, part in found.items():
        share = part.share
        for name in _names(mark, part):
            named[name] = share
    return named


def tables(weights: Mapping[str, float]) -> dict[str, Table]:
    """The weights of named word features, ready for scoring."""
    made = {}
    for mark in "otw":
        words: dict[str, float] = {}
        runs: dict[tuple[str, ...], float] = {}
        starts: dict[tuple[str, ...], float] = {}
        for name, weight in weights.items():
            if not name.startswith(mark + " "):
                continue
            key = tuple([_SAME.setdefault(word, word) for word in name[2:].removeprefix("^").split(" ")])
            if name[2] == "^":
                starts[key] = weight
            elif len(key) == 1:
                words[key[0]] = weight
            else:
                runs[key] = weight
        made[mark] = Table(words, runs, starts)
    return made


@cache
def translations() -> dict[str, str]:
    """Portuguese words and the English words that are weighed in their place."""
    return {
        word: row["english"]
        for row in rows("detector_portuguese.tsv")
        for word in row["portuguese"].split()
        if word[-1] != "*"
    }


@cache
def beginnings() -> dict[str, str]:
    """Beginnings of Portuguese words (`word*` in the table) and the English words that are weighed in their place."""
    found: dict[str, str] = {}
    for row in rows("detector_portuguese.tsv"):
        for word in row["portuguese"].split():
            if word[-1] == "*":
                found.setdefault(word[:-1], row["english"])
    return found


def _names(mark: str, part: Part) -> Iterator[str]:
    yield from (f"{mark} {word}" for word in part.words)
    yield from (f"{mark} {' '.join(run)}" for run in part.runs)
    yield from (f"{mark} ^{' '.join(start)}" for start in part.starts)


def _part(words: Sequence[str]) -> Part:
    begins = [0] if words else []
    begins += [i + 1 for i, word in enumerate(words[:-1]) if word == "."]
    starts = {tuple(words[i : i + size]) for i in begins for size in (1, 2, 3)}
    return Part(frozenset(words), frozenset(pairwise(words)), frozenset(starts))


class _Word(NamedTuple):
    """What is known of a token, numbers being alike: its stem, its translation's, and which language it speaks for."""

    stem: str
    translated: str
    english: bool
    portuguese: bool


def _word(token: str) -> _Word:
    word = token if token[0].isalpha() else ("0" if token[0].isdigit() else token[0])
    table = translations()
    known = word in table
    stem, translated = _stem(word), _stem(table[word] if known else _by_beginning(word))
    return _Word(
        _SAME.get(stem, stem), _SAME.get(translated, translated), word in _ENGLISH, known and word not in _BOTH
    )


_WORDS = Memo(_word)


def _by_beginning(word: str) -> str:
    """The English word for the longest known beginning of a Portuguese word, or the word itself."""
    table = beginnings()
    for end in range(min(len(word), _LONGEST), _SHORTEST - 1, -1):
        if word[:end] in table:
            return table[word[:end]]
    return word


def _stem(word: str) -> str:
    """A word without the commonest English endings."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word[: -len(ending)]
    return word
