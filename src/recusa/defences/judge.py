"""`judge`: keeps the try a judge scores highest: the surest refusal, or the safest answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from recusa.component import Component
from recusa.defences.listening import verdicts
from recusa.protocols import Given
from recusa.types import Answer, Chat, Prompt, Verdict


class JudgeSelector(Component):
    """Scores a try with a judge: the probability that it refuses, or, from a judge of harm, that it is safe."""

    name: ClassVar[str] = "judge"

    judge: str | dict[str, Any] = Field("detector", description="judge whose score decides")

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the judge is unknown."""
        given.build("judges", self.judge)

    def basis(self, given: Given) -> dict[str, Any]:
        """The judge with its settings."""
        return {**self.identity(), "judge": given.build("judges", self.judge).identity()}

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        """The judge's score, rounded; a verdict without one counts 1 or 0; None where the judge failed."""
        return [
            [None if v is None else round(_score(v), 6) for v in its]
            for its in verdicts(self.judge, chats, heard, given)
        ]


def _score(verdict: Verdict) -> float:
    if verdict.harm is not None:  # its score is the probability of harm
        return float(verdict.harm == "safe") if verdict.score is None else 1 - verdict.score
    return float(verdict.outcome == "refused") if verdict.score is None else verdict.score
