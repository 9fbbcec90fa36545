"""`hf`: a transformers model in this process: embedded, local folder or hub id, with or without an adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from recusa.component import Component
from recusa.errors import ModelError
from recusa.models.causal import Loaded, load_causal
from recusa.models.machine import Device, Dtype, pick_device, pick_dtype
from recusa.models.steering import is_steering
from recusa.models.template import Begun, begin, prefill_text
from recusa.models.weights import folder_digest, locate
from recusa.types import Answer, Chat, Failure, Sampling


class HF(Component):
    """Answers with a causal language model through its own chat template."""

    name: ClassVar[str] = "hf"
    cosmetic: ClassVar[frozenset[str]] = frozenset(
        {"model", "adapter", "device", "dtype", "dial"}
    )  # their digests stand for them; the dial is told where there is an adapter to turn it on

    model: str = Field("smollm2-135m", description="embedded name, local folder or hub id")
    adapter: str | None = Field(None, description="adapter folder put on the model: PEFT's, or a steering probe")
    dial: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of harmless training prompts a steering probe may refuse; default what its folder says",
    )
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
            **({"dial": self.dial} if self.adapter and self.dial is not None else {}),
            "dtype": pick_dtype(self.dtype, device),
            "device": device.partition(":")[0],
        }

    def origin(self) -> str:
        """What answers, in words."""
        return locate(self.model).origin

    def check_prefill(self, tokens: int | None) -> None:
        """An answer can be begun, and its start cut at any number of tokens."""

    def trainable(self) -> dict[str, Any]:
        """What a training needs to load the same base."""
        return {"model": self.model, "device": self.device, "dtype": self.dtype, "quantize": self.quantize}

    def over(self, loaded: Loaded) -> Self:
        """The same engine over a model that is loaded already, such as one that is being trained."""
        made = self.model_copy()
        made._loaded = loaded
        return made

    def __enter__(self) -> Self:
        """Load the weights, unless they are; raises ModelError when a dial is set and nothing has one."""
        if self.dial is not None and not (self.adapter and is_steering(self.adapter)):
            raise ModelError(
                f"`dial` is {self.dial:g}, and {f'`{self.adapter}`' if self.adapter else 'an engine without adapter'} "
                "has no dial",
                "leave it out, or give the folder of a steering probe (recipe `probe`) as adapter",
            )
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
        from recusa.engines.steer import Steered

        if self._loaded is None:
            with self:
                yield from self.answer(chats, sampling)
            return
        loaded = self._loaded
        asked: list[tuple[Chat, list[int], Begun]] = []
        for chat in chats:
            begun = begin(loaded.tokenizer, chat)
            ids = begun.ids + begun.prefill
            if len(ids) + sampling.max_new_tokens > loaded.longest:
                yield Failure(
                    chat.key, "answer", "PromptTooLong", f"{len(ids)} tokens, the model takes {loaded.longest}"
                )
            else:
                asked.append((chat, ids, begun))
        asked.sort(key=lambda pair: (len(pair[1]), pair[0].key))
        for start in range(0, len(asked), self.batch):
            group = asked[start : start + self.batch]
            rows = [ids for _, ids, _ in group]
            keys = [chat.key for chat, _, _ in group]
            clock = time.perf_counter()
            steer = None
            if loaded.steering is not None:
                steer = Steered(loaded, [chat for chat, _, _ in group], [begun for _, _, begun in group], self.dial)
            for done in decode(loaded.model, rows, keys, sampling, loaded.ends, loaded.pad, steer):
                text = loaded.tokenizer.decode(done.ids, skip_special_tokens=True)
                spent, clock = time.perf_counter() - clock, time.perf_counter()
                prefill = prefill_text(loaded.tokenizer, group[done.row][2])
                size = len(rows[done.row])
                yield Answer(keys[done.row], str(text), done.stop, size, done.tokens, spent, prefill=prefill)
