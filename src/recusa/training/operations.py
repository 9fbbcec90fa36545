"""Operations of a training step with their gradients written out, so that less is computed and less is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from recusa.models.packed import turned

LOGITS = 256  # trained tokens whose logits are in memory together


class Adapted(torch.autograd.Function):
    """x W' + s (x A') B', Hu et al. 2022; the sum is made in place, and W gets no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        low = x @ a.t()
        ctx.save_for_backward(x, weight, a, b, low)
        return torch.mm(x, weight.t()).addmm_(low, b.t())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        x, weight, a, b, low = ctx.saved_tensors
        through = slope @ b
        inner = (slope @ weight).addmm_(through, a) if ctx.needs_input_grad[0] else None
        return inner, None, through.t() @ x, slope.t() @ low


class Normed(torch.autograd.Function):
    """Root mean square normalisation (Zhang & Sennrich 2019), in float32; its weight gets no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        wide = x.float()
        scale = wide.square().mean(-1, keepdim=True).add_(eps).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        return (wide * scale).to(x.dtype) * weight

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        x, weight, scale = ctx.saved_tensors
        unit, wide = x.float().mul_(scale), (slope * weight).float()
        along = (wide * unit).mean(-1, keepdim=True)
        return wide.sub_(unit.mul_(along)).mul_(scale).to(x.dtype), None, None


class Turned(torch.autograd.Function):
    """Rotary positions (Su et al. 2021): the halves of each head turn as pairs, and back for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return turned(x, cos, sin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        cos, sin = ctx.saved_tensors
        return turned(slope, cos, sin, -1), None, None


class Gated(torch.autograd.Function):
    """silu(gate) * up, of both side by side; keeps nothing else."""

    @staticmethod
    def forward(ctx: Any, both: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(both)
        gate, up = both.chunk(2, -1)
        return torch.nn.functional.silu(gate).mul_(up)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        (both,) = ctx.saved_tensors
        gate, up = both.chunk(2, -1)
        made = torch.empty_like(both)
        made_gate, made_up = made.chunk(2, -1)
        torch.mul(torch.nn.functional.silu(gate), slope, out=made_up)
        made_gate.copy_(torch.ops.aten.silu_backward(slope * up, gate))
        return made


class Attended(torch.autograd.Function):
    """Causal attention of (rows, tokens, heads, width) as plain products, with the weights kept for the gradient.

    Where there are more keys than queries, the queries are the last tokens. Queries that share keys stand beneath one
    another. For short rows torch's fused attention takes three times as long.
    """

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        _, tokens, kv_heads, width = k.shape
        asking = q.shape[1]
        ctx.shapes, ctx.scale = (q.shape, k.shape), width**-0.5
        q, k, v = _grouped(q, kv_heads), _grouped(k, kv_heads), _grouped(v, kv_heads)
        later = torch.full((asking, tokens), float("-inf"), dtype=q.dtype).triu_(1 + tokens - asking)
        later = later.repeat(q.shape[1] // asking, 1)
        weights = torch.baddbmm(later, q, k.transpose(1, 2), alpha=ctx.scale).softmax(-1)
        ctx.save_for_backward(q, k, v, weights)
        return _ungrouped(torch.bmm(weights, v), ctx.shapes[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        q, k, v, weights = ctx.saved_tensors
        of_q, of_k = ctx.shapes
        slope = _grouped(slope, of_k[2])
        through = torch.bmm(slope, v.transpose(1, 2))
        scores = torch._softmax_backward_data(through, weights, -1, weights.dtype).mul_(ctx.scale)
        made = (torch.bmm(scores, k), torch.bmm(scores.transpose(1, 2), q), torch.bmm(weights.transpose(1, 2), slope))
        return tuple(_ungrouped(x, shape) for x, shape in zip(made, (of_q, of_k, of_k), strict=True))


def _grouped(x: torch.Tensor, kv_heads: int) -> torch.Tensor:
    """(rows, tokens, heads, width) to (rows * kv_heads, heads / kv_heads * tokens, width)."""
    rows, _, _, width = x.shape
    return x.transpose(1, 2).reshape(rows * kv_heads, -1, width)


def _ungrouped(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    rows, tokens, heads, width = shape
    return x.view(rows, heads, tokens, width).transpose(1, 2)


class CrossEntropy(torch.autograd.Function):
    """Sum of weighted cross-entropies of (tokens, hidden) states; its gradient is made with it, so no logits stay.

    What they are to predict are `aims`, token ids, in `shares` that sum to 1, both (tokens, any number). After Hsu
    et al. 2024, Liger Kernel; the head gets no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        head: torch.Tensor,
        aims: torch.Tensor,
        shares: torch.Tensor,
        weights: torch.Tensor,
    ) -> torch.Tensor:
        total, slopes = torch.zeros((), dtype=torch.float32), torch.empty_like(states)
        for at in range(0, len(aims), LOGITS):
            part = slice(at, at + LOGITS)
            logs = torch.mm(states[part], head.t()).float().log_softmax(-1)
            total -= ((logs.gather(1, aims[part]) * shares[part]).sum(-1) * weights[part]).sum()
            logs.exp_().scatter_add_(1, aims[part], -shares[part]).mul_(weights[part, None])
            torch.mm(logs.to(head.dtype), head, out=slopes[part])
        ctx.save_for_backward(slopes)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        (slopes,) = ctx.saved_tensors
        return slopes * slope.to(slopes.dtype), None, None, None, None
