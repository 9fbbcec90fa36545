"""An adapter merged into its base: the same answers in plain transformers, or nothing at all."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.trainings import fit, quiet

from recusa.errors import ConfigError, ModelError, RecusaError, StoreError
from recusa.jobs import export as module
from recusa.jobs.export import MANIFEST, export_model
from recusa.jobs.export_card import Sample, card
from recusa.models.weights import folder_digest
from recusa.training.refusal import Refusal

PLAIN = """
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base, adapter, merged, question = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(merged)
ids = tokenizer.apply_chat_template([{"role": "user", "content": question}], return_tensors="pt", return_dict=True)
said = []
tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
for model in (tuned, AutoModelForCausalLM.from_pretrained(merged)):
    made = model.generate(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"], max_new_tokens=8,
                          do_sample=False, pad_token_id=0)
    said.append(made[0, ids["input_ids"].shape[1]:].tolist())
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def adapter(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes the tiny model's answers."""
    folder = tmp_path_factory.mktemp("tuned") / "adapter"
    fit(tiny, folder, Refusal(epochs=6, batch=4, r=4, learning_rate=1e-2))
    return folder


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Five short questions."""
    path = tmp_path / "prompts.jsonl"
    kinds = ("harmful", "benign")
    rows = [{"prompt": f"How do I bake bread {'again ' * n}?", "kind": kinds[n % 2]} for n in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def export(tiny: Path, adapter: Path, out: Path, prompts: Path, **more: Any) -> Sample:
    """The export of the tiny model, few tokens."""
    return export_model(str(tiny), adapter, out, quiet, prompts=prompts, tokens=8, **more)


def test_the_merged_model_answers_as_the_adapter_in_plain_transformers_and_peft(
    tiny: Path, adapter: Path, tmp_path: Path, prompts: Path
) -> None:
    """In a fresh process, without this package: the folder opens, with its template, and says the same."""
    out = tmp_path / "merged"
    found = export(tiny, adapter, out, prompts)
    assert (found.n, found.differ) == (5, 0)
    assert found.refused.keys() == {"harmful", "benign"}
    made = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    assert (made["base"], made["adapter"]) == (folder_digest(tiny), folder_digest(adapter))
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "README.md", MANIFEST} <= {
        path.name for path in out.iterdir()
    }
    assert not any(path.name.endswith((".part", ".old")) for path in tmp_path.iterdir())
    arguments = [sys.executable, "-c", PLAIN, str(tiny), str(adapter), str(out), "How do I bake bread?"]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    beside, merged = json.loads(ran.stdout.splitlines()[-1])
    assert beside == merged
    assert len(beside) > 0


def test_another_answer_in_float32_ends_the_export_and_leaves_nothing(
    tiny: Path, adapter: Path, tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge that loses the adapter is found by its answers, and the prompt is named."""
    monkeypatch.setattr(module, "with_adapter", lambda base, adapter, *, merge: base)
    with pytest.raises(ModelError, match=r"differ in float32, .* for 'How do I bake bread"):
        export(tiny, adapter, tmp_path / "merged", prompts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prompts.jsonl"]


def test_bfloat16_is_measured_and_said(tiny: Path, adapter: Path, tmp_path: Path, prompts: Path) -> None:
    """Differences by rounding are counted on the card; they do not end it."""
    found = export(tiny, adapter, tmp_path / "merged", prompts, dtype="bfloat16")
    text = (tmp_path / "merged" / "README.md").read_text(encoding="utf-8")
    assert f"to {found.n - found.differ} of {found.n}" in " ".join(text.split())
    from safetensors import safe_open

    with safe_open(tmp_path / "merged" / "model.safetensors", "pt") as weights:
        assert {str(weights.get_tensor(name).dtype) for name in weights.keys()} == {"torch.bfloat16"}  # noqa: SIM118


def test_a_full_disk_keeps_the_model_that_was_there(
    tiny: Path, adapter: Path, tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is replaced when the new one is whole, not before."""
    export(tiny, adapter, tmp_path / "merged", prompts)
    before = {path.name: path.read_bytes() for path in (tmp_path / "merged").iterdir()}

    def full(*arguments: Any, **more: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_describe", full)
    with pytest.raises(StoreError, match="No space left"):
        export(tiny, adapter, tmp_path / "merged", prompts)
    assert {path.name: path.read_bytes() for path in (tmp_path / "merged").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "prompts.jsonl"]


def test_what_cannot_be_exported_is_said_before_anything_is_loaded(tmp_path: Path, adapter: Path) -> None:
    """A probe, a folder of something else, a folder that is no adapter."""
    probe = tmp_path / "probe"
    probe.mkdir()
    (probe / "steering.json").write_text("{}")
    with pytest.raises(ModelError, match="no weights to merge"):
        export_model("nowhere", probe, tmp_path / "out", quiet)
    with pytest.raises(ModelError, match="no adapter folder"):
        export_model("nowhere", tmp_path / "none", tmp_path / "out", quiet)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists and is no exported model"):
        export_model("nowhere", adapter, tmp_path / "mine", quiet)
    with pytest.raises(RecusaError):
        export_model(str(tmp_path / "mine"), adapter, tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_the_card_carries_a_run(tmp_path: Path, adapter: Path) -> None:
    """Rates with intervals and counts, the audit, and that this adapter is no arm of that run."""
    from tests.report_run import make_results

    results, _ = make_results()
    text = card(
        "owner/base", "from the hub", "float32", adapter, Sample("detector", 4, 8, 0, {"harmful": (2, 2, 4)}), results
    )
    assert text.startswith("---\nbase_model: owner/base\n")
    rate = next(
        r for r in results.rates if r.arm == "balanced-lora" and r.kind == "harmful" and r.judge == "expressions"
    )
    assert f"| balanced-lora | direct | harmful | {rate.refused}/{rate.n}" in text
    assert "No arm of that run has this very adapter" in text
    for part in ("## Recipe", "## Re-scored", "## Measured", "## Audit", "## What it is not"):
        assert part in text
