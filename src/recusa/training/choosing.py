"""Settings of the choice among a training's checkpoints, and the training prompts that are held out for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from recusa.choosing import Capped, Tallies
from recusa.component import Component
from recusa.split import join_groups
from recusa.types import KINDS, Prompt

if TYPE_CHECKING:
    from recusa.models.causal import Loaded

MOST = 5  # of each kind, one prompt in so many is held out at most
LEAST = 10  # held-out prompts, harmful and harmless, below which checkpoints cannot be told apart
OFF = frozenset({"choice", "checks", "check_prompts", "check_tokens", "cap_benign", "cap_borderline"})


class Asking(NamedTuple):
    """Has a model answer the held-out prompts and tallies, by kind, what the judge of this name makes of it."""

    ask: Callable[[Loaded], Tallies]
    judge: str


class Checking(Component, Capped):
    """When the model being trained is asked, what, and which of its checkpoints is kept."""

    checks: int = Field(
        0,
        ge=0,
        description="how often, at even steps, held-out training prompts are asked; the checkpoint that refuses most "
        "harm within the caps is kept. 0 holds nothing out and keeps the last",
    )
    check_prompts: int = Field(
        240, ge=2, description="training prompts held out to be asked, as many of each kind, at most a fifth of a kind"
    )
    check_tokens: int = Field(32, ge=1, description="tokens an answer may have when it is checked")

    def identity(self) -> dict[str, Any]:
        """Without checks their settings change nothing, so they are left out; `choice` numbers the rule of choosing."""
        known = {**super().identity(), "choice": 2}
        return known if self.checks else {name: value for name, value in known.items() if name not in OFF}


def hold_out(training: Sequence[Prompt], most: int, seed: int) -> tuple[Prompt, ...]:
    """At most `most` prompts by whole groups, as many of each kind, in a seeded order; near-copies join groups.

    Empty when fewer than ten harmful or ten harmless prompts can be spared.
    """
    grouped, _, _ = join_groups(training)
    members: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in grouped:
        members[prompt.group].append(prompt)
    known = Counter(prompt.kind for prompt in grouped)
    target = {kind: min(most // len(known), known[kind] // MOST) for kind in known}
    held: list[Prompt] = []
    count: Counter[str] = Counter()
    for group in sorted(members, key=lambda name: sha256(f"{seed}|{name}".encode()).digest()):
        its = Counter(prompt.kind for prompt in members[group])
        if all(count[kind] + more <= target[kind] for kind, more in its.items()):
            count.update(its)
            held += members[group]
    harmless = sum(count[kind] for kind in KINDS if kind != "harmful")
    return tuple(sorted(held, key=lambda prompt: prompt.id)) if min(count["harmful"], harmless) >= LEAST else ()
