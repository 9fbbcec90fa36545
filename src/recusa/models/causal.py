"""Loading a causal language model with its tokenizer: number format, device, adapter, 4-bit base."""

from __future__ import annotations

import json
import warnings
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recusa.errors import MissingPackage, ModelError
from recusa.models.adapters import check_all_used, check_trained_over
from recusa.models.machine import Device, Dtype, pick_device, pick_dtype
from recusa.models.steering import Steering, check_base, is_steering, load_steering
from recusa.models.template import end_ids
from recusa.models.weights import DEFINING, Located, folder_digest, locate, quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to compute, its tokenizer, and the tokens that end an answer; `steering` says when to refuse."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    pad: int
    located: Located
    steering: Steering | None = None

    @property
    def longest(self) -> int:
        """Tokens that fit the model's context."""
        return int(getattr(self.model.config, "max_position_embeddings", 0) or 1 << 30)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, read anew when its files have changed; raises ModelError when there is none.

    Each call gives one whose template may be changed; its tokens are those of all.
    """
    stamps = [(str(file), file.stat().st_mtime_ns) for name in DEFINING if (file := folder.resolve() / name).is_file()]
    return copy(_tokenizer(folder, tuple(stamps)))


@lru_cache(maxsize=4)
def _tokenizer(folder: Path, stamps: tuple[tuple[str, int], ...]) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise ModelError(f"no usable tokenizer in `{folder}`: {str(error).splitlines()[0][:200]}") from None
    return tokenizer


def load_causal(
    model: str,
    *,
    device: Device = "auto",
    dtype: Dtype = "auto",
    quantize: str | None = None,
    adapter: str | None = None,
    merge: bool = True,
) -> Loaded:
    """Load a model for asking or training; raises ModelError or MissingPackage before anything half-loaded is used.

    The base keeps the number format of its file until the adapter is merged, so that the sum is rounded once. A
    steering folder leaves the base as it is and comes back beside it.
    """
    import torch
    from transformers import AutoModelForCausalLM

    located = locate(model)
    where = pick_device(device)
    steering = None
    if adapter is not None and is_steering(adapter):
        steering, adapter = steering_for(located, adapter, quantize), None
    elif adapter is not None:
        check_adapter(adapter)
        check_trained_over(adapter, folder_digest(located.folder))
    tokenizer = load_tokenizer(located.folder)
    extra: dict[str, Any] = {"device_map": {"": where}} if where != "cpu" else {}
    wanted = getattr(torch, pick_dtype(dtype, where))
    if quantize:
        extra["quantization_config"] = nf4(wanted)
    late = adapter is not None and merge and not quantize
    try:
        with quiet_transformers():
            base: Any = AutoModelForCausalLM.from_pretrained(
                located.folder, dtype="auto" if late else wanted, use_safetensors=True, **extra
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"`{model}` could not be loaded: {str(error).splitlines()[0][:200]}") from None
    if adapter is not None:
        base = with_adapter(base, adapter, merge=late)
        if late:
            _round(base, wanted)
    base.eval()
    base.get_output_embeddings().register_forward_pre_hook(_in_one_piece)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return Loaded(base, tokenizer, end_ids(tokenizer, base.generation_config), int(pad or 0), located, steering)


def _in_one_piece(head: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Torch 2.13 multiplies a slice of the hidden states by one copy of the head's weights per row: gigabytes."""
    return (inputs[0].contiguous(), *inputs[1:])


def _round(model: Any, dtype: Any) -> None:
    """Round the weights; buffers stay, for positions computed from rounded frequencies would be off."""
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)
    model.config.dtype = dtype


def with_adapter(base: Any, adapter: str, *, merge: bool) -> Any:
    """Put a PEFT adapter on a base model, merged into its weights or beside them."""
    check_adapter(adapter)
    try:
        from peft import PeftModel
    except ImportError:
        raise MissingPackage(
            "adapters need a package that is not installed: `peft`", "pip install 'recusa[local]'"
        ) from None
    try:
        with quiet_transformers():
            tuned = PeftModel.from_pretrained(base, adapter)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"adapter `{adapter}` does not fit the model: {str(error).splitlines()[0][:160]}",
            "an adapter only works on the base it was trained on; adapter_config.json names it",
        ) from None
    check_all_used(tuned, adapter)
    return tuned.merge_and_unload() if merge else tuned


def steering_for(located: Located, adapter: str, quantize: str | None) -> Steering:
    """A steering folder read and checked against a base that is not loaded yet; raises ModelError for another one."""
    from transformers import AutoConfig

    steering = load_steering(adapter)
    config = AutoConfig.from_pretrained(located.folder).get_text_config()
    check_base(steering, adapter, folder_digest(located.folder), config.hidden_size, config.num_hidden_layers, quantize)
    return steering


def check_adapter(adapter: str) -> None:
    """Raise ModelError unless the folder holds a readable adapter: PEFT's, or a steering probe."""
    folder = Path(adapter)
    if is_steering(folder):
        load_steering(folder)
        return
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"`{adapter}` is no adapter folder: {missing[0]} is missing", "give the folder `recusa train` wrote"
        )
    try:
        json.loads((folder / ADAPTER_FILES[0]).read_text(encoding="utf-8"))
    except ValueError:
        raise ModelError(f"`{adapter}`: adapter_config.json is broken", "train it again") from None


def nf4(compute: Any) -> Any:
    """QLoRA's base: 4-bit NormalFloat with double quantisation (Dettmers et al. 2023)."""
    from transformers import BitsAndBytesConfig

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import bitsandbytes  # noqa: F401
    except ImportError:
        raise MissingPackage(
            "4-bit weights need a package that is not installed: `bitsandbytes`", "pip install 'recusa[quant]'"
        ) from None
    config: Any = BitsAndBytesConfig
    return config(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=compute
    )
