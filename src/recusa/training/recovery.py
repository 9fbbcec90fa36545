"""`recovery`: half of the refusals come after the start of a compliant answer, and deep into it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from recusa.training.balanced import Balanced


class Recovery(Balanced):
    """The rows of `balanced`, more of its refusals after more words of compliance (Qi et al. 2024).

    A model refuses mostly by its first words and goes on once it is past them; here it learns to turn back. The
    harmless rows are the anchor that keeps it from turning back everywhere.
    """

    name: ClassVar[str] = "recovery"

    recover: float = Field(0.5, ge=0, le=1, description="share of the refusals that come after words of compliance")
    recover_own: bool = Field(True, description="half of these words are the untrained model's own, not an opening")
    recover_tokens: int = Field(100, ge=1, description="most tokens of compliance; how many is drawn evenly from 1")
