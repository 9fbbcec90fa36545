"""Where a LoRA adapter sits in a model, and in which number format it computes."""

from __future__ import annotations

from typing import Any

import peft
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from recusa.models.causal import Loaded
from recusa.models.weights import quiet_transformers
from recusa.training.lora import LoRARecipe, Size


def depth_of(loaded: Loaded) -> int:
    """The number of layers of a model."""
    return int(loaded.model.config.get_text_config().num_hidden_layers)


def _linear(base: Any) -> list[str]:
    """Names of the linear layers that repeat with the depth; peft takes `all-linear` for all of the depth only."""
    head = base.get_output_embeddings()
    found = [name for name, part in base.named_modules() if isinstance(part, torch.nn.Linear) and part is not head]
    return sorted({name.rpartition(".")[2] for name in found})


def with_lora(loaded: Loaded, recipe: LoRARecipe, size: Size, quantize: str | None) -> Any:
    """The model with a fresh adapter, drawn by the recipe's seed, ready to train."""
    base: Any = loaded.model
    if quantize:
        prepare: Any = peft.prepare_model_for_kbit_training
        base = prepare(base, use_gradient_checkpointing=recipe.checkpointing)
    elif recipe.checkpointing:
        base.enable_input_require_grads()
    base.config.use_cache = False
    targets, chosen = recipe.targets if isinstance(recipe.targets, str) else list(recipe.targets), None
    if recipe.layers != (0.0, 1.0):
        chosen = recipe.adapted(depth_of(loaded))
        targets = _linear(base) if targets == "all-linear" else targets
    config = LoraConfig(
        r=size.r, lora_alpha=size.alpha, target_modules=targets, layers_to_transform=chosen, task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(recipe.seed)
        return _rounding(get_peft_model(base, config))


class Rounded(torch.nn.Linear):
    """A float32 layer that multiplies in the number format of its input; its own updates are not rounded."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The product, in the format of the input."""
        return torch.nn.functional.linear(input, self.weight.to(input.dtype))


def _rounding(tuned: Any) -> Any:
    """Adapters stay float32 over a bfloat16 base, or small updates would be lost; but peft would also turn every
    activation into float32 to multiply it, which is half of a step's time on a CPU."""
    for layer in tuned.modules():
        if isinstance(layer, LoraLayer):
            layer.cast_input_dtype_enabled = False
            for part in (*layer.lora_A.values(), *layer.lora_B.values()):
                part.__class__ = Rounded
    return tuned
