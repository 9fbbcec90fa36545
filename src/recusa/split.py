"""Joining near-copies, dividing prompts by group between training and test, and looking for what leaks across."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

from recusa.errors import InputError
from recusa.near import How, Search
from recusa.types import Prompt

VERSION = 1  # raised when the same prompts would be divided otherwise
WORDS = Search()


class Copies(NamedTuple):
    """Two near-copies by their prompts' ids: how they are alike, and how much (0..1)."""

    one: str
    other: str
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Divided:
    """Training and test prompts, how many groups near-copies joined, and the near-copies of different groups."""

    train: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    groups: int
    joined: int
    copies: tuple[Copies, ...] = ()

    def leaks(self) -> list[Copies]:
        """Near-copies across the split, the training prompt first."""
        train, test = {prompt.id for prompt in self.train}, {prompt.id for prompt in self.test}
        found = (pair if pair.one in train else pair._replace(one=pair.other, other=pair.one) for pair in self.copies)
        return [pair for pair in found if pair.one in train and pair.other in test]


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
            place = first.source if first.row is None else f"{first.source}, row {first.row},"
            raise InputError(
                f"the same prompt is {first.kind} in {place} and {prompt.kind} here: {prompt.text[:60]!r}",
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


def divide(
    prompts: Sequence[Prompt], fixed: dict[str, str], *, test_share: float, seed: int, search: Search = WORDS
) -> Divided:
    """Divide by group, seeded, stratified by kind and category; `fixed` maps ids to `train` or `test`.

    A group with a fixed member goes where that member must. The outcome does not depend on the order of the prompts.
    """
    grouped, joined, copies = join_groups(prompts, search)
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
    return Divided(train, test, len(members), joined, tuple(copies))


def join_groups(prompts: Sequence[Prompt], search: Search = WORDS) -> tuple[list[Prompt], int, list[Copies]]:
    """Give every prompt a group, joining groups whose prompts are near-copies; also how many were joined, and the
    near-copies. What is found does not depend on the order of the prompts."""
    own = {prompt.id: prompt.group or prompt.id for prompt in prompts}
    parent = {group: group for group in own.values()}
    ordered = sorted(prompts, key=lambda prompt: prompt.id)
    found = search.find([prompt.text for prompt in ordered], [prompt.kind for prompt in ordered])
    copies = [Copies(ordered[pair.one].id, ordered[pair.other].id, pair.how, pair.similarity) for pair in found]
    joined = sum(_unite(parent, own[pair.one], own[pair.other]) for pair in copies)
    return [replace(prompt, group=_root(parent, own[prompt.id])) for prompt in prompts], joined, copies
