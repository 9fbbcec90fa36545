"""What a prompt wants, told by its form and never by how harmful it is: a harmful prompt proves no refusal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from recusa.judges.detector_acts import rows
from recusa.judges.detector_text import plain
from recusa.judges.memo import Memo

_CHARACTERS = 1500
_STEM = 5  # letters that words of one subject share
_SHORTEST = 3
_WORD = re.compile(r"[^\W_]{3,}")


class Asked(NamedTuple):
    """A prompt as the detector sees it.

    `kind` is what it wants: `how` to do something, `why` (`loaded` when it takes a claim for granted, `ability` when it
    asks why something cannot be), a text to `write`, `what` something is, `whether` something is so, or `other`.
    `subject` holds the beginnings of the words that carry it; `asks_refusal` says that the text asked for may itself
    decline something, `asks_words` that it is to be rephrased, translated, acted or completed.
    """

    kind: str
    subject: frozenset[str]
    asks_refusal: bool
    asks_words: bool


class _Patterns(NamedTuple):
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    polite: re.Pattern[str]
    refusal: re.Pattern[str]
    words: re.Pattern[str]
    common: frozenset[str]


@lru_cache(maxsize=4096)
def ask(prompt: str) -> Asked:
    """The form and the subject of a prompt."""
    table = _patterns()
    asked = plain(prompt[:_CHARACTERS])
    kind = _kind(table.polite.sub("", asked)) if asked else ""
    words = table.words.search(asked) is not None
    refusal = (words or kind in ("write", "other")) and table.refusal.search(asked) is not None
    return Asked(kind, frozenset(stems(asked)), refusal, words)


def stems(text: str) -> set[str]:
    """Beginnings of the words that carry the subject."""
    common = _patterns().common
    return {word[:_STEM] for word in _WORD.findall(text) if word not in common}


def stems_of(tokens: Iterable[str]) -> list[str]:
    """For each token what `stems` would make of it: the beginning of a word that may carry the subject, or nothing."""
    return list(map(_STEMS.__getitem__, tokens))


def _stem(token: str) -> str:
    return "" if len(token) < _SHORTEST or token in _patterns().common else token[:_STEM]


_STEMS = Memo(_stem)


def _kind(asked: str) -> str:
    return next((name for name, pattern in _patterns().kinds if pattern.match(asked)), "other")


@cache
def _patterns() -> _Patterns:
    """The patterns of the data file; the kinds are tried in its order."""
    table = [(row["name"], row["pattern"]) for row in rows("detector_prompts.tsv")]
    other = dict(table)
    polite, refusal, words = (re.compile(other.pop(name)) for name in ("polite", "asks refusal", "asks words"))
    common = frozenset(other.pop("common").split("|"))
    kinds = tuple((name, re.compile(pattern)) for name, pattern in table if name in other)
    return _Patterns(kinds, polite, refusal, words, common)
