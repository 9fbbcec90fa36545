"""What every operator has unless it says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recusa.component import Component
from recusa.protocols import Given
from recusa.types import Prompt


class Making(Component):
    """An operator that works on all prompts and depends on its own settings alone; it still needs `vary`."""

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Nothing can be known to go wrong."""

    def basis(self, given: Given) -> dict[str, Any]:
        """The settings."""
        return self.identity()
