"""`perturbation`: ask the prompt and k rewritten copies of it, keep the answer a selector likes best. No training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, ClassVar, Self

from pydantic import Field

from recusa.component import Component
from recusa.protocols import Engine, Given, Operator, Selector
from recusa.types import Answer, Chat, Failure, Key, Prompt, Sampling, Try


class Perturbation(Component):
    """The target answers the prompt and `k` variants; the variants of a prompt differ from it and from one another."""

    name: ClassVar[str] = "perturbation"

    k: int = Field(2, ge=1, description="variants asked besides the prompt itself")
    operator: str | dict[str, Any] = Field("synonyms", description="how variants are made")
    selector: str | dict[str, Any] = Field("bank", description="how the answer is chosen")
    redraws: int = Field(20, ge=1, description="draws per variant before it is given up, counted, and shown")
    seed: int = Field(0, description="seed of the variants")

    @property
    def calls(self) -> int:
        """The prompt itself and its variants."""
        return self.k + 1

    def around(self, inner: Engine, given: Given) -> Engine:
        """The inner engine, perturbed."""
        return Perturbed(self, inner, given)

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the selector cannot work on these prompts."""
        given.build("operators", self.operator)
        given.build("selectors", self.selector).check(prompts, given)


class Perturbed:
    """An engine that asks the inner engine k + 1 times a chat; all tries are kept in the answer."""

    def __init__(self, settings: Perturbation, inner: Engine, given: Given) -> None:
        self.settings, self.inner, self.given = settings, inner, given
        self.operator: Operator = given.build("operators", settings.operator)
        self.selector: Selector = given.build("selectors", settings.selector)

    def identity(self) -> dict[str, Any]:
        """Settings, operator, selector and what the selector learned from, round the inner engine."""
        return {
            "defence": self.settings.identity(),
            "operator": self.operator.identity(),
            "selector": self.selector.basis(self.given),
            "inner": self.inner.identity(),
        }

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.inner.__exit__(*exc)

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """One kept answer a chat; a Failure when no try was answered."""
        asked = {chat.key: self._copies(chat) for chat in chats}
        copies = [copy for all_copies in asked.values() for copy in all_copies if copy is not None]
        heard = {result.key: result for result in self.inner.answer(copies, sampling)}
        tries = [self._tries(asked[chat.key], heard, chat.key) for chat in chats]
        spoken = [[t.result.text for t in its if isinstance(t.result, Answer)] for its in tries]
        scores = self.selector.scores(chats, spoken, self.given)
        for chat, its, its_scores in zip(chats, tries, scores, strict=True):
            yield _kept(chat.key, its, its_scores)

    def _copies(self, chat: Chat) -> list[Chat | None]:
        """The chat itself as attempt 1 and its variants; None where no new variant could be drawn."""
        taken = {_plain(chat.question)}
        copies: list[Chat | None] = [chat.asking(chat.question, 1)]
        for attempt in range(2, self.settings.k + 2):
            rng = Random(f"{self.settings.seed}|{chat.key.prompt_id}|{chat.key.sample}|{attempt}")
            draws = (self.operator.vary(chat.question, rng) for _ in range(self.settings.redraws))
            variant = next((text for text in draws if text is not None and _plain(text) not in taken), None)
            if variant is not None:
                taken.add(_plain(variant))
            copies.append(None if variant is None else chat.asking(variant, attempt))
        return copies

    @staticmethod
    def _tries(copies: Sequence[Chat | None], heard: dict[Key, Answer | Failure], key: Key) -> list[Try]:
        return [
            Try("", Failure(key._replace(attempt=attempt), "variant", "NoVariant", "nothing new could be drawn"))
            if copy is None
            else Try(copy.question, heard[copy.key])
            for attempt, copy in enumerate(copies, start=1)
        ]


def _plain(text: str) -> str:
    """What two variants must not share: the text but for case and white space."""
    return " ".join(text.casefold().split())


def _kept(key: Key, tries: Sequence[Try], scores: Sequence[float]) -> Answer | Failure:
    """The answered try with the highest score, the earliest among equals, with all tries noted."""
    left = iter(scores)
    noted = [Try(t.asked, t.result, next(left) if isinstance(t.result, Answer) else None) for t in tries]
    answered = [place for place, t in enumerate(noted) if t.score is not None]
    if not answered:
        reasons = sorted({t.result.error for t in noted if isinstance(t.result, Failure)})
        return Failure(key, "answer", "NoTryAnswered", ", ".join(reasons), tuple(noted))
    best = max(answered, key=lambda place: (noted[place].score or 0.0, -place))
    kept = noted[best].result
    assert isinstance(kept, Answer)
    tries = tuple(Try(t.asked, t.result, t.score, place == best) for place, t in enumerate(noted))
    seconds = sum(t.result.seconds for t in tries if isinstance(t.result, Answer))
    return Answer(key, kept.text, kept.stop, kept.prompt_tokens, kept.answer_tokens, seconds, tries)
