"""Llama-shaped models laid out for answering on a CPU: fused and pre-packed products, one cache with a slot a row."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from recusa.models.slots import Slots

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SHAPES = ("LlamaForCausalLM", "MistralForCausalLM")
FORMATS = (torch.bfloat16, torch.float32)
ROTARY = ("default", "linear", "llama3")  # angles that depend on the position alone, not on the length of the text
_TYPICAL_ROWS = 64  # rows that oneDNN lays weights out for; any number can be multiplied


class Product:
    """Multiplies by one weight matrix, which oneDNN has laid out once; torch alone lays it out at every call.

    What follows the product is done before it is rounded and written.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), _TYPICAL_ROWS)

    def __call__(self, x: torch.Tensor, then: str = "none") -> torch.Tensor:
        """The product of (rows, in), `then` "none" or "swish"."""
        made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, None, then, [], "")
        return made

    def with_(self, other: torch.Tensor, x: torch.Tensor, how: str) -> torch.Tensor:
        """The product, to which `other` is added ("add") or by which it is multiplied ("mul")."""
        made: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, self.packed, None, how)
        return made


class Block(NamedTuple):
    """The weights of one layer; queries, keys and values are one product."""

    before_attention: torch.Tensor  # float32, as norms are computed
    qkv: Product
    out: Product
    before_mlp: torch.Tensor
    gate: Product
    up: Product
    down: Product


class Pass(NamedTuple):
    """Which tokens one pass sees: rows of the cache from `first` on, each with the columns it adds.

    `row` and `offset` say of each token whose it is and how many of that row's come before it in the pass; `column`,
    its place in the text; `mask`, (rows, 1, tokens, columns), what it may look at.
    """

    first: int
    number: int
    row: torch.Tensor
    offset: torch.Tensor
    column: torch.Tensor
    longest: int
    mask: torch.Tensor

    @classmethod
    def of(cls, first: int, starts: Sequence[int], sizes: Sequence[int], columns: int, dtype: torch.dtype) -> Pass:
        """Rows that go on from `starts` by `sizes` tokens, in a cache of so many columns."""
        size, start = torch.tensor(sizes), torch.tensor(starts)
        longest = int(size.max())
        row = torch.repeat_interleave(torch.arange(len(sizes)), size)
        offset = torch.arange(len(row)) - (size.cumsum(0) - size)[row]
        seen = torch.arange(columns) <= (start[:, None] + torch.arange(longest))[..., None]
        mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))
        return cls(first, len(sizes), row, offset, start[row] + offset, longest, mask[:, None])


class Packed:
    """Computes what the model computes; in float32 the same greedy answers, in bfloat16 with fewer roundings.

    The cache has a slot a row; `room` makes it. Adapters are added to the weights, and the sum is rounded once.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = bare(model)
        config = base.config
        self.heads, self.kv_heads = int(config.num_attention_heads), int(config.num_key_value_heads)
        self.eps = float(config.rms_norm_eps)
        self.dtype: torch.dtype = base.dtype
        body = base.get_decoder()
        self.width = int(body.layers[0].self_attn.head_dim)
        self.embedding = body.embed_tokens.weight.detach()
        self.blocks = [_block(layer) for layer in body.layers]
        self.norm = body.norm.weight.detach().float()
        self.head = Product(_weight(base.get_output_embeddings()))
        self.rotary = body.rotary_emb
        self.room(0, 0)

    def room(self, slots: int, columns: int) -> None:
        """Have so many slots, empty, for texts of at most so many tokens."""
        self.cache = Slots(0, 0, 0, 0, 0, self.dtype)  # let go before there is a second one
        self.cache = Slots(len(self.blocks), slots, self.kv_heads, self.width, columns, self.dtype)
        cos, sin = self.rotary(self.embedding[:1, None], torch.arange(columns)[None])
        half = self.width // 2
        self.cos, self.sin = cos[0, :, None], sin[0, :, None, :half]

    def share(self, prefix: Sequence[int]) -> None:
        """Read tokens that all rows begin with, once, and give every slot what was read."""
        self.states(0, 0, [prefix])
        self.cache.share(len(prefix))

    def read(self, first: int, start: int, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Put texts, from column `start` on, into the slots from `first` on; the logits of what follows each."""
        ends = torch.tensor([len(text) for text in texts]).cumsum(0)
        return self.logits(self.states(first, start, texts)[ends - 1])

    def states(self, first: int, start: int, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """The same; the last states of all their tokens, text by text, (tokens, hidden)."""
        ids = torch.tensor([token for text in texts for token in text])
        return self._passed(ids, first, [start] * len(texts), [len(text) for text in texts])

    def step(self, ids: torch.Tensor, columns: Sequence[int]) -> torch.Tensor:
        """One token more for each of the first slots; the logits of what follows, (rows, vocabulary)."""
        return self.logits(self._passed(ids, 0, columns, [1] * len(columns)))

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """What is told from last states, (tokens, vocabulary)."""
        return self.head(self._normed(states, self.norm))

    def _normed(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Root mean square normalisation, Zhang & Sennrich 2019; torch's own takes eight times as long on many rows."""
        wide = states.float()
        scale = wide.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()
        return (wide * scale).mul_(weight).to(states.dtype)

    def _passed(self, ids: torch.Tensor, first: int, starts: Sequence[int], sizes: Sequence[int]) -> torch.Tensor:
        self.cache.hold(max(start + size for start, size in zip(starts, sizes, strict=True)))
        rows = Pass.of(first, starts, sizes, self.cache.columns, self.dtype)
        states = torch.nn.functional.embedding(ids, self.embedding)
        cos, sin = self.cos[rows.column], self.sin[rows.column]
        slots = slice(rows.first, rows.first + rows.number)
        for block, all_keys, all_values in zip(self.blocks, self.cache.keys, self.cache.values, strict=True):
            keys, values = all_keys[slots], all_values[slots]
            qkv = block.qkv(self._normed(states, block.before_attention)).view(len(ids), -1, self.width)
            queries_keys = turned(qkv[:, : self.heads + self.kv_heads], cos, sin)
            keys[rows.row, :, :, rows.column] = queries_keys[:, self.heads :]
            values[rows.row, :, rows.column] = qkv[:, self.heads + self.kv_heads :]
            seen = self._attended(queries_keys[:, : self.heads], keys, values, rows)
            states = block.out.with_(states, seen, "add")
            normed = self._normed(states, block.before_mlp)
            states = block.down.with_(states, block.up.with_(block.gate(normed, "swish"), normed, "mul"), "add")
        return states

    def _attended(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, rows: Pass) -> torch.Tensor:
        """Attention; queries that share keys stand beside one another, so that no key is copied.

        With few queries a row, two plain products take half of the time of torch's fused attention.
        """
        queries = queries * self.width**-0.5
        if rows.longest > 1:
            padded = queries.new_zeros(rows.number, rows.longest, self.heads, self.width)
            padded[rows.row, rows.offset] = queries
            queries = padded.transpose(1, 2)
        columns = keys.shape[-1]
        grouped = queries.reshape(rows.number * self.kv_heads, -1, self.width)
        scores = torch.bmm(grouped, keys.flatten(0, 1)).view(rows.number, self.heads, -1, columns)
        weights = scores.add_(rows.mask).softmax(-1).view(*grouped.shape[:2], columns)
        seen = torch.bmm(weights, values.flatten(0, 1)).view(rows.number, self.heads, -1, self.width)
        if rows.longest > 1:
            return seen.transpose(1, 2)[rows.row, rows.offset].flatten(1)
        return seen.flatten(1)


def turned(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, way: int = 1) -> torch.Tensor:
    """Rotary positions (Su et al. 2021): the halves of each head turn as pairs; `way` -1 turns back."""
    low, high = states.chunk(2, -1)
    made = states * cos
    made_low, made_high = made.chunk(2, -1)
    made_low.addcmul_(high, sin, value=-way)
    made_high.addcmul_(low, sin, value=way)
    return made


def _block(layer: Any) -> Block:
    attention, mlp = layer.self_attn, layer.mlp
    return Block(
        layer.input_layernorm.weight.detach().float(),
        Product(torch.cat([_weight(attention.q_proj), _weight(attention.k_proj), _weight(attention.v_proj)])),
        Product(_weight(attention.o_proj)),
        layer.post_attention_layernorm.weight.detach().float(),
        Product(_weight(mlp.gate_proj)),
        Product(_weight(mlp.up_proj)),
        Product(_weight(mlp.down_proj)),
    )


def _weight(layer: Any) -> torch.Tensor:
    """The weights of a linear layer, with what its adapters add unless they are switched off."""
    weight: torch.Tensor = getattr(layer, "base_layer", layer).weight.detach()
    names = () if getattr(layer, "disable_adapters", False) else getattr(layer, "active_adapters", ())
    added = [layer.get_delta_weight(name).detach() for name in names]
    return sum(added, weight.float()).to(weight.dtype) if added else weight


def bare(model: Any) -> Any:
    """The model itself, whether or not peft is wrapped around it; its layers keep their adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def packable(model: Any) -> bool:
    """Whether `Packed` computes what this model computes, on this machine."""
    base = bare(model)
    config = base.config
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    return (
        type(base).__name__ in SHAPES
        and base.device.type == "cpu"
        and base.dtype in FORMATS
        and _has_products()
        and getattr(config, "hidden_act", "") == "silu"
        and not getattr(config, "attention_bias", False)
        and not getattr(config, "mlp_bias", False)
        and not getattr(config, "sliding_window", None)
        and rope in ROTARY
        and type(base.get_decoder().embed_tokens) is torch.nn.Embedding
        and _plain(base.get_output_embeddings())
        and all(_plain(part) for name, part in base.get_decoder().named_modules() if name.endswith("_proj"))
    )


def _has_products() -> bool:
    """Whether torch has oneDNN's products here; on other processors than x86 they were not tried."""
    x86 = platform.machine() in ("x86_64", "AMD64")
    return x86 and torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _plain(layer: Any) -> bool:
    """A linear layer in a format of its own, alone or with one LoRA without dropout, bias or a magnitude of its own."""
    inner: Any = getattr(layer, "base_layer", layer)
    if (
        type(inner) is not torch.nn.Linear
        or inner.weight.dtype not in FORMATS
        or getattr(inner, "bias", None) is not None
    ):
        return False
    if not hasattr(layer, "base_layer"):
        return True
    name = layer.active_adapters[0] if len(layer.active_adapters) == 1 else ""
    return (
        name in getattr(layer, "lora_A", ())
        and not layer.use_dora[name]
        and not layer.lora_bias[name]
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
    )
