"""Applying a steering probe to a batch: one look at the pass over its prompts, then an opening or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch

from recusa.models.causal import Loaded
from recusa.models.reading import span_of, watching
from recusa.models.steering import Reading
from recusa.models.template import Begun, begin
from recusa.types import Chat

SEAM = "\n\n"  # between what was put into the model's mouth and the refusal


class Steered:
    """The steering of one batch; `begun` are the chats in tokens, in the order of the rows."""

    def __init__(self, loaded: Loaded, chats: Sequence[Chat], begun: Sequence[Begun], dial: float | None) -> None:
        assert loaded.steering is not None
        self.loaded, self.chats, self.begun, self.dial = loaded, chats, begun, dial
        self.steering = loaded.steering
        self.readings = self.steering.readings
        self.caught: dict[Reading, torch.Tensor] = {}

    def watching(self) -> AbstractContextManager[Any]:
        """Catch the states of the pass made inside."""
        spans = [span_of(self.loaded.tokenizer, chat, b.ids) for chat, b in zip(self.chats, self.begun, strict=True)]
        lengths = [len(b.ids) + len(b.prefill) for b in self.begun]
        return watching(self.loaded.model, self.readings, spans, lengths, self.caught)

    def openings(self) -> list[list[int]]:
        """What each row's answer must begin with: nothing, or a refusal in the language of its prompt."""
        states = torch.stack([self.caught[reading] for reading in self.readings], 1).cpu().numpy()
        said = self.steering.refusals(states, self.dial)
        return [
            [] if text is None else self._ids(chat, begun, text)
            for text, chat, begun in zip(said, self.chats, self.begun, strict=True)
        ]

    def _ids(self, chat: Chat, begun: Begun, text: str) -> list[int]:
        told = replace(chat, prefill=f"{SEAM}{text}" if begun.prefill else text, prefill_tokens=None)
        ids = begin(self.loaded.tokenizer, told).prefill
        return [*ids, min(self.loaded.ends)] if self.steering.ends else ids
