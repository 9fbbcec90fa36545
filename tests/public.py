"""The public data sets beside the project, where they are, and which of their prompts a text repeats."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

NEAR_DUPLICATE = 0.7


def words_of(text: str) -> list[str]:
    """Words and numbers in lower case."""
    return re.findall(r"[a-z0-9à-öø-ÿ]+(?:'[a-z]+)?", text.lower())


def near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether the Jaccard similarity of two word sets is too high."""
    common = len(one & other)
    return common >= NEAR_DUPLICATE * (len(one) + len(other) - common)


def public_folder() -> Path:
    """Where the data sets are; skips the test when they are not."""
    folder = Path(os.environ.get("RECUSA_PUBLIC_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}; RECUSA_PUBLIC_DATA names the folder")
    return folder


def repeated(texts: Sequence[str]) -> dict[str, list[str]]:
    """Those of some texts that share seven words of ten with a public prompt, with its words."""
    published: defaultdict[str, list[frozenset[str]]] = defaultdict(list)  # by each word that a set of words holds
    for words in {frozenset(words_of(text)) for text in _prompts(public_folder())}:
        for word in words:
            published[word].append(words)
    assert published, "no public prompts"
    found: dict[str, list[str]] = {}
    for text in texts:
        mine = frozenset(words_of(text))
        # A set that shares seven words of ten holds one of any four tenths of mine: the rarest are looked up.
        rarest = sorted(mine, key=lambda word: (len(published.get(word, ())), word))
        looked_up = rarest[: len(mine) - math.ceil(NEAR_DUPLICATE * len(mine)) + 1]
        rivals = {rival for word in looked_up for rival in published.get(word, ()) if near(mine, rival)}
        if rivals:
            found[text] = [" ".join(sorted(rival)) for rival in rivals]
    return found


def _prompts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            yield from (row["goal"] for row in csv.DictReader(lines))
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from (row["prompt"] for row in map(json.loads, lines) if "prompt" in row)
