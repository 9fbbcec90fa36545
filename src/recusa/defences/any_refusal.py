"""`any-refusal`: when one of the tries refuses, that refusal is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from recusa.defences.listening import Listening, verdicts
from recusa.protocols import Given
from recusa.types import Answer, Chat


class AnyRefusal(Listening):
    """Scores a try 1 when a refusal judge calls it refused, else 0."""

    name: ClassVar[str] = "any-refusal"

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        """1.0 for a refusal, 0.0 for anything else, None where the judge failed."""
        return [
            [None if verdict is None else float(verdict.outcome == "refused") for verdict in its]
            for its in verdicts(self.judge, chats, heard, given)
        ]
