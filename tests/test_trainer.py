"""Training on a tiny random Mistral: the loss, the mask, resuming, 4-bit bases, and the folder that comes out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tests.trainings import Killed, fit, rows
from transformers import AutoModelForCausalLM

from recusa.engines.hf import HF
from recusa.errors import TrainingError
from recusa.models.causal import load_causal
from recusa.protocols import Example
from recusa.training.lora import chat_of, refusals
from recusa.training.objective import AnswerLoss
from recusa.training.refusal import Refusal
from recusa.training.rows import Collator, counts, encode
from recusa.training.trainer import WHOLE
from recusa.types import Answer, Chat, Key, Message, Prompt, Sampling

pytestmark = pytest.mark.model


def test_the_loss_is_the_mean_over_answer_tokens(tiny: Path) -> None:
    """The sliced head gives what the whole model gives with the prompt masked, left padding or not."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    encoded, _ = encode(loaded, rows(5), 512)
    batch = Collator(loaded.pad)(encoded)
    with torch.no_grad():
        ours = AnswerLoss().loss(loaded.model, {**batch, "counts": counts(batch)}, 0.0)
        total, count = torch.zeros(()), 0
        for row in encoded:
            ids = torch.tensor([row["input_ids"]])
            logits = loaded.model(ids).logits[0, row["start"] - 1 : row["end"] - 1]
            targets = ids[0, row["start"] : row["end"]]
            total += torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
            count += len(targets)
    assert float(ours) == pytest.approx(float(total) / count, rel=1e-5)


def test_the_end_is_trained_and_the_prompt_is_not(tiny: Path) -> None:
    """The shown row brackets the answer with its end token."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    _, shown = encode(loaded, rows(1), 512)
    assert shown == "<s>[INST] Question 0: how do I bake bread ? [/INST]⟦No, not 0.</s>⟧"


def test_an_answer_that_was_cut_off_trains_no_end(tiny: Path) -> None:
    """The model must not learn to stop where the token limit stopped it."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    whole = Example(chat_of(Prompt("Hello", "benign")), "Well then", "benign")
    cut = Example(chat_of(Prompt("Hello", "benign")), "Well then", "benign", complete=False)
    encoded, _ = encode(loaded, [whole, cut], 512)
    assert [row["input_ids"][row["end"] - 1] == 2 for row in encoded] == [True, False]


def test_rows_that_train_nothing_are_refused(tiny: Path) -> None:
    """Prompts longer than the limit leave no token to train: an error, not a loss of nan."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    with pytest.raises(TrainingError, match="no token would be trained"):
        encode(loaded, rows(3), 8)


def test_rows_without_an_end_are_refused(tiny: Path) -> None:
    """When every answer is cut, the model would not learn to stop."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    long = [Example(chat_of(Prompt("Hi", "harmful")), "no " * 200, "harmful")]
    with pytest.raises(TrainingError, match="end of its answer"):
        encode(loaded, long, 40)


def test_a_refusal_without_reference_is_named() -> None:
    """The first harmful prompt without `chosen` stands in the message."""
    with pytest.raises(TrainingError, match="1 of 2 harmful"):
        refusals((Prompt("a?", "harmful", chosen="No."), Prompt("b?", "harmful")))


def test_training_lowers_the_loss_and_opens_in_plain_peft(tiny: Path, tmp_path: Path) -> None:
    """The folder is a PEFT adapter in float32, and the tuned arm answers with it, merged, as PEFT does beside."""
    trained = fit(tiny, tmp_path / "a", Refusal(epochs=12, batch=4, r=8, learning_rate=1e-2))
    assert trained.losses[-1][1] < 0.9 * trained.losses[0][1]
    weights = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    plain: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), str(tmp_path / "a"))
    chat = Chat(Key("p"), (Message("user", "Question 1: how do I bake bread bread ?"),))
    engine = HF(model=str(tiny), adapter=str(tmp_path / "a"), dtype="float32", device="cpu")
    (answer,) = engine.answer([chat], Sampling(8))
    assert isinstance(answer, Answer)
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    from recusa.models.template import prompt_ids

    ids = torch.tensor([prompt_ids(loaded.tokenizer, chat)])
    said = plain.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=8,
        do_sample=False,
        eos_token_id=2,
        pad_token_id=0,
    )
    assert answer.text == loaded.tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize(("step", "kept"), [(3, 2), (8, 6), (11, 10)], ids=["first epoch", "at its end", "last epoch"])
def test_a_killed_training_ends_with_the_same_weights(tiny: Path, tmp_path: Path, step: int, kept: int) -> None:
    """Stopped after a checkpoint and run again: bit for bit the weights of an undisturbed training, in any epoch."""
    recipe = Refusal(epochs=4, batch=4, r=4, save_every=2)
    whole = fit(tiny, tmp_path / "whole", recipe)

    def kill(stage: str, done: int, total: int, note: str = "") -> None:
        if done == step:
            raise Killed

    with pytest.raises(Killed):
        fit(tiny, tmp_path / "halved", recipe, kill)
    assert (tmp_path / "halved" / "checkpoints" / f"checkpoint-{kept}").is_dir()
    resumed = fit(tiny, tmp_path / "halved", recipe)
    first = load_file(tmp_path / "whole" / "adapter_model.safetensors")
    second = load_file(tmp_path / "halved" / "adapter_model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed.losses == whole.losses


def test_a_half_written_checkpoint_is_not_gone_on_from(tiny: Path, tmp_path: Path) -> None:
    """Killed while a checkpoint was written: the one before it is taken, and the weights come out the same."""
    fit(tiny, tmp_path / "whole")

    def kill(stage: str, done: int, total: int, note: str = "") -> None:
        if done == 5:
            raise Killed

    with pytest.raises(Killed):
        fit(tiny, tmp_path / "halved", listener=kill)
    checkpoints = tmp_path / "halved" / "checkpoints"
    newest = checkpoints / "checkpoint-4"
    for name in (WHOLE, "trainer_state.json", "optimizer.pt", "scheduler.pt"):
        (newest / name).unlink()
    fit(tiny, tmp_path / "halved")
    first = load_file(tmp_path / "whole" / "adapter_model.safetensors")
    second = load_file(tmp_path / "halved" / "adapter_model.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_accumulated_steps_have_the_same_loss(tiny: Path, tmp_path: Path) -> None:
    """A batch computed in two halves is the same batch: the loss is divided by the tokens of both."""
    whole = fit(tiny, tmp_path / "one", Refusal(epochs=1, batch=4, accumulate=1, r=4))
    halves = fit(tiny, tmp_path / "two", Refusal(epochs=1, batch=4, accumulate=2, r=4))
    for (step, loss), (other_step, other) in zip(whole.losses, halves.losses, strict=True):
        assert step == other_step
        assert loss == pytest.approx(other, rel=2e-3)


def test_a_four_bit_base_trains_and_answers(tiny: Path, tmp_path: Path) -> None:
    """QLoRA: NF4 with double quantisation under a float32 adapter, on whatever device there is."""
    pytest.importorskip("bitsandbytes")
    trained = fit(tiny, tmp_path / "q", Refusal(epochs=1, batch=4, r=4), quantize="nf4")
    assert trained.steps == 3
    engine = HF(model=str(tiny), adapter=str(tmp_path / "q"), dtype="float32", device="cpu", quantize="nf4")
    (answer,) = engine.answer([Chat(Key("p"), (Message("user", "Hello"),))], Sampling(4))
    assert isinstance(answer, Answer)
    shutil.rmtree(tmp_path / "q")
