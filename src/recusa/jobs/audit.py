"""`recusa audit`: near-copies within prompt files and across them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from recusa.errors import ConfigError
from recusa.jobs.answer_file import check_writable
from recusa.jobs.prompts import file_or_hub
from recusa.models.encoders import Encoder, encoder_at_hand
from recusa.near import HOW, How, Method, Near, Search
from recusa.protocols import Listener
from recusa.sources.file import read_rows
from recusa.types import Kind, Prompt

SCHEMA = 1
LARGEST = 10  # clusters that are described
EXAMPLES = 5  # texts of a cluster that are kept
ENCODERS: tuple[Encoder, ...] = ("mpnet-base-v2", "minilm-l6-v2")  # the better first


@dataclass(frozen=True, slots=True)
class Found:
    """Near-copies within one file, or between two: pairs of different texts, and prompts that have a copy, by the
    strongest evidence for each. Within a file `exact` counts rows that repeat an earlier one."""

    files: tuple[str, ...]
    pairs: dict[str, int]
    prompts: dict[str, dict[str, int]]  # file -> how -> prompts of it


@dataclass(frozen=True, slots=True)
class Twins:
    """One pair: where its prompts stand (file, row), their texts, how they are alike and how much."""

    one: tuple[str, int]
    other: tuple[str, int]
    texts: tuple[str, str]
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Prompts joined by near-copies: how many rows, in which files, and some of their texts."""

    size: int
    files: dict[str, int]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leakage:
    """What an audit found; `pairs` holds every pair, those across files first."""

    method: str
    files: dict[str, int]  # file -> rows
    within: tuple[Found, ...]
    across: tuple[Found, ...]
    clusters: int
    largest: tuple[Cluster, ...]
    pairs: tuple[Twins, ...]

    @property
    def crossing(self) -> int:
        """Pairs whose prompts are in different files."""
        return sum(sum(found.pairs.values()) for found in self.across)


def audit_files(
    files: Sequence[Path],
    listener: Listener,
    *,
    columns: Sequence[str] = ("prompt",),
    kind: Kind | None = None,
    search: Search | None = None,
    out: Path | None = None,
) -> Leakage:
    """Look for near-copies within and across prompt files; `out` gets all of them as JSON.

    A file's prompts are in the first of `columns` that it has. Without `search`, the best method at hand is used.
    Raises InputError naming file, row and column, or ConfigError for a file named twice.
    """
    if len({file.resolve() for file in files}) < len(files):
        raise ConfigError("the same file is named twice", "a file is also compared with itself, once is enough")
    if out is not None:
        check_writable(out, [Path(name) for name in files])
    search = search or best_search()
    rows = {name: _prompts(file, columns, kind) for name, file in _named(files).items()}
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)  # text -> where it stands
    kinds: dict[str, str | None] = {}
    for name, prompts in rows.items():
        for number, (prompt, its_kind) in enumerate(prompts, start=1):
            places[prompt.text].append((name, number))
            kinds.setdefault(prompt.text, its_kind)
    texts = list(places)
    listener("audit", 0, len(texts), f"{len(texts)} different prompts, method {described(search)}")
    near = search.find(texts, [kinds[text] for text in texts])
    listener("audit", len(texts), len(texts))
    found = _leakage(rows, texts, places, near, described(search))
    if out is not None:
        draft = out.with_name(f"{out.name}.part")
        text = json.dumps({"schema": SCHEMA, **asdict(found)}, ensure_ascii=False, indent=1)
        draft.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        draft.replace(out)
    return found


def best_search(method: Method | None = None, **settings: Any) -> Search:
    """The search that finds most with what is installed: by meaning with the better encoder, else by words."""
    at_hand = [encoder for encoder in ENCODERS if method != "words" and encoder_at_hand(encoder)]
    if at_hand:
        return Search(**{"method": "meaning", "encoder": at_hand[0], **settings})
    return Search(**{"method": method or "words", **settings})


def described(search: Search) -> str:
    """A search in words."""
    return f"words {search.similar:g}" + (
        f", meaning {search.sure:g} ({search.encoder})" if search.method == "meaning" else ""
    )


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """The files by their names, or by their paths where two have one name."""
    counts = Counter(file.name for file in files)
    return {file.name if counts[file.name] == 1 else str(file): file for file in files}


def _prompts(file: Path, columns: Sequence[str], kind: Kind | None) -> list[tuple[Prompt, str | None]]:
    """A file's prompts with their kinds, None where nothing says one."""
    column, has_kind = columns[0], True
    if file.is_file():
        first = next(iter(read_rows(file)), {})
        column = next((name for name in columns if name in first), column)
        has_kind = "kind" in first
    prompts = file_or_hub(file, kind=kind or "benign", prompt_column=column).prompts()
    return [(prompt, prompt.kind if has_kind or kind else None) for prompt in prompts]


def _leakage(
    rows: dict[str, list[tuple[Prompt, str | None]]],
    texts: Sequence[str],
    places: dict[str, list[tuple[str, int]]],
    near: Sequence[Near],
    method: str,
) -> Leakage:
    spots = [places[text] for text in texts]
    homes = [tuple(dict.fromkeys(name for name, _ in where)) for where in spots]
    within, across = [], []
    for name in rows:
        own = [pair for pair in near if name in homes[pair.one] and name in homes[pair.other]]
        repeated = sum(max(0, sum(at == name for at, _ in where) - 1) for where in spots)
        within.append(_found((name,), own, [(name, name, pair) for pair in own], repeated))
    for one, other in combinations(rows, 2):
        sides = [(a, b, pair) for a, b in ((one, other), (other, one)) for pair in near
                 if a in homes[pair.one] and b in homes[pair.other]]  # fmt: skip
        shared = [place for place, home in enumerate(homes) if one in home and other in home]
        sides += [(one, other, Near(place, place, "exact", 1.0)) for place in shared]
        across.append(_found((one, other), [pair for _, _, pair in sides], sides, 0))
    clusters = _clusters(near, spots)
    pairs = [_twins(pair, spots, texts) for pair in near]
    pairs += [
        Twins(where[0], other, (text, text), "exact", 1.0)
        for text, where in zip(texts, spots, strict=True)
        for other in where[1:]
    ]
    pairs.sort(key=lambda pair: (pair.one[0] == pair.other[0], HOW.index(pair.how), -pair.similarity))
    largest = tuple(_cluster(some, spots, texts) for some in clusters[:LARGEST])
    sizes = {name: len(prompts) for name, prompts in rows.items()}
    return Leakage(method, sizes, tuple(within), tuple(across), len(clusters), largest, tuple(pairs))


def _found(
    files: tuple[str, ...], pairs: Sequence[Near], sides: Iterable[tuple[str, str, Near]], repeated: int
) -> Found:
    """Counts of pairs, and of the prompts in them by the strongest evidence."""
    counts = Counter(pair.how for pair in pairs)
    counts["exact"] += repeated
    best: dict[str, dict[int, How]] = {name: {} for name in files}
    for one, other, pair in sorted(sides, key=lambda side: HOW.index(side[2].how)):
        best[one].setdefault(pair.one, pair.how)
        best[other].setdefault(pair.other, pair.how)
    prompts = {name: _by_how(Counter(its.values())) for name, its in best.items()}
    return Found(files, _by_how(counts), prompts)


def _by_how(counts: Counter[How]) -> dict[str, int]:
    return {how: counts[how] for how in HOW if counts[how]}


def _cluster(some: Sequence[int], spots: Sequence[Sequence[tuple[str, int]]], texts: Sequence[str]) -> Cluster:
    files = Counter(name for place in some for name, _ in spots[place])
    return Cluster(files.total(), dict(files), tuple(texts[place] for place in some[:EXAMPLES]))


def _twins(pair: Near, spots: Sequence[Sequence[tuple[str, int]]], texts: Sequence[str]) -> Twins:
    """A pair with a place of each text, in different files where there are such places."""
    first = spots[pair.one][0]
    other = next((spot for spot in spots[pair.other] if spot[0] != first[0]), spots[pair.other][0])
    if other[0] == first[0]:
        first = next((spot for spot in spots[pair.one] if spot[0] != other[0]), first)
    return Twins(first, other, (texts[pair.one], texts[pair.other]), pair.how, pair.similarity)


def _clusters(near: Sequence[Near], spots: Sequence[Sequence[tuple[str, int]]]) -> list[list[int]]:
    """Texts joined by near-copies, those of most rows first; a text alone is one where it stands several times."""
    parent = list(range(len(spots)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for pair in near:
        low, high = sorted((root(pair.one), root(pair.other)))
        parent[high] = low
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(len(spots)):
        members[root(place)].append(place)
    sized = [(sum(len(spots[place]) for place in some), some) for some in members.values()]
    return [some for size, some in sorted(sized, key=lambda one: (-one[0], one[1][0])) if size > 1]
