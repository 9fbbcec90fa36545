"""`resample`: the same prompt again, at a temperature: the control that tells a perturbation from mere luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from recusa.defences.making import Making
from recusa.protocols import Draw, Given, Variant


class Resample(Making):
    """Asks the prompt itself once more, with sampling noise of its own: as many calls as any operator, no perturbation.

    Only the temperature is the operator's; tokens, top-p and seed are the experiment's.
    """

    name: ClassVar[str] = "resample"

    temperature: float = Field(0.7, gt=0, description="temperature the repeated prompt is asked at")

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        """Each text as it is."""
        return [Variant(draw.text, claim="again", temperature=self.temperature) for draw in draws]
