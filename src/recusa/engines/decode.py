"""The answering loop: one left-padded batch, finished rows leave it, sampling noise belongs to the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from transformers import DynamicCache

from recusa.models.reading import left_padded
from recusa.types import Key, Sampling, Stop

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Decoded(NamedTuple):
    """What one row said, without its end token; `tokens` counts that too."""

    row: int
    ids: list[int]
    stop: Stop
    tokens: int


class Steer(Protocol):
    """Looks at the pass over the prompts, and says which tokens each row's answer must begin with."""

    def watching(self) -> AbstractContextManager[Any]: ...

    def openings(self) -> list[list[int]]: ...


@dataclass(slots=True)
class Noise:
    """Gumbel noise for one row, drawn from its key and the seed: the same in whatever batch the row is."""

    generator: torch.Generator

    @classmethod
    def of(cls, key: Key, seed: int) -> Noise:
        """The noise of a row; the arm's name plays no part: arms that ask the same are compared on the same noise."""
        text = f"{seed}|{key.prompt_id}|{key.attack}|{key.sample}|{key.attempt}"
        return cls(torch.Generator().manual_seed(int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1))

    def draw(self, size: int) -> torch.Tensor:
        """One Gumbel value a token, shape (size,): minus the logarithm of an exponential draw."""
        return torch.empty(size).exponential_(generator=self.generator).log_().neg_()


@torch.inference_mode()
def decode(
    model: PreTrainedModel,
    prompts: Sequence[list[int]],
    keys: Sequence[Key],
    sampling: Sampling,
    ends: frozenset[int],
    pad: int,
    steer: Steer | None = None,
) -> Iterator[Decoded]:
    """Answer one batch of token rows; each row is yielded the moment it ends.

    Rows that `steer` gives no opening are answered as they would be without it.
    """
    ids, mask = left_padded(prompts, pad, model.device)
    noises = [Noise.of(key, sampling.seed) for key in keys] if sampling.temperature > 0 else []
    rows = list(range(len(prompts)))
    said: list[list[int]] = [[] for _ in prompts]
    cache = DynamicCache(config=model.config)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    with steer.watching() if steer else nullcontext():
        logits = _pass(model, ids, mask, positions, cache)
    openings = steer.openings() if steer else [[] for _ in prompts]
    while rows:
        chosen = choose(logits, sampling, [noises[row] for row in rows] if noises else [])
        for place, row in enumerate(rows):
            if len(said[row]) < len(openings[row]):
                chosen[place] = openings[row][len(said[row])]
        ended, staying = said_so_far(rows, chosen.tolist(), said, ends, sampling.max_new_tokens)
        yield from ended
        if len(staying) < len(rows):
            keep = torch.tensor(staying, device=model.device, dtype=torch.long)
            cache.batch_select_indices(keep)
            chosen, mask, positions = chosen[keep], mask[keep], positions[keep]
            rows = [rows[place] for place in staying]
        if rows:
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            positions = positions[:, -1:] + 1
            logits = _pass(model, chosen[:, None], mask, positions, cache)


def _pass(
    model: PreTrainedModel, step: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: DynamicCache
) -> torch.Tensor:
    """Logits of the next token, shape (rows, vocabulary)."""
    logits: torch.Tensor = model(
        input_ids=step,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[:, -1]
    return logits


def said_so_far(
    rows: Sequence[int], tokens: Sequence[int], said: Sequence[list[int]], ends: frozenset[int], most: int
) -> tuple[list[Decoded], list[int]]:
    """Add to each row in `said` its token: the rows that ended with it, and the places of those that go on."""
    ended: list[Decoded] = []
    staying: list[int] = []
    for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
        said[row].append(token)
        if token in ends:
            ended.append(Decoded(row, said[row][:-1], "end", len(said[row])))
        elif len(said[row]) == most:
            ended.append(Decoded(row, said[row], "length", len(said[row])))
        else:
            staying.append(place)
    return ended, staying


def choose(logits: torch.Tensor, sampling: Sampling, noises: Sequence[Noise]) -> torch.Tensor:
    """The next token of each row; the largest logit plus Gumbel noise is a draw from the softmax (Gumbel-max)."""
    if not noises:
        return logits.max(-1).indices  # the same as argmax, in a third of its time on a CPU
    scaled = logits.float() / sampling.temperature
    if sampling.top_p < 1:
        scaled = _nucleus(scaled, sampling.top_p)
    noise = torch.stack([noise.draw(logits.shape[-1]) for noise in noises])
    return (scaled + noise.to(logits.device)).argmax(-1)


def _nucleus(scaled: torch.Tensor, top_p: float) -> torch.Tensor:
    """Leave only the smallest set of tokens whose probability reaches `top_p` (Holtzman et al. 2020)."""
    ordered, order = scaled.sort(dim=-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    keep = torch.zeros_like(scaled, dtype=torch.bool).scatter(-1, order, before < top_p)
    return scaled.masked_fill(~keep, float("-inf"))
