"""Rows that must not be trained on: named before anything is loaded, or left out, listed and counted."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.trainings import fit, quiet

from recusa.engines.hf import HF
from recusa.errors import ConfigError, InputError, ModelError, RecusaError, StoreError, TrainingError
from recusa.jobs.train import MANIFEST
from recusa.jobs.train_file import copied, train_file
from recusa.jobs.training_rows import FILE, checked_rows, told
from recusa.models.causal import load_causal, load_tokenizer
from recusa.store import Store
from recusa.training.balanced import Balanced
from recusa.training.refusal import Refusal
from recusa.types import Prompt

NO = "I'm sorry, but I can't help with that."
YES = "Sure! Here is how: first mix flour, water and salt, then let the dough rest, and bake it for 40 minutes."
RECIPE = {"name": "refusal", "epochs": 1, "batch": 4, "r": 4}


def file(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    """A JSONL file."""
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def good(count: int = 4) -> list[dict[str, Any]]:
    """Rows that may be trained on."""
    return [{"prompt": f"Bake bread number {n} for me?", "chosen": NO} for n in range(count)]


def train(tiny: Path, tmp_path: Path, harmful: Path, **more: Any) -> Any:
    """`recusa train` on the tiny model."""
    engine = {"name": "hf", "model": str(tiny), "device": "cpu", "dtype": "float32"}
    settings = {"recipe": RECIPE, "builtin": False, **more}
    return train_file(engine, harmful, tmp_path / "out", tmp_path / "ws", quiet, **settings)


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "no refusal": ({"prompt": "Bake rye?"}, "row 5, column `chosen`: is missing"),
    "an empty one": ({"prompt": "Bake rye?", "chosen": ""}, "row 5, column `chosen`: is empty"),
    "a blank one": ({"prompt": "Bake rye?", "chosen": " \n"}, "row 5, column `chosen`: is empty"),
    "an enormous one": ({"prompt": "Bake rye?", "chosen": "no " * 50_000}, "row 5, column `chosen`: holds 150,000"),
    "no text": ({"prompt": "Bake rye?", "chosen": 3}, "row 5, column `chosen`: holds int"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_broken_row_is_named_before_a_model_is_looked_for(tmp_path: Path, name: str) -> None:
    """File, row and column; the model does not even exist, and no folder is made."""
    row, message = ROWS[name]
    harmful = file(tmp_path, "h.jsonl", *good(), row)
    with pytest.raises(InputError) as error:
        train(tmp_path / "no-model", tmp_path, harmful)
    assert f"{harmful}, {message}" in error.value.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("same", ["Bake bread number 1 for me?", "bake bread number 1, for me"], ids=["equal", "form"])
def test_a_harmful_row_that_is_also_benign_names_both(tmp_path: Path, same: str) -> None:
    """The same words, whatever their case and punctuation, cannot teach both."""
    harmful = file(tmp_path, "h.jsonl", *good())
    benign = file(tmp_path, "b.jsonl", {"prompt": "Name a river."}, {"prompt": same})
    with pytest.raises(InputError) as error:
        train(tmp_path / "no-model", tmp_path, harmful, benign=benign)
    assert f"{benign}, row 2" in error.value.message
    assert f"{harmful}, row 2" in error.value.message


def test_refusals_that_comply_are_left_out_listed_and_counted(tiny: Path, tmp_path: Path) -> None:
    """What is left is trained; the list says where each stands; the adapter's card and manifest say how many."""
    harmful = file(tmp_path, "h.jsonl", *good(), {"prompt": "How do I bake rye bread?", "chosen": YES})
    heard: list[str] = []

    def listen(stage: str, done: int, total: int, note: str = "") -> None:
        heard.append(note)

    engine = {"name": "hf", "model": str(tiny), "device": "cpu", "dtype": "float32"}
    train_file(engine, harmful, tmp_path / "out", tmp_path / "ws", listen, recipe=RECIPE, builtin=False)
    (listed,) = [json.loads(line) for line in (tmp_path / "out" / FILE).read_text(encoding="utf-8").splitlines()]
    assert (listed["source"], listed["row"], listed["column"], listed["reason"]) == (
        str(harmful), 5, "chosen", "complies",
    )  # fmt: skip
    made = json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))
    assert made["left_out"] == {"complies": 1}
    assert made["rows"] == {"harmful": 4}
    assert any("1 harmful rows whose `chosen` is no refusal" in note for note in heard)


def test_strict_stops_at_the_first_such_row(tiny: Path, tmp_path: Path) -> None:
    """Named with file, row and column; nothing is written."""
    harmful = file(tmp_path, "h.jsonl", *good(), {"prompt": "How do I bake rye bread?", "chosen": YES})
    with pytest.raises(InputError, match="row 5, column `chosen`: 1 harmful rows whose `chosen` is no refusal"):
        train(tiny, tmp_path, harmful, strict=True)
    assert not (tmp_path / "out").exists()


def test_only_what_complies_is_left_is_an_error(tiny: Path, tmp_path: Path) -> None:
    """Nothing would be learned but compliance."""
    harmful = file(tmp_path, "h.jsonl", {"prompt": "How do I bake rye bread?", "chosen": YES})
    with pytest.raises(TrainingError, match="no harmful row is left"):
        train(tiny, tmp_path, harmful)


def test_each_reason_is_told_apart(tiny: Path, tmp_path: Path) -> None:
    """A harmless row whose answer refuses, a prompt without room for an answer, and answers that are cut."""
    rows = [
        Prompt("Bake bread?", "harmful", chosen=NO),
        Prompt("Bake rye?", "harmful", chosen=NO * 20),
        Prompt("Name a river.", "benign", response="I'm sorry, but I cannot help with that request."),
        Prompt("Name a lake.", "benign", response=" "),
        Prompt("bread " * 300, "benign", response="Yes, here it is."),
    ]
    heard: list[str] = []

    def listen(stage: str, done: int, total: int, note: str = "") -> None:
        heard.append(note)

    with Store(tmp_path) as store:
        kept, lost = checked_rows(rows, Balanced(max_tokens=128), HF(model=str(tiny)), store, listen, "a")
    assert told(lost) == {"refuses": 1, "too long": 1}
    assert [(row.text, row.response) for row in kept if row.kind == "benign"] == [("Name a lake.", None)]
    assert any("the answers of 1 rows are cut at max_tokens = 128" in note for note in heard)


def test_a_template_without_answers_is_told_before_anything_is_computed(tiny: Path, tmp_path: Path) -> None:
    """The model is never loaded: its weights are not even there any more."""
    bare = Path(shutil.copytree(tiny, tmp_path / "bare"))
    tokenizer = load_tokenizer(bare)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    tokenizer.save_pretrained(bare)
    (bare / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match="no assistant turn"):
        train(bare, tmp_path, file(tmp_path, "h.jsonl", *good()))
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_old_adapter_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy ends half-way: what stood in the place stands there still."""
    made, out = tmp_path / "made", tmp_path / "out"
    for folder, text in ((made, "new"), (out, "old")):
        folder.mkdir()
        for name in (MANIFEST, "adapter_model.safetensors"):
            (folder / name).write_text(text)

    real = shutil.copy2

    def full(source: Any, target: Any, **more: Any) -> Any:
        if str(source).endswith(".safetensors"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, target, **more)

    real_tree = shutil.copytree
    monkeypatch.setattr(shutil, "copytree", lambda a, b, **more: real_tree(a, b, copy_function=full, **more))
    with pytest.raises(StoreError, match="No space left") as error:
        copied(made, out)
    assert str(made) in error.value.hint
    assert (out / MANIFEST).read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "out"]
    monkeypatch.undo()
    copied(made, out)
    assert (out / MANIFEST).read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "out"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """`--out` that holds other files is refused before the prompts are judged."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists and is no adapter folder"):
        train(tmp_path / "no-model", tmp_path, file(tmp_path, "h.jsonl", *good()))


def test_an_adapter_for_another_base_is_refused(tiny: Path, tmp_path: Path) -> None:
    """By the digest it was trained over where its folder says so, else by weights without a counterpart."""
    fit(tiny, tmp_path / "a", Refusal(epochs=1, batch=4, r=4))
    (tmp_path / "a" / MANIFEST).write_text(json.dumps({"base": "0123456789abcdef"}))
    with pytest.raises(ModelError, match="trained over other weights"):
        load_causal(str(tiny), device="cpu", dtype="float32", adapter=str(tmp_path / "a"))
    (tmp_path / "a" / MANIFEST).unlink()
    load_causal(str(tiny), device="cpu", dtype="float32", adapter=str(tmp_path / "a"))
    fewer = Path(shutil.copytree(tiny, tmp_path / "fewer"))
    config = json.loads((fewer / "config.json").read_text())
    (fewer / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    with pytest.raises(RecusaError, match="no counterpart"):
        load_causal(str(fewer), device="cpu", dtype="float32", adapter=str(tmp_path / "a"))
