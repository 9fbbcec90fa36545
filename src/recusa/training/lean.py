"""The training step of Llama-shaped models on a CPU: few large operations, with backward passes written out.

Padding is computed in attention alone, queries, keys and values are one product as are gate and up, LoRA adds to a
product in place, and logits are made a few tokens at a time and never kept. A base in bfloat16 stays so; adapters are
float32 and rounded for products, as `placing.Rounded` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from recusa.models.packed import bare, packable
from recusa.training.objective import Batch
from recusa.training.operations import Adapted, Attended, CrossEntropy, Gated, Normed, Turned
from recusa.training.rows import IGNORED, ROLES

TOGETHER = 32  # rows whose lower layers are computed together
SHORT = 384  # tokens of rows up to which attention weights are kept: rows * heads * SHORT**2 numbers a layer


class Joined:
    """Linear layers that read the same, as one: their weights become views of one matrix."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = layers
        bases = [getattr(layer, "base_layer", layer) for layer in layers]
        self.weight = bases[0].weight.data
        if len(layers) > 1:
            self.weight = torch.cat([base.weight.data for base in bases])
            for base, part in zip(bases, self.weight.split([len(base.weight) for base in bases]), strict=True):
                base.weight.data = part
        self.named = [(layer, layer.active_adapters[0]) for layer in layers if hasattr(layer, "lora_A")]
        assert len(self.named) in (0, len(layers))  # `fits` has looked

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(tokens, in) to (tokens, out of all)."""
        if not self.named:
            return torch.nn.functional.linear(x, self.weight)
        a = [layer.lora_A[name].weight for layer, name in self.named]
        b = [layer.lora_B[name].weight * layer.scaling[name] for layer, name in self.named]
        down, up = (a[0], b[0]) if len(a) == 1 else (torch.cat(a), torch.block_diag(*b))  # type: ignore[no-untyped-call]
        made: torch.Tensor = Adapted.apply(x, self.weight, down.to(x.dtype), up.to(x.dtype))  # type: ignore[no-untyped-call]
        return made


class Layout(NamedTuple):
    """Where a batch's tokens stand when its padding is left out: their rows and columns, and the rotary angles."""

    shape: tuple[int, int]
    row: torch.Tensor
    column: torch.Tensor
    cos: torch.Tensor
    sin: torch.Tensor


class Layer:
    """One block."""

    def __init__(self, block: Any, config: Any) -> None:
        attention, mlp = block.self_attn, block.mlp
        self.heads, self.kv_heads = int(config.num_attention_heads), int(config.num_key_value_heads)
        self.width, self.eps = int(attention.head_dim), float(config.rms_norm_eps)
        self.before_attention = block.input_layernorm.weight
        self.before_mlp = block.post_attention_layernorm.weight
        self.qkv = Joined([attention.q_proj, attention.k_proj, attention.v_proj])
        self.out = Joined([attention.o_proj])
        self.gate_up = Joined([mlp.gate_proj, mlp.up_proj])
        self.down = Joined([mlp.down_proj])
        self.adapted = any(part.named for part in (self.qkv, self.out, self.gate_up, self.down))

    def __call__(self, states: torch.Tensor, rows: Layout) -> torch.Tensor:
        """(tokens, hidden) to the same."""
        qkv = self.qkv(self._normed(states, self.before_attention)).view(len(states), -1, self.width)
        turning = self.heads + self.kv_heads
        turned = Turned.apply(qkv[:, :turning], rows.cos, rows.sin)  # type: ignore[no-untyped-call]
        seen = self._attended(turned[:, : self.heads], turned[:, self.heads :], qkv[:, turning:], rows)
        states = states + self.out(seen)
        both = self.gate_up(self._normed(states, self.before_mlp))
        return states + self.down(Gated.apply(both))  # type: ignore[no-untyped-call]

    def _normed(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = Normed.apply(states, weight, self.eps)  # type: ignore[no-untyped-call]
        return made

    def _attended(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rows: Layout) -> torch.Tensor:
        """Attention over rows padded on the right: causal, so nothing ever looks at the padding."""

        def padded(x: torch.Tensor) -> torch.Tensor:
            whole = x.new_zeros(*rows.shape, x.shape[1], self.width)
            return whole.index_put((rows.row, rows.column), x)

        if rows.shape[1] <= SHORT:
            seen = Attended.apply(padded(q), padded(k), padded(v))  # type: ignore[no-untyped-call]
        else:
            share = self.heads // self.kv_heads
            k, v = (padded(x).repeat_interleave(share, 2).transpose(1, 2) for x in (k, v))
            fused = torch.nn.functional.scaled_dot_product_attention
            seen = fused(padded(q).transpose(1, 2), k, v, is_causal=True).transpose(1, 2)
        there: torch.Tensor = seen[rows.row, rows.column].flatten(1)
        return there


@dataclass(slots=True)
class LeanAnswerLoss:
    """What `AnswerLoss` is, for models that `fits` says this can compute.

    With `kept`, the states that the lowest `first` layers give each row of the training, by the row's place in it.
    """

    layers: list[Layer]
    embedding: torch.Tensor
    norm: torch.Tensor
    eps: float
    head: torch.Tensor
    rotary: Any
    first: int  # layers below it have no adapter
    kept: list[torch.Tensor] | None = None

    @classmethod
    def of(cls, model: Any) -> LeanAnswerLoss:
        """Over a model with its adapters; weights that are computed together are laid side by side."""
        base = bare(model)
        body = base.get_decoder()
        layers = [Layer(block, base.config) for block in body.layers]
        norm, head = body.norm.weight, base.get_output_embeddings().weight
        eps, first = float(base.config.rms_norm_eps), next((at for at, one in enumerate(layers) if one.adapted), 0)
        return cls(layers, body.embed_tokens.weight, norm, eps, head, body.rotary_emb, first)

    def loss(self, model: Any, batch: Batch, progress: float) -> torch.Tensor:
        """A scalar in nats per token; all rows are taken as rows to learn."""
        there = batch["attention_mask"].bool()
        trained = (batch["labels"][there] != IGNORED).nonzero()[:, 0]
        normed = self._predicting(batch, there, trained)
        count = batch["counts"][ROLES.index("learn")]
        weights = batch["weights"][there][trained] if "weights" in batch else torch.ones(len(trained))
        if "aims" in batch:
            aims, shares = batch["aims"][there][trained], batch["shares"][there][trained]
        else:
            aims = batch["labels"][there][trained, None]
            shares = torch.ones(aims.shape)
        total: torch.Tensor = CrossEntropy.apply(normed, self.head, aims, shares, weights / count)  # type: ignore[no-untyped-call]
        return total

    def predicted(self, model: Any, batch: Batch) -> torch.Tensor:
        """Float32 logits of shape (trained tokens, vocabulary), row by row."""
        there = batch["attention_mask"].bool()
        trained = (batch["labels"][there] != IGNORED).nonzero()[:, 0]
        return torch.mm(self._predicting(batch, there, trained), self.head.t()).float()

    def _predicting(self, batch: Batch, there: torch.Tensor, trained: torch.Tensor) -> torch.Tensor:
        """The last states, one token before each that is trained; `trained` are places among the tokens `there`."""
        rows = self._rows(there)
        if self.kept is None:
            states, above = torch.nn.functional.embedding(batch["input_ids"][there], self.embedding), self.layers
        else:
            states, above = (
                torch.cat([self.kept[place] for place in batch["places"].tolist()]),
                self.layers[self.first :],
            )
        for layer in above:
            states = layer(states, rows)
        normed: torch.Tensor = Normed.apply(states[trained - 1], self.norm, self.eps)  # type: ignore[no-untyped-call]
        return normed

    def _rows(self, there: torch.Tensor) -> Layout:
        sizes = there.sum(1)
        row = there.nonzero()[:, 0]
        column = torch.arange(len(row)) - (sizes.cumsum(0) - sizes)[row]
        longest = int(sizes.max())
        cos, sin = self.rotary(self.embedding[:1, None], torch.arange(longest)[None])
        half = cos.shape[-1] // 2
        return Layout((len(sizes), longest), row, column, cos[0, column, None], sin[0, column, None, :half])

    @torch.no_grad()
    def keep(self, rows: Sequence[Sequence[int]]) -> None:
        """Compute the layers below the first adapter once for all rows, so that no step computes them again.

        In an order that the rows alone decide: a resumed training keeps the same bits.
        """
        order = sorted(range(len(rows)), key=lambda place: (len(rows[place]), place))
        kept = [torch.empty(0)] * len(rows)
        for at in range(0, len(order), TOGETHER):
            places = order[at : at + TOGETHER]
            sizes = [len(rows[place]) for place in places]
            there = torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]
            ids = torch.tensor([token for place in places for token in rows[place]])
            states, laid = torch.nn.functional.embedding(ids, self.embedding), self._rows(there)
            for layer in self.layers[: self.first]:
                states = layer(states, laid)
            for place, part in zip(places, torch.split(states, sizes), strict=True):
                kept[place] = part.clone()
        self.kept = kept


def fits(model: Any) -> bool:
    """Whether `LeanAnswerLoss` computes this model's loss: shaped as `packable` says, LoRA alone, on all of a group."""
    if not packable(model):
        return False
    groups = (("q_proj", "k_proj", "v_proj"), ("o_proj",), ("gate_proj", "up_proj"), ("down_proj",))
    for block in bare(model).get_decoder().layers:
        for names in groups:
            layers = [getattr(block.self_attn, name, None) or getattr(block.mlp, name) for name in names]
            if len({hasattr(layer, "lora_A") for layer in layers}) > 1:
                return False
    return True
