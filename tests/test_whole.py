"""Did it stay whole: drift against an independent computation, pairing, reuse, and what is told where."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

import recusa
from recusa.cli import app
from recusa.component import digest
from recusa.config import Experiment, parse_experiment
from recusa.engines.hf import HF
from recusa.errors import ConfigError, MissingPackage
from recusa.exact.items import items
from recusa.jobs.arms import chats_for
from recusa.jobs.drift import STEERED, drift_of, summed
from recusa.jobs.plan import plan
from recusa.jobs.run import run_experiment
from recusa.jobs.whole import Bench, base_of, chosen_items, chosen_rows, measurable, wholeness
from recusa.jobs.whole_numbers import paired
from recusa.results import Results, load_results
from recusa.stats import ratio_interval
from recusa.store import Store
from recusa.types import Answer, Key, Prompt, Sampling
from recusa.wholeness import WholeSettings

PROMPTS = [Prompt(text, "benign") for text in ("Bake bread.", "Name a river, please.", "Fold a paper boat.", "Sing.")]


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Hears nothing."""


def lora(model: Path, folder: Path, strength: float) -> Path:
    """A LoRA adapter with weights drawn at `strength`; 0 changes nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    drawn = torch.Generator().manual_seed(1)
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn(weight.shape, generator=drawn) * (strength if "lora_B" in name else 1.0)
    tuned.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


@pytest.fixture(scope="module")
def adapters(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An adapter that changes nothing, and one that changes much."""
    folder = tmp_path_factory.mktemp("adapters")
    return {"still": lora(tiny, folder / "still", 0.0), "wild": lora(tiny, folder / "wild", 0.2)}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A small bench: a few items, short answers, chunks of three."""
    with Store(tmp_path / "ws") as store:
        yield Bench(store, silent, 3, Sampling(max_new_tokens=8), WholeSettings(items=6))


def engine(tiny: Path, adapter: Path) -> HF:
    return HF(model=str(tiny), adapter=str(adapter), device="cpu", dtype="float32")


@pytest.mark.model
def test_an_adapter_that_changes_nothing_leaves_everything(tiny: Path, adapters: dict[str, Path], bench: Bench) -> None:
    found = wholeness("still", engine(tiny, adapters["still"]), PROMPTS, bench)
    assert found.drift is not None and found.lengths is not None and found.broken is not None
    assert (found.drift.kl, found.drift.ratio, found.drift.kl_high) == (0.0, 1.0, 0.0)
    assert found.unchanged == found.rows == len(PROMPTS)
    assert found.lengths.change == 0 and found.broken.difference == 0
    assert {row.right.difference for row in found.exact} == {0.0} and not found.slips


@pytest.mark.model
@pytest.mark.parametrize("laid_out", [True, False], ids=["laid out", "own passes"])
def test_drift_is_what_two_separate_models_give(
    tiny: Path, adapters: dict[str, Path], bench: Bench, monkeypatch: pytest.MonkeyPatch, laid_out: bool
) -> None:
    """KL and perplexities, row by row and unpadded, from the base and from the merged model; two rows at a time."""
    import torch

    from recusa.models import drift, packed
    from recusa.models.causal import load_causal
    from recusa.models.template import training_row

    ways: list[bool] = []
    made = drift.Both.__init__

    def noted(self: drift.Both, loaded: Any) -> None:
        made(self, loaded)
        ways.append(bool(self.laid_out))

    monkeypatch.setattr(drift.Both, "__init__", noted)
    monkeypatch.setattr(drift, "BATCH", 2)
    if not laid_out:
        monkeypatch.setattr(packed, "packable", lambda model: False)
    tuned = engine(tiny, adapters["wild"])
    found = wholeness("wild", tuned, PROMPTS, bench).drift
    assert found is not None
    assert ways == [laid_out]
    base = load_causal(str(tiny), device="cpu", dtype="float32")
    merged = load_causal(str(tiny), device="cpu", dtype="float32", adapter=str(adapters["wild"]))
    divergence, before, after, tokens = 0.0, 0.0, 0.0, 0
    said = {a.key.prompt_id: a for a in base_of(tuned).answer(chats_for(PROMPTS, ""), bench.sampling)}
    for prompt in PROMPTS:
        answer = said[prompt.id]
        row = training_row(base.tokenizer, chats_for([prompt], "")[0], answer.text, base.ends)
        ids = row.ids if answer.stop == "end" else row.ids[:-1]
        with torch.inference_mode():
            p, q = (
                m.model(torch.tensor([ids])).logits[0, row.start - 1 : -1].double().log_softmax(-1)
                for m in (base, merged)
            )
        target = torch.tensor(ids[row.start :])[:, None]
        divergence += float((p.exp() * (p - q)).sum())
        before -= float(p.gather(-1, target).sum())
        after -= float(q.gather(-1, target).sum())
        tokens += len(ids) - row.start
    assert found.tokens == tokens and divergence / tokens > 0.01
    assert found.kl == pytest.approx(divergence / tokens, rel=1e-3)
    assert found.before == pytest.approx(math.exp(before / tokens), rel=1e-3)
    assert found.ratio == pytest.approx(math.exp((after - before) / tokens), rel=1e-3)
    assert found.kl_low is not None and found.kl_high is not None and found.kl_low <= found.kl <= found.kl_high


@pytest.mark.model
def test_nothing_is_computed_twice(
    tiny: Path, adapters: dict[str, Path], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed measurement keeps its chunks; a finished one loads no model."""
    tuned = engine(tiny, adapters["wild"])
    from recusa.models.drift import Both

    real, calls = Both.drift, [0]

    def dies(self: Both, rows: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return real(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Both, "drift", dies)
        with pytest.raises(KeyboardInterrupt):
            wholeness("wild", tuned, PROMPTS, bench)
    assert len(list((bench.store.workspace / "whole").glob("*.json"))) == 1
    first = wholeness("wild", tuned, PROMPTS, bench)

    def refuse(*args: Any, **settings: Any) -> Any:
        raise AssertionError("a model was loaded again")

    monkeypatch.setattr("recusa.engines.hf.load_causal", refuse)
    monkeypatch.setattr("recusa.models.causal.load_causal", refuse)
    assert wholeness("wild", tuned, PROMPTS, bench) == first


@pytest.mark.model
def test_answers_of_the_run_are_not_asked_again(
    tiny: Path, adapters: dict[str, Path], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = engine(tiny, adapters["wild"])
    known: dict[str, Any] = {
        digest(one.identity()): {p.id: Answer(Key(p.id), f"{word} {p.text}", "end", 3, size) for p in PROMPTS}
        for one, word, size in ((base_of(tuned), "Sure:", 4), (tuned, "I'm sorry, I can't:", 9))
    }
    bench = Bench(bench.store, silent, 3, bench.sampling, WholeSettings(items=0), known=known)
    asked: list[int] = []

    def hear(self: HF, chats: Any, how: Sampling) -> Any:
        asked.append(len(chats))
        return iter(())

    monkeypatch.setattr(HF, "answer", hear)
    found = wholeness("wild", tuned, PROMPTS, bench)
    assert not asked and found.lengths is not None
    assert (found.lengths.mean_before, found.lengths.mean_after, found.unchanged) == (4, 9, 0)


def test_a_steering_probe_has_no_drift(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "steering.json").write_text("{}")
    probe = HF(adapter=str(tmp_path / "probe"))
    assert drift_of("probe", probe, [(PROMPTS[0], Answer(Key(""), "x", "end", 1, 1))], bench) == (None, STEERED, 0.0)


def test_rows_and_items_are_chosen_by_no_file_order() -> None:
    many = [Prompt(f"Say {i}.", "benign") for i in range(30)] + [Prompt("Steal.", "harmful")]
    shuffled = Random(2).sample(many, len(many))
    assert chosen_rows(many, 8) == chosen_rows(shuffled, 8)
    assert all(prompt.kind == "benign" for prompt in chosen_rows(many, 99))
    assert {item.language for item in chosen_items(["en-US", "pt"], 3)} == {"en", "pt-BR"}
    assert [item.language for item in chosen_items(["de"], 2)] == ["en", "en"]
    assert len(chosen_items(["en"], None)) == len(items("en"))


def test_pairs_are_counted() -> None:
    pairs = [(True, True)] * 5 + [(True, False)] * 3 + [(False, True)] + [(False, False)] * 11
    found = paired(pairs, 0.05)
    assert found is not None
    assert (found.n, found.before, found.after, found.gained, found.lost) == (20, 8, 6, 1, 3)
    assert found.difference == pytest.approx(-0.1) and found.low < -0.1 < found.high
    assert found.p == pytest.approx(0.625)  # exact p of 1 against 3: 2 * (1 + 4) / 16
    assert paired([], 0.05) is None


def test_a_ratio_has_the_interval_of_its_groups() -> None:
    """Agrees with scipy's bootstrap where every row is its own group; rows that repeat a group add nothing."""
    import numpy as np
    from scipy.stats import bootstrap

    drawn = np.random.default_rng(5).normal(2, 1, 60)
    names = [str(i) for i in range(60)]
    own = ratio_interval(list(drawn), [1.0] * 60, names)
    theirs = bootstrap((drawn,), np.mean, method="percentile", random_state=0, n_resamples=4000)
    assert own is not None
    assert own.low == pytest.approx(theirs.confidence_interval.low, abs=0.03)
    assert own.high == pytest.approx(theirs.confidence_interval.high, abs=0.03)
    fourfold = ratio_interval([*drawn] * 4, [1.0] * 240, names * 4)
    assert fourfold is not None and fourfold == pytest.approx(own)
    assert ratio_interval([1.0, 2.0], [1.0, 1.0], ["same", "same"]) is None


def test_drift_is_a_mean_over_tokens_not_over_answers() -> None:
    rows = [(Prompt("a", "benign"), (1, 4.0, 1.0, 2.0)), (Prompt("b", "benign"), (3, 0.0, 1.0, 2.0))]
    found = summed(rows, 0.05)
    assert found.kl == 1.0 and found.ratio == pytest.approx(math.exp(0.5)) and found.rows == 2


TOML = """
max_failed = 1.0
chunk = 8
sources = [{{ name = "file", path = "{folder}/prompts.jsonl" }}]
[split]
test = 1.0
[engine]
name = "hf"
model = "{model}"
device = "cpu"
dtype = "float32"
[sampling]
max_new_tokens = 6
[whole]
items = 5
{more}
[[arms]]
name = "original"
[[arms]]
name = "tuned"
adapter = "{adapter}"
"""


def an_experiment(folder: Path, tiny: Path, adapter: Path, more: str = "") -> Experiment:
    rows = [{"prompt": p.text, "kind": "benign"} for p in PROMPTS] + [{"prompt": "Steal it.", "kind": "harmful"}]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return parse_experiment(TOML.format(folder=folder, model=tiny, adapter=adapter, more=more), "x.toml", "x")


def a_run(folder: Path, experiment: Experiment) -> Results:
    return run_experiment(experiment, folder / "out", folder / "ws", silent)


@pytest.mark.model
def test_a_run_measures_its_tuned_arms(
    tmp_path: Path, tiny: Path, adapters: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = an_experiment(tmp_path, tiny, adapters["wild"])
    (work,) = plan(experiment, tmp_path / "ws").whole
    assert (work.arm, work.rows, work.items, work.answer_tokens) == ("tuned", 4, 5, 2 * 5 * 32)
    results = a_run(tmp_path, experiment)
    (found,) = results.whole
    assert (found.arm, found.rows, found.tokens_at_most) == ("tuned", 4, 6) and found.drift is not None
    assert next(row for row in found.exact if row.category == "all").right.n == 5
    from recusa import console_whole

    console_whole.kept(results)
    assert "whole   tuned: exact answers 0/5 to 0/5" in capsys.readouterr().out
    page = recusa.write_report(tmp_path / "out").read_text()
    assert "Did it stay whole?" in page and 'href="#whole"' in page


@pytest.mark.model
def test_measuring_can_be_left_out(tmp_path: Path, tiny: Path, adapters: dict[str, Path]) -> None:
    experiment = an_experiment(tmp_path, tiny, adapters["wild"], "measure = false")
    assert plan(experiment, tmp_path / "ws").whole == () and a_run(tmp_path, experiment).whole == ()


@pytest.mark.model
def test_results_without_the_part_still_load_and_drift_is_no_part_of_the_digest(
    tmp_path: Path, tiny: Path, adapters: dict[str, Path]
) -> None:
    results = a_run(tmp_path, an_experiment(tmp_path, tiny, adapters["wild"]))
    (found,) = results.whole
    moved = results.model_copy(update={"whole": (found.model_copy(update={"drift": None, "seconds": 9.0}),)})
    assert moved.content_digest() == results.content_digest()
    lost = results.model_copy(update={"whole": (found.model_copy(update={"unchanged": found.unchanged + 1}),)})
    assert lost.content_digest() != results.content_digest()
    file = tmp_path / "out" / "results.json"
    content = json.loads(file.read_text())
    del content["whole"]
    file.write_text(json.dumps(content))
    assert load_results(tmp_path / "out").whole == ()


@pytest.mark.model
def test_the_command_writes_what_it_says(tmp_path: Path, tiny: Path, adapters: dict[str, Path]) -> None:
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"prompt": p.text}) + "\n" for p in PROMPTS))
    arguments = ["whole", "--model", str(tiny), "--adapter", str(adapters["wild"]), "--prompts",
                 str(tmp_path / "p.jsonl"), "--items", "3", "--max-new-tokens", "6", "--out",
                 str(tmp_path / "w.json"), "--workspace", str(tmp_path / "ws")]  # fmt: skip
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0, said.output
    found = json.loads((tmp_path / "w.json").read_text())
    assert found["rows"] == 4 and found["drift"]["kl"] > 0 and found["exact"][0]["right"]["n"] == 3


def test_only_weights_at_hand_can_be_compared(tmp_path: Path) -> None:
    assert not measurable(HF()) and measurable(HF(adapter="x"))
    with pytest.raises(ConfigError, match="holds no weights"):
        recusa.whole(tmp_path / "a", engine="scripted", workspace=tmp_path / "ws")


def stub_lm_eval(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A package that answers as lm-eval does, and what it was asked."""
    asked: list[dict[str, Any]] = []

    def simple_evaluate(**settings: Any) -> dict[str, Any]:
        asked.append(settings)
        tuned = len(asked) % 2 == 0
        return {
            "results": {
                "mine": {"alias": "mine", "acc,none": 0.4 if tuned else 0.5, "acc_stderr,none": 0.05, "f1,strict": 0.1}
            },
            "versions": {"mine": 2},
            "n-samples": {"mine": {"original": 99, "effective": 7}},
        }

    package, models, wrapper, tasks = (
        ModuleType(name) for name in ("lm_eval", "lm_eval.models", "lm_eval.models.huggingface", "lm_eval.tasks")
    )
    monkeypatch.setattr(package, "simple_evaluate", simple_evaluate, raising=False)
    monkeypatch.setattr(wrapper, "HFLM", lambda **settings: settings, raising=False)
    monkeypatch.setattr(tasks, "TaskManager", lambda **settings: settings, raising=False)
    for module in (package, models, wrapper, tasks):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("recusa.jobs.tasks.find_spec", lambda name: object())
    return asked


@pytest.mark.model
def test_lm_eval_tasks_are_run_on_both_models_once(
    tiny: Path, adapters: dict[str, Path], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = stub_lm_eval(monkeypatch)
    settings = WholeSettings(items=0, tasks=("mine",), task_limit=7)
    bench = Bench(bench.store, silent, 3, bench.sampling, settings)
    tuned = engine(tiny, adapters["wild"])
    scores = wholeness("wild", tuned, PROMPTS[:2], bench).tasks
    assert [(s.task, s.metric, s.version, s.n, s.before, s.after) for s in scores] == [
        ("mine", "acc", "2", 7, 0.5, 0.4),
        ("mine", "f1 (strict)", "2", 7, 0.1, 0.1),
    ]
    assert scores[0].before_error == 0.05 and scores[1].before_error is None
    assert [(one["tasks"], one["limit"], one["apply_chat_template"]) for one in asked] == [(["mine"], 7, True)] * 2
    first, second = (one["model"]["pretrained"] for one in asked)
    assert any((a != b).any() for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert wholeness("wild", tuned, PROMPTS[:2], bench).tasks == scores and len(asked) == 2


def test_tasks_without_the_package_are_an_error_before_anything(
    tmp_path: Path, tiny: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recusa.jobs.tasks.find_spec", lambda name: None)
    experiment = an_experiment(tmp_path, tiny, adapters["still"], 'tasks = ["arc_easy"]')
    with pytest.raises(MissingPackage, match="arc_easy") as caught:
        a_run(tmp_path, experiment)
    assert "pip install lm-eval" in caught.value.hint and not (tmp_path / "ws").exists()
