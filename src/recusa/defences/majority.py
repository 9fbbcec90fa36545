"""`majority`: the tries vote on whether to refuse, as in SmoothLLM; a try that voted with the winners is kept."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from recusa.defences.listening import Listening, verdicts
from recusa.protocols import Given
from recusa.types import Answer, Chat


class Majority(Listening):
    """Answers when more than half of the judged tries do not refuse, else refuses (Robey et al. 2023, Algorithm 1).

    So a tie refuses, as published; `ties = "answer"` asks for more than half of the tries to refuse. There the
    perturbed copies alone vote and one that agrees is drawn; here the prompt's own answer votes too.
    """

    name: ClassVar[str] = "majority"

    ties: Literal["refuse", "answer"] = Field("refuse", description="what half of the votes each way comes to")
    keep: Literal["drawn", "first"] = Field("drawn", description="which of the tries that agree is kept")
    seed: int = Field(0, description="seed of the draw among the tries that agree")

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        """0 against the majority, above 0 with it, 1 for the try that is kept, None where the judge failed."""
        rows = verdicts(self.judge, chats, heard, given)
        votes = [[None if v is None else v.outcome == "refused" for v in its] for its in rows]
        return [self._scored(chat, its) for chat, its in zip(chats, votes, strict=True)]

    def _scored(self, chat: Chat, votes: Sequence[bool | None]) -> list[float | None]:
        cast = [vote for vote in votes if vote is not None]
        refusing = sum(cast)
        half = len(cast) / 2
        refused = refusing > half or (refusing == half and self.ties == "refuse")
        agreeing = [place for place, vote in enumerate(votes) if vote is refused]
        if not agreeing:  # nothing was judged
            return [None for _ in votes]
        key = chat.key
        rng = Random(f"{self.seed}|{key.prompt_id}|{key.attack}|{key.sample}")
        kept = rng.choice(agreeing) if self.keep == "drawn" else agreeing[0]
        return [
            None if vote is None else 1.0 if place == kept else 0.5 if vote is refused else 0.0
            for place, vote in enumerate(votes)
        ]
