"""`judge`: keeps the try a judge scores highest: the surest refusal, or the safest answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from recusa.defences.listening import Listening, verdicts
from recusa.protocols import Given
from recusa.types import Answer, Chat, Verdict


class JudgeSelector(Listening):
    """Scores a try with a judge: the probability that it refuses, or, from a judge of harm, that it is safe."""

    name: ClassVar[str] = "judge"

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
