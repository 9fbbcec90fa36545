"""How many rows fit the memory that is free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recusa.models.slots import rounded

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SHARE = 0.5  # of what is free: weights being packed, the judge and the user's other work need the rest
GIB = 1 << 30


def free_memory(device: str) -> float | None:
    """Bytes that can be had on a device; None where the system does not say."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def row_bytes(model: PreTrainedModel, columns: int) -> int:
    """Bytes that one row of so many tokens takes while it is answered: keys, values, and the logits of one token."""
    config: Any = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cache = 2 * config.num_hidden_layers * heads * width * rounded(columns)
    return int((cache + 4 * config.vocab_size) * model.dtype.itemsize)


def rows_within(model: PreTrainedModel, columns: int, budget: float | None) -> int:
    """How many such rows `budget` GiB hold, at least one; without a budget, a share of what is free."""
    free = free_memory(str(model.device))
    room = budget * GIB if budget is not None else None if free is None else SHARE * free
    return 1 << 30 if room is None else max(1, int(room / row_bytes(model, columns)))


def weight_bytes(model: PreTrainedModel) -> int:
    """Bytes of a model's weights."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())


def fits_again(model: PreTrainedModel, copies: int = 1) -> bool:
    """Whether a model's weights can be in memory so many times more and leave half of what is free."""
    free = free_memory("cpu")
    return free is None or copies * weight_bytes(model) < SHARE * free
