"""From two models' answers to numbers: lengths, paired shares, exact answers and what slipped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from recusa.exact.items import Item
from recusa.jobs.compare import ALL
from recusa.stats import Group, change, ratio_interval
from recusa.types import Answer, Prompt
from recusa.wholeness import Exact, Lengths, Paired, Slip

if TYPE_CHECKING:
    from recusa.jobs.whole import Heard

SLIPS = 24  # items shown per language


def lengths(answered: Sequence[tuple[Prompt, Answer, Answer]], alpha: float) -> Lengths | None:
    """Answer lengths in tokens; the interval of the mean paired difference is a bootstrap over groups."""
    if not answered:
        return None
    before = [first.answer_tokens for _, first, _ in answered]
    after = [second.answer_tokens for _, _, second in answered]
    change = [float(b - a) for a, b in zip(before, after, strict=True)]
    ends = ratio_interval(change, [1.0] * len(change), groups_of([prompt for prompt, _, _ in answered]), alpha)
    return Lengths(
        mean_before=fmean(before),
        mean_after=fmean(after),
        median_before=float(median(before)),
        median_after=float(median(after)),
        change=fmean(change),
        low=ends.low if ends else None,
        high=ends.high if ends else None,
        cut_before=sum(first.stop == "length" for _, first, _ in answered),
        cut_after=sum(second.stop == "length" for _, _, second in answered),
    )


def groups_of(prompts: Sequence[Prompt]) -> list[str]:
    """What must be drawn together; a prompt without a group is one of its own."""
    return [prompt.group or prompt.id for prompt in prompts]


def paired(pairs: Sequence[tuple[bool, bool]], alpha: float, groups: Sequence[str] | None = None) -> Paired | None:
    """A property before and after, on the same rows; None without rows. Rows of one of `groups` are taken together."""
    if not pairs:
        return None
    tallies: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for (first, second), group in zip(pairs, groups or map(str, range(len(pairs))), strict=True):
        own = tallies[group]
        own[0] += 1
        own[1] += second and not first
        own[2] += first and not second
    found = change([Group(*own) for own in tallies.values()], alpha)
    before = sum(first for first, _ in pairs)
    gained, lost = (pairs.count(pair) for pair in ((False, True), (True, False)))
    return Paired(
        n=len(pairs),
        before=before,
        after=before + gained - lost,
        gained=gained,
        lost=lost,
        difference=found.difference,
        low=found.interval.low,
        high=found.interval.high,
        p=found.p,
    )


def exact_rows(asked: Sequence[Item], heard: Heard, alpha: float) -> Iterator[Exact]:
    """Right answers before and after, of each language whole and category by category."""
    for language in dict.fromkeys(item.language for item in asked):
        own = [item for item in asked if item.language == language]
        for category in (ALL, *dict.fromkeys(item.category for item in own)):
            cell = [item for item in own if category in (ALL, item.category)]
            pairs = list(_pairs(cell, heard))
            right = paired([(_right(item, first), _right(item, second)) for item, first, second in pairs], alpha)
            if right is None:
                continue
            yield Exact(
                language=language,
                category=category,
                right=right,
                refused_before=sum(_refused(item, first, heard) for item, first, _ in pairs),
                refused_after=sum(_refused(item, second, heard) for item, _, second in pairs),
                failed=len(cell) - len(pairs),
            )


def slips(asked: Sequence[Item], heard: Heard) -> Iterator[Slip]:
    """The first items of each language that the base had right and the tuned model has wrong."""
    for language in dict.fromkeys(item.language for item in asked):
        lost = [
            (item, first, second)
            for item, first, second in _pairs([item for item in asked if item.language == language], heard)
            if _right(item, first) and not _right(item, second)
        ]
        for item, first, second in lost[:SLIPS]:
            yield Slip(
                language=language,
                category=item.category,
                prompt=item.prompt,
                before=first.text,
                after=second.text,
                why=item.marked(second.text).why,
                refused=_refused(item, second, heard),
            )


def _pairs(asked: Sequence[Item], heard: Heard) -> Iterator[tuple[Item, Answer, Answer]]:
    by_id = {item.asked().id: item for item in asked}
    for prompt, first, second in heard.both([item.asked() for item in asked]):
        yield by_id[prompt.id], first, second


def _right(item: Item, said: Answer) -> bool:
    return item.marked(said.text).right


def _refused(item: Item, said: Answer, heard: Heard) -> bool:
    """Whether an answer is wrong because it refuses; a right one in a refusing voice is right."""
    return not _right(item, said) and heard.outcome(item.asked(), said) == "refused"
