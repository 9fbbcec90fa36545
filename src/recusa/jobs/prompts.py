"""Step 1: prompts are read, merged, divided and audited, before any model is loaded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from recusa.component import digest_each
from recusa.config import Experiment, SplitSettings
from recusa.errors import ConfigError
from recusa.registry import build
from recusa.results import Audit, Leak, Split
from recusa.split import Divided, divide, merge_repeated, unite_groups
from recusa.types import KINDS, Prompt

NAMED = 3  # pairs that an error names
SHOWN = 60  # characters of a text in it


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompts of an experiment and what the audit found."""

    train: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    audit: Audit


def _row(prompt: Prompt) -> list[str | None]:
    return [prompt.id, prompt.kind, prompt.language, prompt.category, prompt.group,
            prompt.chosen, prompt.rejected, prompt.response, prompt.refusal]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """All prompts of an experiment's sources, before they are divided.

    `fixed` says which ids sources fix to `train` or `test`; `withdrawn` are those that are fixed to both.
    """

    prompts: tuple[Prompt, ...]
    fixed: dict[str, str]
    withdrawn: tuple[Prompt, ...]

    def digest(self) -> str:
        """Digest of all that was read: texts, kinds, groups, references, and what is fixed."""
        return digest_each([*map(_row, self.prompts), sorted(self.fixed.items()), [p.id for p in self.withdrawn]])


def load_prompts(experiment: Experiment) -> Asked:
    """Read every source, merge repeated prompts, divide by group; raises InputError or ConfigError."""
    return divide_prompts(experiment, read_prompts(experiment))


def divide_prompts(experiment: Experiment, read: Read) -> Asked:
    """Merge repeated prompts and divide by group; raises InputError or ConfigError.

    With `split.strict`, a training prompt that is a copy of a test prompt is a ConfigError that names both.
    """
    settings, withdrawn = experiment.split, read.withdrawn
    merged, repeated = merge_repeated(unite_groups(read.prompts))
    divided = divide(merged, read.fixed, test_share=settings.test, seed=settings.seed, search=settings.search())
    members = Counter(prompt.group for side in (divided.train, divided.test) for prompt in side)
    divided = _limited(divided, experiment.limit, settings.seed)
    if not divided.test:
        raise ConfigError("no prompt is left to ask", 'raise split.test, or give prompts that are not use = "train"')
    leaks = _leaks(divided)
    if settings.strict and (leaks or withdrawn):
        raise ConfigError(*_refusal(leaks, withdrawn))
    split = Split(
        seed=settings.seed,
        test_share=settings.test,
        groups=divided.groups,
        train=_counts(divided.train),
        test=_counts(divided.test),
    )
    audit = Audit(
        sources=tuple(dict.fromkeys(prompt.source for prompt in read.prompts)),
        read=len(read.prompts),
        repeated=repeated,
        split=split,
        joined_groups=divided.joined,
        near=settings.near if settings.near == "words" else f"{settings.near}, {settings.encoder}",
        copies=dict(sorted(Counter(pair.how for pair in divided.copies).items())),
        largest_group=max(members.values()),
        withdrawn=len(withdrawn),
        leaks=leaks,
    )
    return Asked(divided.train, divided.test, audit)


def read_prompts(experiment: Experiment) -> Read:
    """Read every source; raises InputError or ConfigError."""
    read: list[Prompt] = []
    fixed: dict[str, str] = {}
    both: dict[str, Prompt] = {}
    for number, spec in enumerate(experiment.sources):
        source = build("sources", spec, f"sources.{number}")
        prompts = list(source.prompts())
        if source.use != "both":
            both.update((p.id, p) for p in prompts if fixed.get(p.id, source.use) != source.use)
            tested = {name for name, use in fixed.items() if use == "test"}  # what is tested is not trained on
            fixed.update((prompt.id, source.use) for prompt in prompts if prompt.id not in tested)
        read += prompts
    return Read(tuple(read), fixed, tuple(both.values()))


def _leaks(divided: Divided) -> tuple[Leak, ...]:
    known = {prompt.id: prompt for side in (divided.train, divided.test) for prompt in side}
    return tuple(
        Leak(
            train=one,
            test=other,
            how=how,
            similarity=similarity,
            train_text=known[one].text,
            test_text=known[other].text,
            train_source=known[one].source,
            test_source=known[other].source,
        )
        for one, other, how, similarity in divided.leaks()
    )


def _refusal(leaks: Sequence[Leak], withdrawn: Sequence[Prompt]) -> tuple[str, str]:
    """What a strict run says, and the hint: counts, then the first pairs."""
    counted = f"{len(leaks)} training prompts are near-copies of test prompts"
    if withdrawn:
        counted += f", {len(withdrawn)} are test prompts themselves"
    pairs = [
        f"{_short(leak.train_text)} ({leak.train_source}) ~ {_short(leak.test_text)} ({leak.test_source}), {leak.how}"
        for leak in leaks[:NAMED]
    ] + [f"{_short(prompt.text)} ({prompt.source}), on both sides" for prompt in withdrawn[: NAMED - len(leaks)]]
    return (
        f"split.strict: {counted}: {'; '.join(pairs)}" + ("; ..." if len(leaks) + len(withdrawn) > NAMED else ""),
        "take them out of one side (`recusa audit` lists all), or let both sources be split",
    )


def _short(text: str) -> str:
    """A text's beginning in one line."""
    line = " ".join(text.split())
    return repr(line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}...")


def file_or_hub(place: Path | str, **settings: Any) -> Any:
    """A source of a local file, or of the hub data set OWNER/NAME where no such file exists."""
    hub = re.fullmatch(r"\w[\w-]*/[\w.-]+", str(place)) and not Path(place).exists() and not Path(place).suffix
    where = {"name": "hub", "dataset": str(place)} if hub else {"name": "file", "path": str(place)}
    return build("sources", {**where, **settings})


def builtin_test(languages: Sequence[str]) -> list[Prompt]:
    """The built-in prompts that `recusa train` does not train on, in these languages."""
    split = SplitSettings()
    source = build("sources", {"name": "builtin", "languages": list(languages)})
    every = build("sources", "builtin")  # divided as training divides them, whatever is asked of them here
    divided = divide(list(every.prompts()), {}, test_share=split.test, seed=split.seed)
    own = {prompt.id for prompt in source.prompts()}
    return [prompt for prompt in divided.test if prompt.id in own]


def _counts(prompts: Sequence[Prompt]) -> dict[str, int]:
    counted = Counter(prompt.kind for prompt in prompts)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def _limited(divided: Divided, limit: int | None, seed: int) -> Divided:
    """At most `limit` prompts a kind on each side, whole groups first come by a seeded order.

    Another order than the split's, which sent the first groups to the test: sources kept for training would come first.
    """
    if limit is None:
        return divided

    def some(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
        left = Counter(dict.fromkeys(KINDS, limit))
        kept = []
        for prompt in sorted(prompts, key=lambda p: (sha256(f"limit|{seed}|{p.group}".encode()).digest(), p.id)):
            if left[prompt.kind] > 0:
                left[prompt.kind] -= 1
                kept.append(prompt)
        return tuple(kept)

    return replace(divided, train=some(divided.train), test=some(divided.test))
