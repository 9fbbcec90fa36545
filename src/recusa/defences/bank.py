"""`bank`: chooses without an answer key, by likeness to refusals and compliant answers of the training split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from recusa.component import Component, digest
from recusa.errors import ConfigError
from recusa.models.bank import Bank
from recusa.models.embedder import embedder_digest
from recusa.protocols import Given
from recusa.types import Answer, Chat, Prompt


class BankSelector(Component):
    """Keeps the answer most like the training split's refusals and least like its compliant openings.

    The likeness is the mean cosine to the `k` nearest of each, as a memory of past answers would be used in deployment.
    """

    name: ClassVar[str] = "bank"

    k: int = Field(5, ge=1, description="nearest neighbours on each side")
    characters: int = Field(200, ge=20, description="characters of an answer that are compared")

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the training split has no references on one side."""
        bank = self._bank(given)
        for side, texts in (("refusals", bank.refusals), ("compliant answers", bank.compliances)):
            if not texts:
                raise ConfigError(
                    f"selector `bank` finds no {side} in the training split",
                    "training rows need `chosen` (or `refusal`) and `rejected` (or `response`); "
                    'the built-in prompts have them ([[sources]] name = "builtin", use = "train"), as far as `limit` '
                    "leaves them in",
                )

    def basis(self, given: Given) -> dict[str, Any]:
        """Settings, the bank's texts and the embedding model."""
        bank = self._bank(given)
        texts = digest([bank.refusals, bank.compliances])
        return {**self.identity(), "bank": texts, "embedder": embedder_digest()}

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        """Refusal likeness minus compliance likeness, per try."""
        flat = [said.text[: self.characters] for its in heard for said in its]
        margins = iter(self._bank(given).margins(flat).tolist())
        return [[round(next(margins), 6) for _ in its] for its in heard]

    def _bank(self, given: Given) -> Bank:
        refusals = [text for p in given.training for text in (p.chosen, p.refusal) if text]
        compliances = [text for p in given.training for text in (p.rejected, p.response) if text]
        return Bank(
            tuple(sorted({text[: self.characters] for text in refusals})),
            tuple(sorted({text[: self.characters] for text in compliances})),
            self.k,
        )
