"""Joining near-copies, dividing prompts by group between training and test, and looking for what leaks across."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil

from recusa.errors import InputError
from recusa.types import Prompt

SIMILAR = 0.7  # share of words two prompts must have in common to count as near-copies


@dataclass(frozen=True, slots=True)
class Divided:
    """Training and test prompts, and how many groups near-copies joined."""

    train: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    groups: int
    joined: int


def merge_repeated(prompts: Iterable[Prompt]) -> tuple[list[Prompt], int]:
    """Keep the first of equal prompts, with what later ones know; raises InputError when two kinds disagree."""
    kept: dict[str, Prompt] = {}
    repeated = 0
    for prompt in prompts:
        if prompt.id not in kept:
            kept[prompt.id] = prompt
            continue
        first = kept[prompt.id]
        repeated += 1
        if first.kind != prompt.kind:
            raise InputError(
                f"the same prompt is {first.kind} in {first.source} and {prompt.kind} here: {prompt.text[:60]!r}",
                file=prompt.source,
                row=prompt.row,
                column="kind",
                hint="keep one of the two",
            )
        known = {
            name: getattr(prompt, name)
            for name in ("category", "group", "chosen", "rejected", "response", "refusal")
            if not getattr(first, name)
        }
        kept[prompt.id] = replace(first, **known)
    return list(kept.values()), repeated


def unite_groups(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts with one group where the same text stands in two: both groups become one, all members with them."""
    parent = {prompt.group: prompt.group for prompt in prompts if prompt.group}
    first: dict[str, str] = {}
    for prompt in prompts:
        if prompt.group:
            _unite(parent, first.setdefault(prompt.id, prompt.group), prompt.group)
    return [replace(prompt, group=_root(parent, prompt.group)) if prompt.group else prompt for prompt in prompts]


def _root(parent: dict[str, str], group: str) -> str:
    while parent[group] != group:
        parent[group] = parent[parent[group]]
        group = parent[group]
    return group


def _unite(parent: dict[str, str], one: str, other: str) -> bool:
    low, high = sorted((_root(parent, one), _root(parent, other)))
    parent[high] = low
    return low != high


def divide(prompts: Sequence[Prompt], fixed: dict[str, str], *, test_share: float, seed: int) -> Divided:
    """Divide by group, seeded, stratified by kind and category; `fixed` maps ids to `train` or `test`.

    A group with a fixed member goes where that member must. The outcome does not depend on the order of the prompts.
    """
    grouped, joined = join_groups(prompts)
    members: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in grouped:
        members[prompt.group].append(prompt)
    tested = {prompt.group for prompt in grouped if fixed.get(prompt.id) == "test"}
    trained = {prompt.group for prompt in grouped if fixed.get(prompt.id) == "train"}
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for group, its in members.items():
        if group not in tested | trained:
            strata[(*sorted({p.kind for p in its}), *sorted({p.category for p in its}))].append(group)
    owed = 0.0
    for stratum in sorted(strata):
        order = sorted(strata[stratum], key=lambda group: sha256(f"{seed}|{group}".encode()).digest())
        owed += test_share * len(order)  # what rounding leaves is carried on, so that the whole keeps its share
        take = min(len(order), round(owed))
        owed -= take
        tested.update(order[:take])
    # a prompt fixed to one side stays there even when its near-copy is fixed to the other: such leaks are listed
    test = tuple(p for p in grouped if fixed.get(p.id, "test" if p.group in tested else "train") == "test")
    train = tuple(p for p in grouped if fixed.get(p.id, "test" if p.group in tested else "train") == "train")
    return Divided(train, test, len(members), joined)


def join_groups(prompts: Sequence[Prompt]) -> tuple[list[Prompt], int]:
    """Give every prompt a group, joining groups whose prompts are near-copies; returns how many were joined."""
    own = [prompt.group or prompt.id for prompt in prompts]
    parent = {group: group for group in own}

    joined = 0
    for one, other, _ in near_copies([prompt.text for prompt in prompts]):
        joined += _unite(parent, own[one], own[other])
    return [replace(prompt, group=_root(parent, group)) for prompt, group in zip(prompts, own, strict=True)], joined


def leaks(train: Sequence[Prompt], test: Sequence[Prompt]) -> list[tuple[str, str, float]]:
    """Near-copies across the split: (training id, test id, share of words in common)."""
    both = [*train, *test]
    edge = len(train)
    return [
        (both[one].id, both[other].id, round(similarity, 4))
        for one, other, similarity in near_copies([prompt.text for prompt in both])
        if one < edge <= other
    ]


def near_copies(texts: Sequence[str], threshold: float = SIMILAR) -> Iterator[tuple[int, int, float]]:
    """All pairs of texts (by index, first < second) whose word sets have Jaccard similarity of at least `threshold`.

    Exact, by prefix filtering over the rarest words (Bayardo, Ma and Srikant 2007).
    """
    words = [frozenset(re.findall(r"\w+", text.casefold())) or frozenset({text}) for text in texts]
    counts = Counter(word for some in words for word in some)
    seen: dict[str, list[int]] = defaultdict(list)
    for index, some in enumerate(words):
        rare = sorted(some, key=lambda word: (counts[word], word))
        rare = rare[: len(rare) - ceil(threshold * len(rare)) + 1]
        for other in sorted({earlier for word in rare for earlier in seen[word]}):
            common = len(some & words[other])
            similarity = common / (len(some) + len(words[other]) - common)
            if similarity >= threshold:
                yield other, index, similarity
        for word in rare:
            seen[word].append(index)
