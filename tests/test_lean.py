"""The written-out training step against the model's own pass and autograd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.trainings import fit

from recusa.models.causal import load_causal
from recusa.training import lean, operations, trainer
from recusa.training.lean import LeanAnswerLoss, fits
from recusa.training.objective import AnswerLoss, Batch, Objective
from recusa.training.placing import with_lora
from recusa.training.refusal import Refusal
from recusa.training.rows import ROLES

pytestmark = pytest.mark.model


def tuned(tiny: Path, **settings: Any) -> Any:
    """The tiny model with an adapter that does something."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    recipe = Refusal(**settings)
    model = with_lora(loaded, recipe, recipe.size(1e6), None)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data += 0.1 * torch.randn_like(weight)
    return model


def batch(weighted: bool, soft: bool = False, alike: int = 0) -> Batch:
    """Four rows of three lengths, padded on the left, their last eight tokens trained; the first `alike` are one."""
    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(3, 300, (4, 20), generator=drawn)
    mask = torch.ones_like(ids)
    mask[0, :7] = mask[2, :3] = 0
    for row, start in zip(ids, (7, 0, 3, 0), strict=True):
        row[start : start + alike] = ids[1, :alike]
    labels = ids.clone()
    labels[:, :12] = -100
    weights = {"weights": torch.rand(4, 20, generator=drawn)} if weighted else {}
    counts = torch.tensor([30.0] + [0.0] * (len(ROLES) - 1))
    roles = torch.zeros(4, dtype=torch.long)
    if soft:
        shares = torch.rand(4, 20, 3, generator=drawn)
        aims = torch.stack([torch.randperm(300, generator=drawn)[:3] for _ in range(80)]).view(4, 20, 3)
        weights |= {"aims": aims, "shares": shares / shares.sum(-1, keepdim=True)}
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, "roles": roles, "counts": counts, **weights}


def lowered(model: Any, objective: Objective, rows: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss and the gradients it gives."""
    model.zero_grad()
    loss = objective.loss(model, rows, 0.0)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item(), {name: w.grad.clone() for name, w in model.named_parameters() if w.requires_grad}


@pytest.mark.parametrize("soft", [True, False], ids=["soft targets", "labels"])
@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize(
    ("short", "alike"),
    [(384, 0), (384, 3), (384, 13), (4, 0)],
    ids=["unlike", "one beginning", "one row begins another", "fused attention"],
)
@pytest.mark.parametrize("settings", [{}, {"layers": (0.5, 1.0)}, {"targets": ("down_proj",)}], ids=str)
def test_loss_and_gradients_are_those_of_the_model(
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    weighted: bool,
    soft: bool,
    short: int,
    alike: int,
    settings: dict[str, Any],
) -> None:
    """To float32's precision, for all adapters; the head's few rows at a time and a shared beginning change nothing."""
    monkeypatch.setattr(lean, "SHORT", short)
    monkeypatch.setattr(lean, "WORTH", 2)
    monkeypatch.setattr(operations, "LOGITS", 5)
    model = tuned(tiny, **settings)
    rows = batch(weighted, soft, alike)
    loss, slopes = lowered(model, AnswerLoss(), rows)
    assert fits(model)
    found, made = lowered(model, LeanAnswerLoss.of(model), rows)
    assert found == pytest.approx(loss, rel=1e-6)
    assert made.keys() == slopes.keys()
    for name, slope in slopes.items():
        torch.testing.assert_close(made[name], slope, rtol=1e-4, atol=1e-7, msg=name)
    assert max(float(slope.abs().max()) for slope in slopes.values()) > 1e-3, "the case must have gradients"


def test_what_all_rows_begin_with_is_computed_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tokens of four rows are three tokens; a beginning too short to be worth it is computed in each row."""
    seen: list[tuple[int, int]] = []
    call = lean.Layer.__call__

    def counted(self: lean.Layer, states: torch.Tensor, rows: lean.Layout) -> torch.Tensor:
        seen.append((rows.shared, len(states)))
        return call(self, states, rows)

    monkeypatch.setattr(lean.Layer, "__call__", counted)
    model = tuned(tiny)
    rows = batch(False, alike=3)
    tokens = int(rows["attention_mask"].sum())
    LeanAnswerLoss.of(model).loss(model, rows, 0.0)
    monkeypatch.setattr(lean, "WORTH", 2)
    LeanAnswerLoss.of(model).loss(model, rows, 0.0)
    assert set(seen) == {(0, tokens), (3, tokens - 9)}


@pytest.mark.parametrize("alike", [0, 3])
def test_a_row_that_trains_nothing_changes_nothing(tiny: Path, monkeypatch: pytest.MonkeyPatch, alike: int) -> None:
    """The shortest, whose beginning is the longest part of it."""
    monkeypatch.setattr(lean, "WORTH", 2)
    model, rows = tuned(tiny), batch(True, alike=alike)
    rows["labels"][0] = -100
    loss, slopes = lowered(model, AnswerLoss(), rows)
    found, made = lowered(model, LeanAnswerLoss.of(model), rows)
    assert found == pytest.approx(loss, rel=1e-6)
    for name, slope in slopes.items():
        torch.testing.assert_close(made[name], slope, rtol=1e-4, atol=1e-7, msg=name)


@pytest.mark.parametrize("alike", [0, 3])
def test_what_is_kept_of_lower_layers_is_what_they_give(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, alike: int
) -> None:
    """Kept once for all rows, with what they begin with computed once, and taken in another order."""
    monkeypatch.setattr(lean, "WORTH", 2)
    model, rows = tuned(tiny, layers=(0.5, 1.0)), batch(True, alike=alike)
    lowering = LeanAnswerLoss.of(model)
    loss, slopes = lowered(model, lowering, rows)
    there = rows["attention_mask"].bool()
    texts = [ids[mask].tolist() for ids, mask in zip(rows["input_ids"], there, strict=True)]
    lowering.keep(texts[::-1])
    found, made = lowered(model, lowering, {**rows, "places": torch.tensor([3, 2, 1, 0])})
    assert found == pytest.approx(loss, rel=1e-6)
    for name, slope in slopes.items():
        torch.testing.assert_close(made[name], slope, rtol=1e-4, atol=1e-7, msg=name)


def test_weights_side_by_side_are_still_the_models_own(tiny: Path) -> None:
    """The model computes what it did after its weights were joined."""
    model = tuned(tiny)
    rows = batch(True)
    before = lowered(model, AnswerLoss(), rows)[0]
    LeanAnswerLoss.of(model)
    assert lowered(model, AnswerLoss(), rows)[0] == before


def test_a_training_ends_with_the_weights_of_the_plain_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same seed, same order, same losses; the weights differ by rounding alone."""
    quick = fit(tiny, tmp_path / "quick")
    monkeypatch.setattr(trainer, "fits", lambda model: False)
    plain = fit(tiny, tmp_path / "plain")
    assert [loss for _, loss in quick.losses] == pytest.approx([loss for _, loss in plain.losses], rel=1e-5)
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("quick", "plain")]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], rtol=0.02, atol=1e-5, msg=name)


def test_layers_below_the_adapters_are_computed_once(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With adapters in the upper half, what is kept gives the losses and weights of computing all of it each time."""
    recipe = {"epochs": 2, "batch": 4, "r": 4, "save_every": 2, "layers": (0.5, 1.0)}
    kept: list[int] = []
    keep = LeanAnswerLoss.keep

    def counted(self: LeanAnswerLoss, rows: Any) -> None:
        keep(self, rows)
        kept.append(len(self.kept or ()))

    monkeypatch.setattr(LeanAnswerLoss, "keep", counted)
    once = fit(tiny, tmp_path / "once", Refusal(**recipe))
    again = fit(tiny, tmp_path / "again", Refusal(**recipe, keep_lower=False))
    fit(tiny, tmp_path / "all")
    assert kept == [12]
    assert [loss for _, loss in once.losses] == pytest.approx([loss for _, loss in again.losses], rel=1e-5)
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("once", "again")]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], rtol=0.02, atol=1e-5, msg=name)


def test_what_it_does_not_compute_it_does_not_take(tiny: Path) -> None:
    """Adapters on a part of a product, dropout, and other shapes are left to the model's own pass."""
    assert not fits(tuned(tiny, targets=("q_proj",)))
    model = tuned(tiny)
    for name in ("use_dora", "lora_bias"):
        layer = model.get_base_model().model.layers[0].mlp.down_proj
        before = getattr(layer, name)["default"]
        getattr(layer, name)["default"] = True
        assert not fits(model), name
        getattr(layer, name)["default"] = before
    assert fits(model)
    model.get_base_model().config.hidden_act = "gelu"
    assert not fits(model)
