"""The training step of Llama-shaped models on a CPU: few large operations, with backward passes written out.

What all rows of a batch begin with is computed once, padding in attention alone; queries, keys and values are one
product as are gate and up, LoRA adds to a product in place, and logits are made a few tokens at a time and never kept.
A base in bfloat16 stays so; adapters are float32 and rounded for products, as `placing.Rounded` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from recusa.models.packed import bare, packable
from recusa.models.reading import beginning
from recusa.training.objective import Batch
from recusa.training.operations import Adapted, Attended, CrossEntropy, Gated, Normed, Turned
from recusa.training.rows import IGNORED, ROLES

TOGETHER = 32  # rows whose lower layers are computed together
SHORT = 384  # tokens of rows up to which attention weights are kept: rows * heads * SHORT**2 numbers a layer
WORTH = 8  # tokens that all rows begin with, from which on they are computed apart from the rest


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
    """Where the tokens that are computed stand: those all rows begin with once, then the rest, row by row.

    `row` and `column` place the rest in a table of `shape`, (rows, tokens after the beginning); `cos` and `sin` are the
    rotary angles of all.
    """

    shared: int
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
        shared = rows.shared

        def padded(x: torch.Tensor) -> torch.Tensor:
            whole = x.new_zeros(*rows.shape, x.shape[1], self.width)
            return whole.index_put((rows.row, rows.column), x[shared:])

        def after_beginning(x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x[:shared].expand(rows.shape[0], -1, -1, -1), padded(x)], 1) if shared else padded(x)

        if shared + rows.shape[1] <= SHORT:
            seen = Attended.apply(padded(q), after_beginning(k), after_beginning(v))  # type: ignore[no-untyped-call]
        else:
            assert not shared  # `_shared` has looked
            share = self.heads // self.kv_heads
            k, v = (padded(x).repeat_interleave(share, 2).transpose(1, 2) for x in (k, v))
            fused = torch.nn.functional.scaled_dot_product_attention
            seen = fused(padded(q).transpose(1, 2), k, v, is_causal=True).transpose(1, 2)
        rest: torch.Tensor = seen[rows.row, rows.column].flatten(1)
        if not shared:
            return rest
        first = Attended.apply(*(x[None, :shared] for x in (q, k, v)))  # type: ignore[no-untyped-call]
        return torch.cat([first[0].flatten(1), rest])


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
        ids, sizes = batch["input_ids"][there], there.sum(1)
        row, column = _places(sizes)
        once, rows = self._laid(ids, sizes, sizes.scatter_reduce(0, row[trained], column[trained], "amin"))
        if self.kept is None:
            states, above = torch.nn.functional.embedding(ids[once], self.embedding), self.layers
        else:
            states = torch.cat([self.kept[place] for place in batch["places"].tolist()])[once]
            above = self.layers[self.first :]
        for layer in above:
            states = layer(states, rows)
        before = once.cumsum(0)[trained - 1] - 1
        normed: torch.Tensor = Normed.apply(states[before], self.norm, self.eps)  # type: ignore[no-untyped-call]
        return normed

    def _laid(self, ids: torch.Tensor, sizes: torch.Tensor, starts: torch.Tensor) -> tuple[torch.Tensor, Layout]:
        """Which of the tokens of rows are computed, and where those stand; what is asked for begins at `starts`."""
        row, column = _places(sizes)
        shared = _shared(torch.split(ids, sizes.tolist()), starts.tolist())
        once = (column >= shared) | (row == 0)
        row, column = row[once], column[once]
        longest = int(sizes.max())
        cos, sin = self.rotary(self.embedding[:1, None], torch.arange(longest)[None])
        angles = (cos[0, column, None], sin[0, column, None, : cos.shape[-1] // 2])
        shape = (len(sizes), longest - shared)
        return once, Layout(shared, shape, row[shared:], column[shared:] - shared, *angles)

    @torch.no_grad()
    def keep(self, rows: Sequence[Sequence[int]]) -> None:
        """Compute the layers below the first adapter once for all rows, so that no step computes them again.

        In an order that the rows alone decide: a resumed training keeps the same bits.
        """
        order = sorted(range(len(rows)), key=lambda place: (len(rows[place]), place))
        kept = [torch.empty(0)] * len(rows)
        for at in range(0, len(order), TOGETHER):
            places = order[at : at + TOGETHER]
            ids = torch.tensor([token for place in places for token in rows[place]])
            sizes = torch.tensor([len(rows[place]) for place in places])
            once, laid = self._laid(ids, sizes, sizes)
            states = torch.nn.functional.embedding(ids[once], self.embedding)
            for layer in self.layers[: self.first]:
                states = layer(states, laid)
            rest = torch.split(states[laid.shared :], (sizes - laid.shared).tolist())
            for place, part in zip(places, rest, strict=True):
                kept[place] = torch.cat([states[: laid.shared], part])
        self.kept = kept


def _places(sizes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The row and the column of every token of rows of these sizes, one row after another."""
    row = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    return row, torch.arange(len(row)) - (sizes.cumsum(0) - sizes)[row]


def _shared(rows: Sequence[torch.Tensor], starts: Sequence[int]) -> int:
    """How many tokens all rows begin with, at least one before each start left: a first is told from the one before.

    0 where it is not worth computing them apart, or rows are too long for `Attended`.
    """
    if len(rows) < 2 or max(map(len, rows)) > SHORT:
        return 0
    found = beginning([row[:start].tolist() for row, start in zip(rows, starts, strict=True)])
    return found if found >= WORTH else 0


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
