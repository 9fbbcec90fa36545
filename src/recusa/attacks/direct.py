"""`direct`: the prompt as it is."""

from __future__ import annotations

from typing import ClassVar

from recusa.component import Component
from recusa.types import Chat


class Direct(Component):
    """Asks the prompt itself."""

    name: ClassVar[str] = "direct"

    def rewrite(self, chat: Chat) -> Chat:
        """The chat unchanged."""
        return chat
