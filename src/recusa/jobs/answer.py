"""Answering what is missing: fixed chunks, each kept the moment it ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from recusa.component import digest
from recusa.protocols import Engine, Listener
from recusa.store import Store
from recusa.types import Answer, Chat, Failure, Key, Sampling

if TYPE_CHECKING:
    from recusa.jobs.keeping import Keeping


def chunks_of(chats: Sequence[Chat], size: int) -> list[list[Chat]]:
    """Chats in as few chunks of at most `size` as it takes, of like length and number, longest first.

    The same whatever is left to do; a last chunk of few chats would be computed as slowly as a full one.
    """
    order = sorted(chats, key=lambda chat: (-sum(len(m.content) for m in chat.messages), chat.key))
    count = -(-len(order) // size)
    ends = [len(order) * at // count for at in range(count + 1)] if count else [0]
    return [order[start:end] for start, end in pairwise(ends)]


def chunk_id(identity: dict[str, Any], chats: Sequence[Chat], sampling: Sampling) -> str:
    """What a chunk's answers depend on: the engine, the sampling and every chat in it; the arm's name plays no part."""
    defended = "inner" in identity  # only a defence may look at references
    return digest(
        [
            identity,
            asdict(sampling),
            [
                [
                    chat.messages,
                    chat.prefill if chat.prefill_tokens is None else [chat.prefill, chat.prefill_tokens],
                    # the attempt draws the noise; that of an answer without a defence is 0 and left out
                    [
                        chat.key.prompt_id,
                        chat.key.attack,
                        chat.key.sample,
                        *([chat.key.attempt] * bool(chat.key.attempt)),
                    ],
                    [chat.prompt.chosen, chat.prompt.rejected, chat.prompt.response, chat.prompt.refusal]
                    if defended and chat.prompt
                    else None,
                ]
                for chat in chats
            ],
        ]
    )


class Answering:
    """The chunks of one engine over some chats: which are done, and the doing of the rest.

    With `keeping`, a chunk takes the time its calls took when they were asked, by this arm or by another.
    """

    def __init__(
        self,
        engine: Engine,
        chats: Sequence[Chat],
        sampling: Sampling,
        size: int,
        store: Store,
        keeping: Keeping | None = None,
    ) -> None:
        identity = engine.identity()
        self.keeping = keeping
        self.engine, self.sampling, self.store = engine, sampling, store
        self.engine_digest = digest(identity)
        self.chunks = {chunk_id(identity, chunk, sampling): chunk for chunk in chunks_of(chats, size)}

    def missing(self) -> dict[str, list[Chat]]:
        """Chunks that are not finished."""
        return {name: chats for name, chats in self.chunks.items() if not self.store.done(name)}

    def finish(self, listener: Listener, stage: str, *, again: bool = False) -> None:
        """Answer the missing chunks; weights are loaded only for those. `again` first drops chunks with failed rows."""
        if again:
            self.store.forget_failed(self.chunks)
        missing = self.missing()
        total = sum(map(len, self.chunks.values()))
        done = total - sum(map(len, missing.values()))
        listener(stage, done, total)
        if not missing:
            return
        with self.engine:
            for name, chats in missing.items():
                start, before = time.perf_counter(), self._spent()
                results = []
                for result in self.engine.answer(chats, self.sampling):
                    results.append(result)
                    listener(stage, done + len(results), total)
                seconds = self._spent() - before or time.perf_counter() - start
                self.store.add_chunk(name, self.engine_digest, in_order(results, chats), seconds)
                done += len(chats)

    def _spent(self) -> float:
        return self.keeping.spent if self.keeping else 0.0

    def results(self, arm: str) -> list[Answer | Failure]:
        """All results, filed under an arm's name."""
        return [result for name in self.chunks for result in self.store.chunk(name, arm)]

    def seconds(self) -> float:
        """Time the answers took when they were made."""
        return self.store.seconds(self.chunks)


def in_order(results: Sequence[Answer | Failure], chats: Sequence[Chat]) -> list[Answer | Failure]:
    """One result a chat, in the chats' order; what an engine forgot is a Failure, so that it is counted."""
    by_key: dict[Key, Answer | Failure] = {result.key: result for result in results}
    return [
        by_key.get(chat.key) or Failure(chat.key, "answer", "NoResult", "the engine gave no result for this prompt")
        for chat in chats
    ]
