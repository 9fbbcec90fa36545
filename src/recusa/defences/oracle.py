"""`oracle`: the seed experiment's selector, which looks at the prompt's own references: an upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from recusa.component import Component
from recusa.errors import ConfigError
from recusa.models.embedder import embed, embedder_digest
from recusa.protocols import Given
from recusa.types import Answer, Chat, Prompt


class Oracle(Component):
    """Keeps the answer nearest to the prompt's `chosen` and farthest from its `rejected`, by cosine."""

    name: ClassVar[str] = "oracle"

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when a prompt lacks its references."""
        bare = [prompt for prompt in prompts if None in references(prompt)]
        if bare:
            raise ConfigError(
                f"selector `oracle` needs references that {len(bare)} of {len(prompts)} prompts lack, "
                f"the first a {bare[0].kind} one: {bare[0].text[:50]!r}",
                'harmful rows need `chosen` and `rejected`, others `refusal` and `response`; or use selector = "bank"',
            )

    def basis(self, given: Given) -> dict[str, Any]:
        """The embedding model; the references themselves are part of the chunk that is answered."""
        return {**self.identity(), "embedder": embedder_digest()}

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        """Cosine to the refusal minus cosine to the compliant answer, per try."""
        pairs = [references(chat.prompt) if chat.prompt else (None, None) for chat in chats]
        refusals = embed([refusal or "" for refusal, _ in pairs])
        compliances = embed([compliance or "" for _, compliance in pairs])
        sides = refusals - compliances
        vectors = iter(embed([said.text for its in heard for said in its]))
        return [[round(float(next(vectors) @ side), 6) for _ in its] for its, side in zip(heard, sides, strict=True)]


def references(prompt: Prompt) -> tuple[str | None, str | None]:
    """A prompt's own refusal and its own compliant answer, whatever its file calls them."""
    return prompt.chosen or prompt.refusal, prompt.rejected or prompt.response
