"""Step 1: prompts are read, merged, divided and audited, before any model is loaded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.config import Experiment
from recusa.errors import ConfigError
from recusa.registry import build
from recusa.results import Audit, Split
from recusa.split import Divided, divide, leaks, merge_repeated, unite_groups
from recusa.types import KINDS, Prompt


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompts of an experiment and what the audit found."""

    train: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    audit: Audit

    def digest(self) -> str:
        """Digest of all that was read: texts, kinds, groups and references."""
        return digest([[_row(prompt) for prompt in side] for side in (self.train, self.test)])


def _row(prompt: Prompt) -> list[str | None]:
    return [prompt.id, prompt.kind, prompt.language, prompt.category, prompt.group,
            prompt.chosen, prompt.rejected, prompt.response, prompt.refusal]  # fmt: skip


def load_prompts(experiment: Experiment) -> Asked:
    """Read every source, merge repeated prompts, divide by group; raises InputError or ConfigError."""
    read: list[Prompt] = []
    fixed: dict[str, str] = {}
    for number, spec in enumerate(experiment.sources):
        source = build("sources", spec, f"sources.{number}")
        prompts = list(source.prompts())
        if source.use != "both":
            tested = {name for name, use in fixed.items() if use == "test"}  # what is tested is not trained on
            fixed.update((prompt.id, source.use) for prompt in prompts if prompt.id not in tested)
        read += prompts
    merged, repeated = merge_repeated(unite_groups(read))
    divided = divide(merged, fixed, test_share=experiment.split.test, seed=experiment.split.seed)
    divided = _limited(divided, experiment.limit, experiment.split.seed)
    if not divided.test:
        raise ConfigError("no prompt is left to ask", 'raise split.test, or give prompts that are not use = "train"')
    split = Split(
        seed=experiment.split.seed,
        test_share=experiment.split.test,
        groups=divided.groups,
        train=_counts(divided.train),
        test=_counts(divided.test),
    )
    audit = Audit(
        sources=tuple(dict.fromkeys(prompt.source for prompt in read)),
        read=len(read),
        repeated=repeated,
        split=split,
        joined_groups=divided.joined,
        leaks=tuple(leaks(divided.train, divided.test)),
    )
    return Asked(divided.train, divided.test, audit)


def file_or_hub(place: Path | str, **settings: Any) -> Any:
    """A source of a local file, or of the hub data set OWNER/NAME where no such file exists."""
    hub = re.fullmatch(r"\w[\w-]*/[\w.-]+", str(place)) and not Path(place).exists() and not Path(place).suffix
    where = {"name": "hub", "dataset": str(place)} if hub else {"name": "file", "path": str(place)}
    return build("sources", {**where, **settings})


def _counts(prompts: Sequence[Prompt]) -> dict[str, int]:
    counted = Counter(prompt.kind for prompt in prompts)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def _limited(divided: Divided, limit: int | None, seed: int) -> Divided:
    """At most `limit` prompts a kind on each side, whole groups first come by a seeded order."""
    if limit is None:
        return divided

    def some(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
        left = Counter(dict.fromkeys(KINDS, limit))
        kept = []
        for prompt in sorted(prompts, key=lambda p: (sha256(f"{seed}|{p.group}".encode()).digest(), p.id)):
            if left[prompt.kind] > 0:
                left[prompt.kind] -= 1
                kept.append(prompt)
        return tuple(kept)

    return Divided(some(divided.train), some(divided.test), divided.groups, divided.joined)
