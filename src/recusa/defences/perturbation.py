"""`perturbation`: ask the prompt and k variants of it, keep the answer a selector likes best. No training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import Field

from recusa.component import Component, digest
from recusa.defences.drawing import Drawing, Drawn
from recusa.protocols import Engine, Given, Operator, Selector
from recusa.types import Answer, Chat, Failure, Key, Prompt, Sampling, Try


class Perturbation(Component):
    """The target answers the prompt and `k` variants; the variants of a prompt differ from it and from one another."""

    name: ClassVar[str] = "perturbation"
    version: ClassVar[int] = 2

    k: int = Field(2, ge=1, description="variants asked besides the prompt itself")
    operator: str | dict[str, Any] = Field("synonyms", description="how variants are made")
    selector: str | dict[str, Any] = Field("bank", description="how the answer is chosen")
    redraws: int = Field(10, ge=1, description="drafts per variant before it is given up, counted, and shown")
    similarity: float = Field(
        0.7, ge=-1, le=1, description="cosine to the prompt below which a variant in other words has lost the meaning"
    )
    seed: int = Field(0, description="seed of the variants")

    def asks(self) -> tuple[str, ...]:
        """The prompt itself, which every arm asks alike, and its variants, which do not depend on k or the selector."""
        operator = {"name": self.operator} if isinstance(self.operator, str) else self.operator
        made = digest([operator, self.redraws, self.similarity, self.seed])
        return ("", *(f"{made}|{place}" for place in range(1, self.k + 1)))

    def around(self, inner: Engine, given: Given) -> Engine:
        """The inner engine, perturbed."""
        return Perturbed(self, inner, given)

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the operator or the selector cannot work on these prompts."""
        given.build("operators", self.operator).check(prompts, given)
        given.build("selectors", self.selector).check(prompts, given)


class Perturbed:
    """An engine that asks the inner engine k + 1 times a chat; all tries are kept in the answer."""

    def __init__(self, settings: Perturbation, inner: Engine, given: Given) -> None:
        self.settings, self.inner, self.given = settings, given.kept(inner), given
        self.operator: Operator = given.build("operators", settings.operator)
        self.selector: Selector = given.build("selectors", settings.selector)

    def identity(self) -> dict[str, Any]:
        """Settings, operator, selector and what they learned from, round the inner engine."""
        return {
            "defence": self.settings.identity(),
            "operator": self.operator.basis(self.given),
            "selector": self.selector.basis(self.given),
            "inner": self.inner.identity(),
        }

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.inner.__exit__(*exc)

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """One kept answer a chat; a Failure when no variant could be made or no try was answered."""
        if not chats:
            return
        settings = self.settings
        drawing = Drawing(self.operator, self.given, settings.seed, settings.redraws, settings.similarity)
        rounds = drawing.rounds(chats, settings.k)
        # Attempt 1 is asked as any other arm asks it, so that its answer, noise included, is that arm's answer.
        tries = [[Try(chat.question, self._filed(said, 1))] for chat, said in self._ask(chats, sampling)]
        for attempt, drawn in enumerate(rounds, start=2):
            for its, one in zip(tries, self._round(chats, drawn, attempt, sampling), strict=True):
                its.append(one)
        yield from self._choose(chats, tries)

    def _ask(self, chats: Sequence[Chat], sampling: Sampling) -> list[tuple[Chat, Answer | Failure]]:
        """Each chat with its result; the batch is what the inner engine keeps, so it must not depend on k."""
        heard = {result.key: result for result in self.inner.answer(chats, sampling)} if chats else {}
        silent = "the engine gave no result for this prompt"
        return [(chat, heard.get(chat.key) or Failure(chat.key, "answer", "NoResult", silent)) for chat in chats]

    def _round(self, chats: Sequence[Chat], drawn: Sequence[Drawn], attempt: int, sampling: Sampling) -> list[Try]:
        """The tries of one round, in the chats' order; what could not be drawn is not asked."""
        copies = [
            (one.temperature, chat.asking(one.text, attempt))
            for chat, one in zip(chats, drawn, strict=True)
            if one.text is not None
        ]
        heard: dict[Key, Answer | Failure] = {}
        for heat in dict.fromkeys(heat for heat, _ in copies):
            how = sampling if heat is None else replace(sampling, temperature=heat)
            heard.update((chat.key, said) for chat, said in self._ask([c for h, c in copies if h == heat], how))
        return [
            Try(
                one.text or "",
                _no_variant(chat.key._replace(attempt=attempt), one.rejected)
                if one.text is None
                else heard[chat.key._replace(attempt=attempt)],
                rejected=one.rejected,
                writing=one.writing,
            )
            for chat, one in zip(chats, drawn, strict=True)
        ]

    @staticmethod
    def _filed(result: Answer | Failure, attempt: int) -> Answer | Failure:
        return replace(result, key=result.key._replace(attempt=attempt))

    def _choose(self, chats: Sequence[Chat], tries: Sequence[Sequence[Try]]) -> Iterator[Answer | Failure]:
        varied = [any(t.asked and t.result.key.attempt > 1 for t in its) for its in tries]
        chosen = [(chat, its) for chat, its, any_variant in zip(chats, tries, varied, strict=True) if any_variant]
        spoken = [[t.result for t in its if isinstance(t.result, Answer)] for _, its in chosen]
        scores = iter(self.selector.scores([chat for chat, _ in chosen], spoken, self.given) if chosen else [])
        for chat, its, any_variant in zip(chats, tries, varied, strict=True):
            if any_variant:
                yield _kept(chat.key, its, next(scores))
            else:  # keeping the answer to the prompt itself would be another arm under this one's name
                reasons: Counter[str] = sum((Counter(dict(t.rejected)) for t in its), Counter())
                yield replace(_no_variant(chat.key, tuple(sorted(reasons.items()))), tries=tuple(its))


def _no_variant(key: Key, rejected: Sequence[tuple[str, int]]) -> Failure:
    detail = ", ".join(f"{count} x {reason}" for reason, count in rejected)
    return Failure(key, "variant", "NoVariant", detail or "nothing could be drawn")


def _kept(key: Key, tries: Sequence[Try], scores: Sequence[float | None]) -> Answer | Failure:
    """The answered try with the highest score, the earliest among equals, with all tries noted."""
    left = iter(scores)
    noted = [replace(t, score=next(left)) if isinstance(t.result, Answer) else t for t in tries]
    scored = [place for place, t in enumerate(noted) if t.score is not None]
    if not scored:
        reasons = sorted({t.result.error for t in noted if isinstance(t.result, Failure)})
        if any(isinstance(t.result, Answer) for t in noted):
            return Failure(key, "judge", "NoTryJudged", ", ".join(reasons), tuple(noted))
        return Failure(key, "answer", "NoTryAnswered", ", ".join(reasons), tuple(noted))
    best = max(scored, key=lambda place: (noted[place].score or 0.0, -place))
    kept = noted[best].result
    assert isinstance(kept, Answer)
    tries = tuple(replace(t, chosen=place == best) for place, t in enumerate(noted))
    seconds = sum(t.result.seconds for t in tries if isinstance(t.result, Answer))
    return Answer(key, kept.text, kept.stop, kept.prompt_tokens, kept.answer_tokens, seconds, tries, kept.prefill)
