"""`hf`: a transformers model in this process: embedded, local folder or hub id, with or without an adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, PrivateAttr

from recusa.component import Component
from recusa.errors import ModelError
from recusa.models.causal import Loaded, load_causal
from recusa.models.machine import Device, Dtype, pick_device, pick_dtype
from recusa.models.steering import is_steering
from recusa.models.template import Begun, begin, prefill_text
from recusa.models.weights import folder_digest, locate
from recusa.types import Answer, Chat, Failure, Sampling

if TYPE_CHECKING:
    from recusa.engines.decode import Decoded
    from recusa.models.packed import Packed


class Asked(NamedTuple):
    """A chat as the model reads it: the prompt's tokens, and with those of a begun answer after them."""

    chat: Chat
    begun: Begun
    ids: list[int]


ROUNDING = 2  # raised when the passes of our own add in another order: in bfloat16 they then round otherwise


class HF(Component):
    """Answers with a causal language model through its own chat template."""

    name: ClassVar[str] = "hf"
    version: ClassVar[int] = 2  # 1 answered in batches of 64; in bfloat16 a batch decides how sums are rounded
    cosmetic: ClassVar[frozenset[str]] = frozenset(
        {"model", "adapter", "device", "dtype", "dial", "memory"}
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
    batch: int = Field(128, ge=1, description="rows computed together, at most")
    memory: float | None = Field(
        None, gt=0, description="GiB that the rows computed together may take; default half of what is free"
    )

    _loaded: Loaded | None = PrivateAttr(None)
    _packed: Packed | None = PrivateAttr(None)

    def identity(self) -> dict[str, Any]:
        """Digests of weights and adapter, and the number format: what an answer depends on. Loads no model."""
        device = pick_device(self.device)
        dtype = pick_dtype(self.dtype, device)
        own = device == "cpu" and dtype == "bfloat16" and not self.quantize
        return {
            **super().identity(),
            "weights": folder_digest(locate(self.model).folder),
            "adapter": folder_digest(Path(self.adapter)) if self.adapter else None,
            **({"dial": self.dial} if self.adapter and self.dial is not None else {}),
            "dtype": dtype,
            **({"rounding": ROUNDING} if own else {}),
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
        made._loaded, made._packed = loaded, None
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
        self._loaded = self._packed = None

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """Answer rows of like length together; a prompt that does not fit the context is a Failure."""
        if self._loaded is None:
            with self:
                yield from self.answer(chats, sampling)
            return
        loaded = self._loaded
        asked: list[Asked] = []
        for chat in chats:
            begun = begin(loaded.tokenizer, chat)
            row = Asked(chat, begun, begun.ids + begun.prefill)
            if len(row.ids) + sampling.max_new_tokens > loaded.longest:
                yield Failure(
                    chat.key, "answer", "PromptTooLong", f"{len(row.ids)} tokens, the model takes {loaded.longest}"
                )
            else:
                asked.append(row)
        asked.sort(key=lambda row: (-len(row.ids), row.chat.key))  # the longest first: if memory is short, at once
        clock = time.perf_counter()
        for row, done in self._answered(asked, sampling):
            spent, clock = time.perf_counter() - clock, time.perf_counter()
            if done is None:
                reason = f"one row of {len(row.ids)} tokens does not fit the memory"
                yield Failure(row.chat.key, "answer", "OutOfMemory", reason)
                continue
            text = str(loaded.tokenizer.decode(done.ids, skip_special_tokens=True))
            prefill = prefill_text(loaded.tokenizer, row.begun)
            yield Answer(row.chat.key, text, done.stop, len(row.ids), done.tokens, spent, prefill=prefill)

    def _answered(self, asked: Sequence[Asked], sampling: Sampling) -> Iterator[tuple[Asked, Decoded | None]]:
        """Each row with its answer, by the fastest way there is for the model; None where memory was not enough."""
        from recusa.engines.batches import in_batches
        from recusa.engines.continuous import decode_packed
        from recusa.models.memory import rows_within

        loaded = self._loaded
        assert loaded is not None
        if not asked:
            return
        columns = max(len(row.ids) for row in asked) + sampling.max_new_tokens
        together = min(self.batch, len(asked), rows_within(loaded.model, columns, self.memory))
        packed = self._packed_once(loaded)
        if packed is None:
            yield from in_batches(loaded, asked, sampling, together, self.dial)
            return
        packed.room(together, columns)
        rows, keys = [row.ids for row in asked], [row.chat.key for row in asked]
        for done in decode_packed(packed, rows, keys, sampling, loaded.ends):
            yield asked[done.row], done

    def _packed_once(self, loaded: Loaded) -> Packed | None:
        """The model laid out for a CPU, where it can be and the weights fit a second time."""
        from recusa.models.memory import fits_again
        from recusa.models.packed import Packed, packable

        wanted = self._packed is None and loaded.steering is None
        if wanted and packable(loaded.model) and fits_again(loaded.model):
            self._packed = Packed(loaded.model)
        return self._packed
