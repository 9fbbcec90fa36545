"""Soft targets: what rows learn in place of one token, and what it does to a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.trainings import fit, quiet, rows

from recusa.models.causal import load_causal
from recusa.protocols import Example
from recusa.training import trainer
from recusa.training.distillation import soften
from recusa.training.objective import AnswerLoss
from recusa.training.refusal import Refusal
from recusa.training.rows import Collator, counts, encode

pytestmark = pytest.mark.model


def owned() -> list[Example]:
    """Four refusals and eight harmless rows whose answers count as the model's own."""
    return [row if at % 3 == 0 else replace(row, kind="benign", own=True) for at, row in enumerate(rows())]


def softened(tiny: Path, most: int) -> tuple[Any, list[dict[str, Any]]]:
    """The tiny model and the rows with their soft targets."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    made, _ = encode(loaded, owned(), 512, 3.0, 1)
    soften(AnswerLoss(), loaded.model, made, Collator(loaded.pad), most, quiet, "")
    return loaded, made


def test_rows_learn_the_likeliest_tokens_of_the_model(tiny: Path) -> None:
    """Each row alone, without padding, has the tokens and shares that it has among others."""
    loaded, made = softened(tiny, 5)
    for row in made:
        assert ("aims" in row) == row["own"]
    for row in (row for row in made if row["own"]):
        with torch.no_grad():
            logits = loaded.model(torch.tensor([row["input_ids"]])).logits[0, row["start"] - 1 : row["end"] - 1]
        likely = logits.softmax(-1).topk(5)
        assert torch.equal(row["aims"].long(), likely.indices)
        torch.testing.assert_close(row["shares"], likely.values / likely.values.sum(-1, keepdim=True))


def test_a_model_that_is_where_it_was_feels_nothing_from_its_own_distribution(tiny: Path) -> None:
    """Over the whole vocabulary the gradient is nil for own answers, and one token's is not."""
    loaded, made = softened(tiny, int(load_causal(str(tiny)).model.config.vocab_size))
    weight = dict(loaded.model.named_parameters())["model.layers.0.mlp.up_proj.weight"]
    slopes = []
    for keep in (True, False):
        some = [{k: v for k, v in row.items() if keep or k not in ("aims", "shares")} for row in made if row["own"]]
        batch = Collator(loaded.pad)(some)
        loss = AnswerLoss().loss(loaded.model, {**batch, "counts": counts(batch)}, 0.0)
        slopes.append(float(torch.autograd.grad(loss, [weight])[0].abs().max()))
    assert slopes[0] < 1e-6 < 1e-4 < slopes[1]


def test_refusals_beside_soft_rows_keep_their_label(tiny: Path) -> None:
    """The padded tables say the label with all of the share."""
    loaded, made = softened(tiny, 4)
    batch = Collator(loaded.pad)(made)
    for place, row in enumerate(made):
        trained = batch["labels"][place] != -100
        assert torch.allclose(batch["shares"][place, trained].sum(-1), torch.ones(int(trained.sum())))
        if not row["own"]:
            assert torch.equal(batch["aims"][place, trained, 0], batch["labels"][place, trained])
            assert torch.equal(batch["shares"][place, trained, 0], torch.ones(int(trained.sum())))


def test_a_training_on_soft_targets_ends_as_the_plain_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out or by the model's own pass; and elsewhere than a training on labels."""
    recipe = {"epochs": 2, "batch": 4, "r": 4, "save_every": 2}
    quick = fit(tiny, tmp_path / "quick", Refusal(**recipe, soft_targets=8), examples=owned())
    hard = fit(tiny, tmp_path / "hard", Refusal(**recipe), examples=owned())
    monkeypatch.setattr(trainer, "fits", lambda model: False)
    plain = fit(tiny, tmp_path / "plain", Refusal(**recipe, soft_targets=8), examples=owned())
    assert [loss for _, loss in quick.losses] == pytest.approx([loss for _, loss in plain.losses], rel=1e-5)
    assert [loss for _, loss in quick.losses] != pytest.approx([loss for _, loss in hard.losses], rel=1e-3)
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("quick", "plain")]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], rtol=0.02, atol=1e-5, msg=name)
