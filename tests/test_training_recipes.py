"""Every recipe on the tiny model: what it changes, where its adapter sits, and that a cut changes nothing."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tests.trainings import Killed, fit, rows
from transformers import AutoModelForCausalLM, Trainer

from recusa.errors import TrainingError
from recusa.models.causal import load_causal
from recusa.protocols import Example
from recusa.training.balanced import Balanced
from recusa.training.lora import SIZES, LoRARecipe, chat_of
from recusa.training.objective import RerouteLoss
from recusa.training.recovery import Recovery
from recusa.training.refusal import Refusal
from recusa.training.reroute import Reroute
from recusa.training.rows import Collator, counts, encode
from recusa.types import Prompt

pytestmark = pytest.mark.model
SHORT: dict[str, Any] = {"epochs": 2, "batch": 4, "accumulate": 2, "r": 4, "learning_rate": 1e-2, "save_every": 2}
RECIPES = [
    Refusal(**SHORT),
    Refusal(**SHORT, first_weight=4.0, first_tokens=2, layers=(0.5, 1.0)),
    Balanced(**SHORT, mixed=True),
    Recovery(**SHORT, recover=0.6, recover_tokens=6),
    Reroute(**SHORT),
    Reroute(**SHORT, refuse=0),
]
TRAINING = [
    *(Prompt(f"Bake loaf {n}{' please' * (n % 3)}!", "harmful", chosen=f"I cannot bake {n}.") for n in range(8)),
    *(
        Prompt(f"Write letter {n}?", "benign", response=f"Dear neighbour, {'the dog ' * (n % 4)}waits.")
        for n in range(6)
    ),
]


def ask(prompts: Sequence[Prompt], tokens: int) -> list[Example]:
    """A model that complies."""
    return [Example(chat_of(p), f"Sure, first mix flour and water for {p.text}", p.kind) for p in prompts]


def train_it(tiny: Path, folder: Path, recipe: LoRARecipe, **more: Any) -> dict[str, torch.Tensor]:
    fit(tiny, folder, recipe, examples=recipe.examples(TRAINING, ask), **more)
    return load_file(folder / "adapter_model.safetensors")


def kill_at(step: int) -> Callable[..., None]:
    def kill(stage: str, done: int, total: int, note: str = "") -> None:
        if done == step:
            raise Killed

    return kill


def names(recipe: LoRARecipe) -> str:
    return f"{recipe.name}-{recipe.fingerprint()[:4]}"


@pytest.mark.parametrize("recipe", RECIPES, ids=names)
def test_a_killed_training_ends_with_the_same_weights(tiny: Path, tmp_path: Path, recipe: LoRARecipe) -> None:
    """Killed after a checkpoint in mid-epoch and run again: bit for bit the weights of an undisturbed training."""
    whole = train_it(tiny, tmp_path / "whole", recipe)
    with pytest.raises(Killed):
        train_it(tiny, tmp_path / "halved", recipe, listener=kill_at(3))
    assert (tmp_path / "halved" / "checkpoints" / "checkpoint-2").is_dir()
    assert not (tmp_path / "halved" / "adapter_model.safetensors").exists()
    resumed = train_it(tiny, tmp_path / "halved", recipe)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert any(bool(tensor.any()) for name, tensor in whole.items() if "lora_B" in name)


def test_recipes_differ(tiny: Path, tmp_path: Path) -> None:
    """Each setting reaches the weights: no two of the recipes end alike."""
    short = [recipe.model_copy(update={"epochs": 1}) for recipe in RECIPES]
    ends = [train_it(tiny, tmp_path / str(number), recipe) for number, recipe in enumerate(short)]
    for at, one in enumerate(ends):
        for other in ends[:at]:
            shared = one.keys() & other.keys()
            assert one.keys() != other.keys() or not all(torch.equal(one[name], other[name]) for name in shared)


def test_rerouting_turns_compliance_away_and_holds_the_rest(tiny: Path, tmp_path: Path) -> None:
    """Before: cosine 1 and distance 0. After: the states of compliance are far off, those of harmless answers near."""
    recipe = Reroute(**{**SHORT, "epochs": 20, "save_every": 100}, refuse=0, layers=(0.0, 1.0), reroute_at=(0.5, 1.0))
    examples = recipe.examples(TRAINING, ask)
    fit(tiny, tmp_path / "a", recipe, examples=examples)
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    tuned: Any = PeftModel.from_pretrained(loaded.model, str(tmp_path / "a"))
    held: dict[str, tuple[float, float]] = {}
    for role, progress in (("avoid", 0.0), ("keep", 1.0)):
        batch = Collator(loaded.pad)(encode(loaded, [row for row in examples if row.role == role], 512)[0])
        loss = RerouteLoss((1, 2), 1.0 if role == "avoid" else 2.0, 0.0)
        with torch.no_grad():
            after = float(loss.loss(tuned, {**batch, "counts": counts(batch)}, progress))
            for layer in tuned.modules():  # an adapter whose second matrix is zero changes nothing
                if hasattr(layer, "lora_B"):
                    layer.scaling = dict.fromkeys(layer.scaling, 0.0)
            before = float(loss.loss(tuned, {**batch, "counts": counts(batch)}, progress))
        held[role] = before, after
        tuned = PeftModel.from_pretrained(tuned.unload(), str(tmp_path / "a"))
    assert held["avoid"][0] == pytest.approx(1, abs=1e-4)
    assert held["keep"][0] == pytest.approx(0, abs=1e-6)
    assert held["avoid"][1] < 0.5
    assert held["keep"][1] < 0.6  # 0.50 on one thread, 0.49 on two


def test_an_adapter_on_the_upper_half_sits_there_and_opens_in_plain_peft(tiny: Path, tmp_path: Path) -> None:
    """The lower layer of two has none; the folder says so in PEFT's own words."""
    recipe = Refusal(**SHORT, layers=(0.5, 1.0))
    weights = train_it(tiny, tmp_path / "a", recipe)
    everywhere = train_it(tiny, tmp_path / "b", Refusal(**SHORT))
    assert {name.partition(".layers.")[2][0] for name in weights} == {"1"}
    assert {name.replace(".layers.1.", ".layers.0.") for name in weights} | set(weights) == set(everywhere)
    plain: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), str(tmp_path / "a"))
    assert plain.peft_config["default"].layers_to_transform == [1]


def test_what_was_left_open_is_recorded_as_it_was_taken(tiny: Path, tmp_path: Path) -> None:
    """A recipe without rank and learning rate says afterwards what the model's size made of them."""
    trained = fit(tiny, tmp_path / "a", Refusal(epochs=1, batch=4, r=3))
    size = SIZES[0]
    assert trained.adapter == {
        "r": 3,
        "alpha": size.alpha,
        "learning_rate": size.learning_rate,
        "source": size.source,
        "layers": [0, 1],
    }


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_four_bit_base_is_rerouted(tiny: Path, tmp_path: Path, checkpointing: bool) -> None:
    """QLoRA and recomputed activations go through the objective that needs the base's states too."""
    pytest.importorskip("bitsandbytes")
    recipe = Reroute(**{**SHORT, "epochs": 1}, checkpointing=checkpointing)
    weights = train_it(tiny, tmp_path / "q", recipe, quantize="nf4")
    assert any(bool(tensor.any()) for name, tensor in weights.items() if "lora_B" in name)


def test_recomputed_activations_give_the_same_adapter(tiny: Path, tmp_path: Path) -> None:
    """`checkpointing` saves memory and changes no weight beyond rounding."""
    plain = train_it(tiny, tmp_path / "a", Reroute(**SHORT))
    again = train_it(tiny, tmp_path / "b", Reroute(**SHORT, checkpointing=True))
    assert all(torch.allclose(plain[name], again[name], atol=1e-5) for name in plain)


def full(*given: Any, **settings: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_at_a_checkpoint_says_so_and_the_next_run_goes_on(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a checkpoint is removed, no adapter is left, and with room again the weights come out the same."""
    recipe = RECIPES[0]
    whole = train_it(tiny, tmp_path / "whole", recipe)
    save = Trainer._save_optimizer_and_scheduler

    def filling(trainer: Any, folder: str) -> None:
        if folder.endswith("-4"):
            full()
        save(trainer, folder)

    folder = tmp_path / "full"
    with monkeypatch.context() as disk, pytest.raises(TrainingError, match="step 4 could not be written") as caught:
        disk.setattr(Trainer, "_save_optimizer_and_scheduler", filling)
        train_it(tiny, folder, recipe)
    assert "No space left" in caught.value.message
    assert "make room" in caught.value.hint
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["checkpoint-2"]
    assert not list(folder.glob("adapter_*"))
    steps: list[int] = []
    resumed = train_it(tiny, folder, recipe, listener=lambda stage, done, total, note="": steps.append(done))
    assert [step for step in steps if step] == [3, 4]
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_full_disk_at_the_end_leaves_no_half_of_an_adapter(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files appear once all are written; what was trained is kept in the last checkpoint."""
    recipe, folder = RECIPES[0], tmp_path / "full"
    save = PeftModel.save_pretrained

    def filling(model: Any, where: Any, **settings: Any) -> None:
        if Path(where).parent == folder:
            (Path(where)).mkdir(parents=True)
            (Path(where) / "adapter_config.json").write_text("{}")
            full()
        save(model, where, **settings)

    with monkeypatch.context() as disk, pytest.raises(TrainingError, match="the adapter could not be written"):
        disk.setattr(PeftModel, "save_pretrained", filling)
        train_it(tiny, folder, recipe)
    assert [path.name for path in folder.iterdir()] == ["checkpoints"]
    train_it(tiny, folder, recipe)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "adapter.part").exists()


def test_rows_in_which_only_compliance_is_given_need_no_end(tiny: Path, tmp_path: Path) -> None:
    """The check that an answer's end is trained is for rows that are learnt."""
    avoided = [replace(row, role="avoid", complete=False) for row in rows()]
    assert fit(tiny, tmp_path / "a", Reroute(**SHORT), examples=avoided).rows == {"harmful": 12}
