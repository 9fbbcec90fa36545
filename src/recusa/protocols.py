"""The verbs: one method each, so that a wrapper is a class that holds another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, Self

from recusa.types import Answer, Chat, Exchange, Failure, Kind, Prompt, Sampling, Verdict


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


@dataclass(frozen=True, slots=True)
class Given:
    """What an experiment lends a defence: the training prompts, all it may learn from, and other components."""

    training: tuple[Prompt, ...]
    build: Callable[[str, Any], Any]  # (group, name or settings) -> component


class Defence(Protocol):
    """Puts an engine round an engine, called `calls` times a prompt; `check` raises ConfigError when it cannot work."""

    @property
    def calls(self) -> int: ...

    def around(self, inner: Engine, given: Given) -> Engine: ...

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...


class Operator(Protocol):
    """Rewrites a prompt so that its meaning holds; None when it found nothing to change."""

    def vary(self, text: str, rng: Random) -> str | None: ...

    def identity(self) -> dict[str, Any]: ...


class Selector(Protocol):
    """Scores what a defence heard: the try with the highest score is kept, the earliest among equals."""

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...

    def basis(self, given: Given) -> dict[str, Any]: ...

    def scores(self, chats: Sequence[Chat], heard: Sequence[Sequence[str]], given: Given) -> list[list[float]]: ...


@dataclass(frozen=True, slots=True)
class Example:
    """One row to train on; `complete` says that the answer ended by itself, so that its end is trained too."""

    chat: Chat
    answer: str
    kind: Kind
    complete: bool = True


class Ask(Protocol):
    """Has the untrained model answer prompts in at most `tokens` tokens; prompts it did not answer are left out."""

    def __call__(self, prompts: Sequence[Prompt], tokens: int) -> list[Example]: ...


class Recipe(Protocol):
    """Turns prompts into rows to train on."""

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]: ...


class Attack(Protocol):
    """A way of asking: rewrites the chat."""

    def rewrite(self, chat: Chat) -> Chat: ...


class Judge(Protocol):
    """Says of answers what they are: one result per exchange, in any order."""

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict | Failure]: ...


class Listener(Protocol):
    """Hears how far a stage is, in the stage's own units; a `note` is said once and moves nothing."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None: ...
