"""Whether a PEFT adapter belongs to the base it is put on: by the digest it was trained over, and weight by weight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recusa.errors import ModelError

MADE = "training.json"  # what `recusa train` writes beside the weights
WEIGHTS = "adapter_model.safetensors"


def check_trained_over(adapter: str, digest: str) -> None:
    """Raise ModelError when an adapter's folder names another base than the one with this digest.

    An adapter fits any base of the same shape, and makes nonsense of it. Adapters that name none are taken as they are.
    """
    try:
        made = json.loads((Path(adapter) / MADE).read_text(encoding="utf-8"))
        base = made.get("base")
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError):
        raise ModelError(f"`{adapter}`: {MADE} is broken", "train it again") from None
    if base and base != digest:
        raise ModelError(
            f"adapter `{adapter}` was trained over other weights (digest {base}, these have {digest})",
            "use the base that its README.md names, or train one for this model",
        )


def check_all_used(tuned: Any, adapter: str) -> None:
    """Raise ModelError when an adapter has weights that the model has no place for, or lacks some: PEFT only warns."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(Path(adapter) / WEIGHTS, "np") as file:
        there = set(file.keys())
    wanted = set(get_peft_model_state_dict(tuned, save_embedding_layers=False))
    if there != wanted:
        odd = sorted(there ^ wanted)
        raise ModelError(
            f"adapter `{adapter}` does not fit the model: {len(odd)} weights have no counterpart, such as {odd[0]}",
            "an adapter only works on the base it was trained on; adapter_config.json names it",
        )
