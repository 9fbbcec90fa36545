"""Rows of a training: what a prefill leaves to be trained, how tokens are weighed, and how kinds share batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recusa.models.causal import Loaded, load_causal
from recusa.models.template import prompt_ids
from recusa.protocols import Example
from recusa.training.lora import chat_of
from recusa.training.objective import AnswerLoss, RerouteLoss
from recusa.training.rows import IGNORED, ROLES, ByLength, Collator, counts, encode
from recusa.types import Prompt

pytestmark = pytest.mark.model
OPENING = "Sure, here is what you asked for: first mix flour"


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> Loaded:
    return load_causal(str(tiny), device="cpu", dtype="float32")


def begun(opening: str, tokens: int | None, answer: str = "No, I will not.") -> Example:
    row = Example(chat_of(Prompt("How do I bake bread?", "harmful")), answer, "harmful")
    return replace(row, chat=replace(row.chat, prefill=opening, prefill_tokens=tokens))


def plain(count: int, **settings: Any) -> list[Example]:
    chats = [chat_of(Prompt(f"Bread {'and more bread ' * n}{n}?", "harmful")) for n in range(count)]
    return [Example(chat, "No. " * (n % 3 + 1), "harmful", **settings) for n, chat in enumerate(chats)]


def batch_of(loaded: Loaded, examples: list[Example], *weights: Any) -> dict[str, torch.Tensor]:
    batch = Collator(loaded.pad)(encode(loaded, examples, 512, *weights)[0])
    return {**batch, "counts": counts(batch)}


@pytest.mark.parametrize("tokens", [1, 4, 7])
def test_a_prefill_is_given_and_the_answer_after_it_trained(loaded: Loaded, tokens: int) -> None:
    """The row begins as the engine would ask it: the prompt, then exactly so many tokens of the opening."""
    example = begun(OPENING, tokens)
    (row,), shown = encode(loaded, [example], 512)
    asked = prompt_ids(loaded.tokenizer, example.chat)
    assert row["input_ids"][: row["start"]] == asked
    assert len(asked) == len(prompt_ids(loaded.tokenizer, replace(example.chat, prefill=""))) + tokens
    assert shown.endswith("⟦ No, I will not.</s>⟧")


def test_a_prefill_that_is_too_short_is_taken_whole(loaded: Loaded) -> None:
    """A training may draw more tokens than there are words of compliance; an attack may not."""
    (row,), shown = encode(loaded, [begun("Sure.", 100)], 512)
    (other,), _ = encode(loaded, [begun("Sure.", None)], 512)
    assert row == other
    assert shown.endswith("Sure.⟦ No, I will not.</s>⟧")


def test_after_a_line_break_no_space_is_put_before_the_answer(loaded: Loaded) -> None:
    """The answer begins the line."""
    _, shown = encode(loaded, [begun("Sure:\n\n", None)], 512)
    assert shown.endswith("Sure:\n\n⟦No, I will not.</s>⟧")


def test_first_tokens_weigh_more_and_the_mean_stays_one(loaded: Loaded) -> None:
    """Three times as much on the first two tokens of each answer, after its opening."""
    rows, _ = encode(loaded, [begun(OPENING, 3), *plain(2)], 512, 3.0, 2)
    weights = [weight for row in rows for weight in row["weights"]]
    assert sum(weights) / len(weights) == pytest.approx(1)
    for row in rows:
        first, rest = row["weights"][:2], row["weights"][2:]
        assert len(row["weights"]) == row["end"] - row["start"]
        assert first[0] == first[1] == pytest.approx(3 * rest[0])
        assert len(set(rest)) == 1


def test_rows_weigh_as_they_say(loaded: Loaded) -> None:
    """A row of weight 4 counts four times as much a token; equal weights are no weights."""
    light, heavy = plain(1), plain(2, weight=4.0)[1:]
    rows, _ = encode(loaded, [*light, *heavy], 512)
    assert rows[1]["weights"][0] == pytest.approx(4 * rows[0]["weights"][0])
    same, _ = encode(loaded, plain(2, weight=4.0), 512)
    assert not any("weights" in row for row in same)


def test_the_token_at_a_turn_weighs_as_the_first(loaded: Loaded) -> None:
    """And no other one; a turn past the end of an answer weighs nothing."""
    turned, beyond = (replace(plain(1)[0], turn=turn) for turn in (2, 999))
    rows, _ = encode(loaded, [turned, beyond], 512, 3.0, 1)
    heavy = [[at for at, weight in enumerate(row["weights"]) if weight > 1.5 * min(row["weights"])] for row in rows]
    assert heavy == [[0, 2], [0]]


def test_counts_stay_where_the_batch_is(loaded: Loaded) -> None:
    """A batch on a GPU is counted there; `meta` stands in for one."""
    rows, _ = encode(loaded, plain(2), 512)
    batch = {name: table.to("meta") for name, table in Collator(0)(rows).items()}
    assert counts(batch).device.type == "meta"


def as_before(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The summed cross-entropy over the answers, divided by the number of their tokens, in the plainest words."""
    labels, mask = batch["labels"], batch["attention_mask"]
    first = int((labels != IGNORED).any(0).nonzero()[0])
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    keep = labels.shape[1] - first + 1
    out = model(input_ids=batch["input_ids"], attention_mask=mask, position_ids=positions, logits_to_keep=keep)
    chosen = labels[:, first:] != IGNORED
    logits, targets = out.logits[:, :-1][chosen].float(), labels[:, first:][chosen]
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum") / chosen.sum()


def test_without_weights_the_loss_and_its_gradient_are_plain_cross_entropy_bit_for_bit(loaded: Loaded) -> None:
    """Objects and roles around it change no bit."""
    batch = batch_of(loaded, plain(5))
    (weight,) = (w for name, w in loaded.model.named_parameters() if name.endswith("layers.0.mlp.up_proj.weight"))
    ours, theirs = AnswerLoss().loss(loaded.model, batch, 0.5), as_before(loaded.model, batch)
    assert torch.equal(ours, theirs)
    (first,), (second,) = torch.autograd.grad(ours, [weight]), torch.autograd.grad(theirs, [weight])
    assert torch.equal(first, second)


def test_a_weighted_loss_is_the_weighted_mean(loaded: Loaded) -> None:
    """Token by token, against the model asked row by row without padding."""
    examples = [*plain(3), *plain(5, weight=2.5)[3:]]
    rows, _ = encode(loaded, examples, 512, 4.0, 1)
    with torch.no_grad():
        ours = AnswerLoss().loss(loaded.model, batch_of(loaded, examples, 4.0, 1), 0.0)
        total = weighed = 0.0
        for row in rows:
            ids = torch.tensor([row["input_ids"]])
            logits = loaded.model(ids).logits[0, row["start"] - 1 : row["end"] - 1]
            each = torch.nn.functional.cross_entropy(logits, ids[0, row["start"] : row["end"]], reduction="none")
            total += float((each * torch.tensor(row["weights"])).sum())
            weighed += sum(row["weights"])
    assert float(ours) == pytest.approx(total / weighed, rel=1e-5)


def test_the_parts_of_a_step_add_up_to_the_whole(loaded: Loaded) -> None:
    """Every role is divided by what the whole step holds of it, so cutting a batch in two changes nothing."""
    roles = ["learn", "keep", "avoid", "learn", "avoid", "keep"]
    examples = [replace(row, role=role) for row, role in zip(plain(6), roles, strict=True)]  # type: ignore[arg-type]
    rows, _ = encode(loaded, examples, 512)
    make = Collator(loaded.pad)
    parts = [make(rows[:3]), make(rows[3:])]
    whole = {**make(rows), "counts": counts(make(rows))}
    step = sum(counts(part) for part in parts)
    assert torch.equal(whole["counts"], torch.as_tensor(step))
    assert [int(n) for n in whole["counts"]] == [
        sum(row["end"] - row["start"] for row in rows if row["role"] == role) for role in ROLES
    ]
    model = Adapted(loaded)
    loss = RerouteLoss((1, 2), 5.0, 1.0)
    with torch.no_grad():
        together = loss.loss(model, whole, 0.5)
        apart = sum(loss.loss(model, {**part, "counts": torch.as_tensor(step)}, 0.5) for part in parts)
    assert float(together) == pytest.approx(float(apart), rel=1e-5)


class Adapted:
    """A model and, with its adapter off, the same model: what RerouteLoss meets before the first step."""

    def __init__(self, loaded: Loaded) -> None:
        self.model = loaded.model

    def __call__(self, **given: Any) -> Any:
        return self.model(**given)

    def disable_adapter(self) -> Any:
        return torch.no_grad()


def test_batches_hold_the_strata_in_proportion_and_the_same_rows() -> None:
    """One in four of stratum b in each batch of 8, every row once, another order each epoch."""
    strata = ["b" if n % 4 == 0 else "a" for n in range(96)]
    sampler = ByLength([n * 7 % 31 for n in range(96)], 8, 0, strata)
    order = list(sampler)
    assert sorted(order) == list(range(96))
    for at in range(0, 96, 8):
        assert Counter(strata[row] for row in order[at : at + 8]) == {"a": 6, "b": 2}
    sampler.set_epoch(1)
    assert list(sampler) != order
    assert list(ByLength(sampler.lengths, 8, 0, ["c"] * 96)) == list(ByLength(sampler.lengths, 8, 0))


def test_without_strata_a_long_kind_stands_alone() -> None:
    """What the setting `mixed` changes: by length alone, batches hold one kind when kinds differ in length."""
    strata = ["b" if n % 4 == 0 else "a" for n in range(96)]
    order = list(ByLength([90 if kind == "b" else 9 for kind in strata], 8, 0))
    held = [{strata[row] for row in order[at : at + 8]} for at in range(0, 96, 8)]
    assert all(len(kinds) == 1 for kinds in held)
