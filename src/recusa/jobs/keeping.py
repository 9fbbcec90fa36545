"""Keeping what the engines inside a defence answer: a batch that was asked before is read from the store.

Arms that differ only in how many variants they ask, or in how they choose, so share their calls; the first round of a
defence is the batch of an arm without one, and shares that arm's answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self

from recusa.component import digest
from recusa.jobs.answer import chunk_id, in_order
from recusa.protocols import Engine, Given
from recusa.store import Store
from recusa.types import Answer, Chat, Failure, Sampling


class Keeping:
    """Engines whose answers are kept; each is opened when something must be asked, and all are closed together.

    `spent` is the time, in seconds, that the batches took when they were asked, now or before.
    """

    def __init__(self, store: Store, *, again: bool = False) -> None:
        self.store, self.again = store, again
        self.spent = 0.0
        self.opened = ExitStack()
        self.engines: dict[str, Kept] = {}
        self.renewed: set[str] = set()  # batches that may not be forgotten for their failed rows again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.engines.clear()
        self.opened.close()

    def kept(self, engine: Engine) -> Engine:
        """The engine with its answers kept; the same one for equal engines, so that weights are loaded once."""
        if isinstance(engine, Kept):
            return engine
        return self.engines.setdefault(digest(engine.identity()), Kept(engine, self))

    def lent(self, given: Given) -> Given:
        """The same, with this keeping."""
        return replace(given, kept=self.kept)


class Kept:
    """An engine round an engine: each batch is answered and stored whole, or read."""

    def __init__(self, inner: Engine, keeping: Keeping) -> None:
        self.inner, self.keeping = inner, keeping
        self.open = False

    def identity(self) -> dict[str, Any]:
        """The inner engine's: keeping changes no answer."""
        return self.inner.identity()

    def __enter__(self) -> Self:
        """Nothing is opened before something must be asked."""
        return self

    def __exit__(self, *exc: object) -> None:
        """The keeping closes what was opened."""

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """The batch's answers in its order, under its keys."""
        if not chats:
            return
        store, identity = self.keeping.store, self.identity()
        name = chunk_id(identity, chats, sampling)
        if self.keeping.again and name not in self.keeping.renewed:
            store.forget_failed([name])
            self.keeping.renewed.add(name)
        if not store.done(name):
            if not self.open:
                self.keeping.opened.enter_context(self.inner)
                self.open = True
            start = time.perf_counter()
            results = in_order(list(self.inner.answer(chats, sampling)), chats)
            store.add_chunk(name, digest(identity), results, time.perf_counter() - start)
        self.keeping.spent += store.seconds([name])
        for chat, result in zip(chats, store.chunk(name, chats[0].key.arm), strict=True):
            yield replace(result, key=chat.key)
