"""The verbs: one method each, so that a wrapper is a class that holds another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol, Self

from recusa.types import NOTHING_SPENT, Answer, Chat, Exchange, Failure, Key, Kind, Prompt, Sampling, Spent, Verdict


class Source(Protocol):
    """Gives prompts."""

    def prompts(self) -> Iterable[Prompt]: ...


class Engine(Protocol):
    """Answers chats: a batch in, a stream of one result per chat out, in any order, each with its chat's key.

    Constructing an engine is free; weights and connections are opened by `with engine:` and closed after it.
    """

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]: ...

    def identity(self) -> dict[str, Any]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


def _as_it_is(engine: Engine) -> Engine:
    return engine


@dataclass(frozen=True, slots=True)
class Given:
    """What an experiment lends a defence: the training prompts, all it may learn from, and other components.

    `kept` gives an engine back with its answers kept: the same batch is not asked twice, whichever arm asks. `notes`
    holds what was computed before in this process, under names that say all it depends on.
    """

    training: tuple[Prompt, ...]
    build: Callable[[str, Any], Any]  # (group, name or settings) -> component
    kept: Callable[[Engine], Engine] = _as_it_is
    notes: dict[str, Any] = field(default_factory=dict, compare=False)


class Defence(Protocol):
    """Puts an engine round an engine; `check` raises ConfigError when it cannot work.

    `asks` names the calls made for one prompt: calls of equal name, of arms with the same engine, are made once.
    """

    def asks(self) -> tuple[str, ...]: ...

    def around(self, inner: Engine, given: Given) -> Engine: ...

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...


@dataclass(frozen=True, slots=True)
class Draw:
    """One variant that is wanted of a text.

    `key.attempt` is 2 for a prompt's first variant; `redraw` counts the drafts that were rejected before this one.
    """

    key: Key
    text: str
    redraw: int = 0
    seed: int = 0

    @property
    def rng(self) -> Random:
        """Chance of its own: it depends on the prompt, the attempt, the redraw and the seed, on nothing else."""
        key = self.key
        return Random(f"{self.seed}|{key.prompt_id}|{key.attack}|{key.sample}|{key.attempt}|{self.redraw}")


@dataclass(frozen=True, slots=True)
class Variant:
    """What an operator made of a draw; `text` is None when it made nothing, `why` then names the reason.

    `claim` says what the variant keeps, and so how it is checked: the `meaning` in other words, the words but for
    some `letters`, or everything: the prompt is asked `again`. `final` says that drawing again would end the same.
    `temperature` is what the variant is asked at, None for that of the experiment.
    """

    text: str | None
    why: str = ""
    claim: Literal["meaning", "letters", "again"] = "meaning"
    final: bool = False
    temperature: float | None = None
    writing: Spent = NOTHING_SPENT


class Operator(Protocol):
    """Rewrites prompts: one variant a draw, in the order of the draws, all of one round at a time."""

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...

    def basis(self, given: Given) -> dict[str, Any]: ...

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]: ...


class Selector(Protocol):
    """Scores what a defence heard: the try with the highest score is kept, the earliest among equals.

    `heard` holds, per chat, the tries that were answered (`key.attempt` 1 is the prompt itself); a score of None says
    that the try could not be judged and must not be kept.
    """

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...

    def basis(self, given: Given) -> dict[str, Any]: ...

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]: ...


# what a row is for: its answer is learnt, the model's states on it are kept, or they are pushed away
Role = Literal["learn", "keep", "avoid"]


@dataclass(frozen=True, slots=True)
class Example:
    """One row to train on; `complete` says that the answer ended by itself, so that its end is trained too.

    What the chat prefills, at most `prefill_tokens` of it, is given and not trained. `weight` says how much the row's
    tokens count; the mean over all trained tokens is brought to 1. `turn` is a later token of the answer, by its place,
    at which the model could turn to a refusal and must not: a recipe may weigh it as it weighs the first. `own` says
    that the untrained model gave this answer, so that its other likely words are as good.
    """

    chat: Chat
    answer: str
    kind: Kind
    complete: bool = True
    role: Role = "learn"
    weight: float = 1.0
    turn: int | None = None
    own: bool = False


class Ask(Protocol):
    """Has the untrained model answer prompts in at most `tokens` tokens; prompts it did not answer are left out."""

    def __call__(self, prompts: Sequence[Prompt], tokens: int) -> list[Example]: ...


class Recipe(Protocol):
    """Turns prompts into rows to train on, and rows into an adapter folder, however it does so.

    `base` names the untrained model as `load_causal` takes it. What `train` returns is what the manifest holds.
    """

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]: ...

    def train(
        self, examples: Sequence[Example], folder: Path, *, listener: Listener, stage: str, **base: Any
    ) -> Any: ...

    def write_card(self, folder: Path, *, base: str, origin: str, trained: Any, **facts: Any) -> None: ...


class Attack(Protocol):
    """A way of asking: rewrites the chat."""

    def rewrite(self, chat: Chat) -> Chat: ...


class Judge(Protocol):
    """Says of answers what they are: one result per exchange, in any order.

    A component whose class says `spreads = True` promises that its name and settings are all it is, and that it only
    gives verdicts: a long list is then judged by copies in other processes, too.
    """

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict | Failure]: ...


class Listener(Protocol):
    """Hears how far a stage is, in the stage's own units; a `note` is said once and moves nothing."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None: ...


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A listener that does nothing."""
