"""`hf`: a transformers model in this process: embedded, local folder or hub id, with or without an adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from recusa.component import Component
from recusa.models.causal import Loaded, load_causal
from recusa.models.machine import Device, Dtype, pick_device, pick_dtype
from recusa.models.template import prompt_ids
from recusa.models.weights import folder_digest, locate
from recusa.types import Answer, Chat, Failure, Sampling


class HF(Component):
    """Answers with a causal language model through its own chat template."""

    name: ClassVar[str] = "hf"
    cosmetic: ClassVar[frozenset[str]] = frozenset(
        {"model", "adapter", "device", "dtype"}
    )  # their digests stand for them

    model: str = Field("smollm2-135m", description="embedded name, local folder or hub id")
    adapter: str | None = Field(None, description="PEFT adapter folder put on the model")
    device: Device = Field("auto", description="where to compute; auto takes CUDA, then MPS, then the CPU")
    dtype: Dtype = Field(
        "auto", description="number format; auto takes bfloat16 where the machine multiplies it faster"
    )
    quantize: Literal["nf4"] | None = Field(
        None, description="4-bit base with double quantisation, through bitsandbytes"
    )
    batch: int = Field(64, ge=1, description="rows computed together")

    _loaded: Loaded | None = PrivateAttr(None)

    def identity(self) -> dict[str, Any]:
        """Digests of weights and adapter, and the number format: what an answer depends on. Loads no model."""
        device = pick_device(self.device)
        return {
            **super().identity(),
            "weights": folder_digest(locate(self.model).folder),
            "adapter": folder_digest(Path(self.adapter)) if self.adapter else None,
            "dtype": pick_dtype(self.dtype, device),
            "device": device.partition(":")[0],
        }

    def origin(self) -> str:
        """What answers, in words."""
        return locate(self.model).origin

    def trainable(self) -> dict[str, Any]:
        """What a training needs to load the same base."""
        return {"model": self.model, "device": self.device, "dtype": self.dtype, "quantize": self.quantize}

    def __enter__(self) -> Self:
        """Load the weights, unless they are."""
        if self._loaded is None:
            self._loaded = load_causal(
                self.model, device=self.device, dtype=self.dtype, quantize=self.quantize, adapter=self.adapter
            )
        return self

    def __exit__(self, *exc: object) -> None:
        """Let the weights go."""
        self._loaded = None

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """Answer in batches of rows of like length; a prompt that does not fit the context is a Failure."""
        from recusa.engines.decode import decode

        if self._loaded is None:
            with self:
                yield from self.answer(chats, sampling)
            return
        loaded = self._loaded
        asked: list[tuple[Chat, list[int]]] = []
        for chat in chats:
            ids = prompt_ids(loaded.tokenizer, chat)
            if len(ids) + sampling.max_new_tokens > loaded.longest:
                yield Failure(
                    chat.key, "answer", "PromptTooLong", f"{len(ids)} tokens, the model takes {loaded.longest}"
                )
            else:
                asked.append((chat, ids))
        asked.sort(key=lambda pair: (len(pair[1]), pair[0].key))
        for start in range(0, len(asked), self.batch):
            group = asked[start : start + self.batch]
            rows = [ids for _, ids in group]
            keys = [chat.key for chat, _ in group]
            clock = time.perf_counter()
            for done in decode(loaded.model, rows, keys, sampling, loaded.ends, loaded.pad):
                text = loaded.tokenizer.decode(done.ids, skip_special_tokens=True)
                spent, clock = time.perf_counter() - clock, time.perf_counter()
                yield Answer(keys[done.row], str(text), done.stop, len(rows[done.row]), done.tokens, spent)
