"""Reading hidden states off a forward pass that is made anyway: which blocks, at which tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from recusa.errors import ModelError
from recusa.models.causal import Loaded
from recusa.models.steering import Reading
from recusa.models.template import begin
from recusa.types import Chat

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedModel


class Span(NamedTuple):
    """Places in a row of tokens: the question is `start` to before `stop`, the prompt ends with the token `last`."""

    start: int
    stop: int
    last: int


def span_of(tokenizer: Any, chat: Chat, ids: Sequence[int]) -> Span:
    """Where the last user turn stands in a chat's tokens, found as what differs from the same chat with another one.

    A start put into the model's mouth is no part of the prompt: `last` is the token before it.
    """
    other = begin(tokenizer, chat.asking("" if chat.question != "" else "?", chat.key.attempt)).ids
    shorter = min(len(ids), len(other))
    start = next((i for i in range(shorter) if ids[i] != other[i]), shorter)
    tail = next((i for i in range(shorter - start) if ids[-1 - i] != other[-1 - i]), shorter - start)
    stop = max(start + 1, len(ids) - tail)
    return Span(min(start, len(ids) - 1), min(stop, len(ids)), len(ids) - 1)


def left_padded(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both of shape (rows, longest), every row ending at the right edge."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, width - len(row) :] = torch.tensor(row)
        mask[place, width - len(row) :] = 1
    return ids.to(device), mask.to(device)


def beginning(rows: Sequence[list[int]]) -> int:
    """How many tokens all rows begin with; at least one of each is left, where it has any."""
    first, last = min(rows), max(rows)  # in order, what these two share all share
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return max(0, min(same, min(map(len, rows)) - 1))


def blocks_of(model: PreTrainedModel) -> Sequence[torch.nn.Module]:
    """The transformer blocks of a causal model, first to last; raises ModelError when they are not found."""
    count = int(getattr(model.config.get_text_config(), "num_hidden_layers", 0))
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count > 0:
            return list(module)
    raise ModelError(
        "the model's blocks are not where they are looked for, so its hidden states cannot be read",
        "use a decoder-only transformer such as Llama, Mistral, Qwen or SmolLM",
    )


@contextmanager
def watching(
    model: PreTrainedModel,
    readings: Sequence[Reading],
    spans: Sequence[Span],
    lengths: Sequence[int],
    caught: dict[Reading, torch.Tensor],
) -> Iterator[None]:
    """Catch states of the one forward pass made inside: each reading's, in float32, of shape (rows, hidden size).

    `lengths` are the rows' lengths in tokens; rows are padded on the left.
    """
    blocks = blocks_of(model)
    width = max(lengths)
    ends = torch.tensor([width - n + span.last for n, span in zip(lengths, spans, strict=True)])
    mean = torch.zeros(len(spans), width)
    for row, (n, span) in enumerate(zip(lengths, spans, strict=True)):
        mean[row, width - n + span.start : width - n + span.stop] = 1 / (span.stop - span.start)

    def catch(reading: Reading) -> Any:
        def hook(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            states = output[0] if isinstance(output, tuple) else output
            if reading.where == "last":
                at = ends.to(states.device)
                caught[reading] = states[torch.arange(len(at), device=at.device), at].float()
            else:
                caught[reading] = torch.einsum("rt,rth->rh", mean.to(states.device), states.float())

        return hook

    hooks = [blocks[reading.block - 1].register_forward_hook(catch(reading)) for reading in readings]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.inference_mode()
def read_states(
    loaded: Loaded, chats: Sequence[Chat], readings: Sequence[Reading], batch: int = 32
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """States of chats, batch by batch of like length: places in `chats`, and states (rows, readings, hidden size)."""
    rows = [begin(loaded.tokenizer, chat).ids[-loaded.longest :] for chat in chats]
    spans = [span_of(loaded.tokenizer, chat, ids) for chat, ids in zip(chats, rows, strict=True)]
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place]), place))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        ids, mask = left_padded([rows[place] for place in places], loaded.pad, loaded.model.device)
        lengths = [len(rows[place]) for place in places]
        caught: dict[Reading, torch.Tensor] = {}
        with watching(loaded.model, readings, [spans[place] for place in places], lengths, caught):
            loaded.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(-1) - 1).clamp_min(0),
                use_cache=False,
                logits_to_keep=1,
            )
        yield places, torch.stack([caught[reading] for reading in readings], 1).cpu().numpy()
