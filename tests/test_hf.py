"""The `hf` engine on a tiny random Mistral."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from recusa.engines.decode import Noise
from recusa.engines.hf import HF
from recusa.errors import ModelError
from recusa.models.causal import load_causal, load_tokenizer
from recusa.models.template import prompt_ids
from recusa.types import Answer, Chat, Failure, Key, Message, Sampling

pytestmark = pytest.mark.model
QUESTIONS = [
    "How do I bake bread without an oven?",
    "Hello",
    "Write a short letter to a neighbour about the garden fence and the dog, please.",
    "List the steps",
    "What is flour?",
]


def chats(questions: list[str]) -> list[Chat]:
    return [Chat(Key(str(place)), (Message("user", text),)) for place, text in enumerate(questions)]


def engine(folder: Path, **settings: Any) -> HF:
    return HF(model=str(folder), dtype="float32", device="cpu", **settings)


def texts(results: list[Answer | Failure]) -> dict[str, str]:
    return {r.key.prompt_id: r.text for r in results if isinstance(r, Answer)}


def test_greedy_answers_equal_plain_generate(tiny: Path) -> None:
    """Batched, left-padded, with rows leaving early: token for token what `generate` gives one prompt at a time."""
    tokenizer = load_tokenizer(tiny)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    results = texts(list(engine(tiny).answer(chats(QUESTIONS), Sampling(24))))
    for chat in chats(QUESTIONS):
        ids = torch.tensor([prompt_ids(tokenizer, chat)])
        said = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        expected = tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True)
        assert results[chat.key.prompt_id] == expected


def test_rows_that_end_early_leave_the_others_alone(tiny: Path) -> None:
    """With a token that ends some rows soon as the end, each row is what it is alone."""
    loaded = load_causal(str(tiny), device="cpu", dtype="float32")
    together = list(engine(tiny).answer(chats(QUESTIONS), Sampling(24)))
    counts = [a.answer_tokens for a in together if isinstance(a, Answer)]
    from recusa.engines.decode import decode

    rows = [prompt_ids(loaded.tokenizer, chat) for chat in chats(QUESTIONS)]
    keys = [chat.key for chat in chats(QUESTIONS)]
    free = {d.row: d.ids for d in decode(loaded.model, rows, keys, Sampling(24), frozenset({2}), 0)}
    end = free[0][3]  # a token that row 0 says fourth
    cut = {d.row: d for d in decode(loaded.model, rows, keys, Sampling(24), frozenset({end}), 0)}
    assert cut[0].stop == "end"
    assert cut[0].ids == free[0][: free[0].index(end)]
    assert len({d.tokens for d in cut.values()}) > 1, "the case must hold rows of different length"
    for row, ids in free.items():
        expected = ids[: ids.index(end)] if end in ids else ids
        assert cut[row].ids == expected
    assert max(counts) == 24


def test_sampling_does_not_depend_on_the_batch(tiny: Path) -> None:
    """Noise belongs to the row: alone, in a batch, or in another order, the same draw."""
    sampling = Sampling(16, temperature=0.8, top_p=0.9, seed=5)
    together = texts(list(engine(tiny).answer(chats(QUESTIONS), sampling)))
    small = texts(list(engine(tiny, batch=2).answer(list(reversed(chats(QUESTIONS))), sampling)))
    other = texts(list(engine(tiny).answer(chats(QUESTIONS), Sampling(16, temperature=0.8, top_p=0.9, seed=6))))
    assert together == small
    assert together != other


def test_samples_and_attempts_differ_and_arms_share_their_noise() -> None:
    """A second sample or try is another draw; the arm's name changes nothing."""
    noise = {
        name: Noise.of(key, 0).draw(5).tolist()
        for name, key in {
            "first": Key("p", arm="a"),
            "other arm": Key("p", arm="b"),
            "sample": Key("p", arm="a", sample=1),
            "attempt": Key("p", arm="a", attempt=1),
        }.items()
    }
    assert noise["first"] == noise["other arm"]
    assert noise["first"] != noise["sample"]
    assert noise["first"] != noise["attempt"]


def test_noise_is_gumbel() -> None:
    """Mean Euler's constant, variance pi squared over six, so that the largest sum is a draw from the softmax."""
    drawn = Noise.of(Key("p"), 0).draw(200_000)
    assert float(drawn.mean()) == pytest.approx(0.5772, abs=0.01)
    assert float(drawn.var()) == pytest.approx(1.6449, abs=0.03)


def test_a_prompt_beyond_the_context_fails_alone(tiny: Path) -> None:
    """The long row is a Failure, the others are answered."""
    results = list(engine(tiny).answer(chats(["Hello", "bread " * 600]), Sampling(8)))
    kinds = {r.key.prompt_id: r for r in results}
    assert isinstance(kinds["0"], Answer)
    assert isinstance(kinds["1"], Failure)
    assert kinds["1"].error == "PromptTooLong"


def test_an_empty_batch_gives_nothing(tiny: Path) -> None:
    """No chats, no results."""
    assert list(engine(tiny).answer([], Sampling())) == []


def test_only_what_our_own_passes_round_names_their_rounding(tiny: Path) -> None:
    """Float32 answers are the same token for token, and a 4-bit base goes another way: what is stored of them stays."""
    assert "rounding" in HF(model=str(tiny), device="cpu", dtype="bfloat16").identity()
    for other in ({"dtype": "float32"}, {"dtype": "bfloat16", "quantize": "nf4"}):
        assert "rounding" not in HF.model_validate({"model": str(tiny), "device": "cpu", **other}).identity()


def test_identity_follows_the_weights(tiny: Path, tmp_path: Path) -> None:
    """Other weights under another name are another engine; the same folder copied is the same engine."""
    import shutil

    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    assert engine(copy).identity() == engine(tiny).identity()
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"] + 1
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert engine(copy).identity() != engine(tiny).identity()


def test_a_folder_without_a_model_is_a_model_error(tmp_path: Path) -> None:
    """The message says what is missing."""
    with pytest.raises(ModelError, match=r"config\.json"):
        list(HF(model=str(tmp_path)).answer(chats(["Hello"]), Sampling(4)))


def test_an_adapter_that_is_none_is_a_model_error(tiny: Path, tmp_path: Path) -> None:
    """A folder without adapter files is refused by name."""
    with pytest.raises(ModelError, match="no adapter folder"):
        list(engine(tiny, adapter=str(tmp_path)).answer(chats(["Hello"]), Sampling(4)))
