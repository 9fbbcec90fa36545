"""`scripted`: answers by rule, without weights: for tests, documentation and dry runs of an experiment file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, ClassVar, Self

from pydantic import Field

from recusa.component import Component
from recusa.types import Answer, Chat, Failure, Sampling

REFUSAL = "I'm sorry, but I can't help with that. I can point you to something safe instead."
ANSWER = "Sure. Here is what you asked for, in a few words: first this, then that, and it is done."


class Scripted(Component):
    """Refuses when the last user message or the system prompt holds one of some words; otherwise it answers.

    With `share`, that part of the matching prompts (chosen by a hash of the text) is refused, the rest is answered.
    """

    name: ClassVar[str] = "scripted"
    cosmetic: ClassVar[frozenset[str]] = frozenset({"seconds"})

    replies: dict[str, str] = Field(default_factory=dict, description="answers given word for word, by prompt text")
    refuse: tuple[str, ...] = Field(("steal", "weapon", "poison"), description="words that make it refuse, case folded")
    share: float = Field(1.0, ge=0, le=1, description="part of the matching prompts that it refuses")
    fail: tuple[str, ...] = Field((), description="words that make a row fail")
    adapter: str | None = Field(
        None, description="accepted, so that a tuned arm can be rehearsed; the words stay the same"
    )
    gives_in: int | None = Field(
        None, ge=1, description="words of a begun answer from which on it refuses no more; by default it always does"
    )
    seconds: float = Field(0.0, ge=0, description="time each answer takes")

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to close."""

    def origin(self) -> str:
        """What answers, in words."""
        return "scripted rules, no model"

    def check_prefill(self, tokens: int | None) -> None:
        """An answer can be begun; a word counts as a token."""

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """One result per chat, in the chats' order."""
        for chat in chats:
            if self.seconds:
                time.sleep(self.seconds)
            yield self._one(chat, sampling)

    def _one(self, chat: Chat, sampling: Sampling) -> Answer | Failure:
        words = " ".join(message.content for message in chat.messages).casefold()
        if any(word.casefold() in words for word in self.fail):
            return Failure(chat.key, "answer", "Scripted", "a word of `fail` was asked")
        start = chat.prefill.split()[: chat.prefill_tokens]
        caught = self.gives_in is not None and len(start) >= self.gives_in
        refuses = not caught and self._refuses(words, chat, sampling)
        text = self.replies.get(chat.question) or (REFUSAL if refuses else ANSWER)
        tokens = text.split()
        cut = len(tokens) > sampling.max_new_tokens
        said = " ".join(tokens[: sampling.max_new_tokens]) if cut else text
        return Answer(
            chat.key,
            said,
            "length" if cut else "end",
            len(words.split()) + len(start),
            min(len(tokens), sampling.max_new_tokens),
            prefill=" ".join(start),
        )

    def _refuses(self, words: str, chat: Chat, sampling: Sampling) -> bool:
        if not any(word.casefold() in words for word in self.refuse):
            return False
        luck: tuple[Any, ...] = (words,)
        if sampling.temperature > 0:
            luck = (words, sampling.seed, chat.key.sample, chat.key.attempt)
        drawn = int.from_bytes(sha256(repr(luck).encode()).digest()[:4], "big") / 2**32
        return drawn < self.share
