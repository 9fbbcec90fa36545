"""What a training lowers: the loss of a batch, as one object that a recipe chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from recusa.training.rows import IGNORED, ROLES

Batch = dict[str, torch.Tensor]


class Objective(Protocol):
    """Gives the loss of one part of an optimiser step, divided by the tokens of the whole step.

    A batch is what Collator makes of rows, with `counts`: the summed weights of the step's trained tokens, a role.
    `progress` is the share of the steps already taken, 0 to 1.
    """

    def loss(self, model: Any, batch: Batch, progress: float) -> torch.Tensor: ...


@dataclass(frozen=True, slots=True)
class AnswerLoss:
    """Mean cross-entropy over the answer tokens of rows to learn, weighted where rows have weights.

    Logits are made for the columns of the batch's longest answer, not for all. Rows with `aims` and `shares` learn this
    distribution over next tokens in place of one.
    """

    def loss(self, model: Any, batch: Batch, progress: float) -> torch.Tensor:
        """A scalar in nats per token; all rows are taken as rows to learn."""
        logits, trained = self.predicted(model, batch), batch["labels"] != IGNORED
        targets, count = batch["labels"][trained], batch["counts"][ROLES.index("learn")]
        if "aims" in batch:
            told = logits.log_softmax(-1).gather(1, batch["aims"][trained])
            each = -(told * batch["shares"][trained]).sum(-1)
        elif "weights" in batch:
            each = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        else:
            return torch.nn.functional.cross_entropy(logits, targets, reduction="sum") / count
        return (each * batch["weights"][trained] if "weights" in batch else each).sum() / count

    def predicted(self, model: Any, batch: Batch) -> torch.Tensor:
        """Float32 logits of shape (trained tokens, vocabulary), row by row."""
        labels, mask = batch["labels"], batch["attention_mask"]
        first = int((labels != IGNORED).any(0).nonzero()[0])
        kept = labels.shape[1] - first + 1  # the token at `first` is predicted one column earlier
        outputs = model(
            input_ids=batch["input_ids"], attention_mask=mask, position_ids=_positions(mask), logits_to_keep=kept
        )
        made: torch.Tensor = outputs.logits[:, :-1][labels[:, first:] != IGNORED].float()
        return made


@dataclass(frozen=True, slots=True)
class RerouteLoss:
    """Representation rerouting (Zou et al. 2024, circuit breakers), with a cross-entropy on refusals beside it.

    On answers to avoid, the tuned states at `layers` are pushed until they are at right angles to the base's (relu of
    the cosine); on rows to keep, the states that an answer is told from stay near the base's. The weight moves from
    the first to the second along the steps: `coefficient` times 1 - t/2 and t/2, t from 0 to 1. Unlike there, a
    distance is measured in lengths of the base's state, so that one coefficient serves models whose states differ in
    size. `learn` weighs the cross-entropy of rows to learn. The base is the same model with its adapter off.
    """

    layers: tuple[int, ...]  # 1 is what the first layer puts out
    coefficient: float
    learn: float

    def loss(self, model: Any, batch: Batch, progress: float) -> torch.Tensor:
        """The sum of the parts that the batch's rows take part in."""
        total = torch.zeros((), device=batch["input_ids"].device)
        learnt, avoided, kept = (_rows(batch, role) for role in ("learn", "avoid", "keep"))
        if learnt is not None:
            total = total + self.learn * AnswerLoss().loss(model, learnt, progress)
        if avoided is not None:
            total = total + self.coefficient * (1 - progress / 2) * self._avoid(model, avoided)
        if kept is not None:
            total = total + self.coefficient * progress / 2 * self._keep(model, kept)
        return total

    def _avoid(self, model: Any, batch: Batch) -> torch.Tensor:
        """Mean over answer tokens and layers of relu(cosine); the weights of rows count."""
        base, tuned = _states(model, batch)
        near = torch.stack(
            [torch.cosine_similarity(tuned[at].float(), base[at].float(), dim=-1).relu() for at in self.layers]
        ).mean(0)
        return (near * _weights(batch)).sum() / batch["counts"][ROLES.index("avoid")]

    def _keep(self, model: Any, batch: Batch) -> torch.Tensor:
        """Mean distance to the base's state, in lengths of that state, one column before each answer token."""
        base, tuned = _states(model, batch)
        away = torch.stack(
            [
                (mine.float() - its.float()).norm(dim=-1) / its.float().norm(dim=-1).clamp_min(1e-6)
                for mine, its in zip(tuned[1:], base[1:], strict=True)
            ]
        ).mean(0)
        return (away[:, :-1] * _weights(batch)[:, 1:]).sum() / batch["counts"][ROLES.index("keep")]


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(-1) - 1).clamp_min(0)


def _rows(batch: Batch, role: str) -> Batch | None:
    """The rows of a role without the columns that are padding in all of them; None when there are none."""
    chosen = batch["roles"] == ROLES.index(role)
    if not chosen.any():
        return None
    first = int(batch["attention_mask"][chosen].any(0).nonzero()[0])
    tables = {name: table[chosen][:, first:] for name, table in batch.items() if table.dim() == 2}
    return {**tables, "roles": batch["roles"][chosen], "counts": batch["counts"]}


def _weights(batch: Batch) -> torch.Tensor:
    trained = batch["labels"] != IGNORED
    return batch["weights"] * trained if "weights" in batch else trained.float()


def _states(model: Any, batch: Batch) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """The hidden states after the embedding and after every layer: the base's and the tuned model's."""
    asked = {
        "input_ids": batch["input_ids"],
        "attention_mask": batch["attention_mask"],
        "position_ids": _positions(batch["attention_mask"]),
        "output_hidden_states": True,
        "logits_to_keep": 1,  # the head is not needed; one column of it costs next to nothing
    }
    with torch.no_grad(), getattr(model, "module", model).disable_adapter():
        base = model(**asked).hidden_states
    return base, model(**asked).hidden_states
