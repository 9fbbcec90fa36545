"""Answering with packed weights and continuous batching, against plain `generate` and the model itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.trainings import fit

from recusa.engines import batches, continuous
from recusa.engines.continuous import decode_packed
from recusa.engines.decode import Decoded, decode
from recusa.engines.hf import HF
from recusa.models import memory, packed
from recusa.models.causal import Loaded, load_causal, with_adapter
from recusa.models.packed import Packed, packable
from recusa.models.template import prompt_ids
from recusa.types import Answer, Chat, Failure, Key, Message, Sampling

pytestmark = pytest.mark.model
WORDS = ["bread", "a short letter", "the dog and the garden fence", "flour, water and salt, please", "steps"]


def chats(count: int) -> list[Chat]:
    """Prompts of many lengths that begin alike."""
    texts = [f"How do I make {WORDS[n % 5]}{' again' * (n % 7)}?" for n in range(count)]
    return [Chat(Key(str(n)), (Message("user", text),)) for n, text in enumerate(texts)]


def asked(loaded: Loaded, count: int) -> tuple[list[list[int]], list[Key]]:
    """The same as tokens."""
    return [prompt_ids(loaded.tokenizer, chat) for chat in chats(count)], [chat.key for chat in chats(count)]


def said(decoded: Iterator[Decoded]) -> dict[int, tuple[list[int], str]]:
    """What each row said, and why it ended."""
    return {done.row: (done.ids, done.stop) for done in decoded}


@pytest.fixture
def loaded(tiny: Path) -> Loaded:
    """The tiny model in float32."""
    return load_causal(str(tiny), device="cpu", dtype="float32")


def test_packed_answers_are_those_of_the_model(loaded: Loaded) -> None:
    """Token for token, with few slots and with many, whatever prompts share and whichever rows end early."""
    rows, keys = asked(loaded, 23)
    free = said(decode(loaded.model, rows, keys, Sampling(24), frozenset({2}), 0))
    end = free[3][0][5]
    expected = said(decode(loaded.model, rows, keys, Sampling(24), frozenset({end}), 0))
    assert len({len(ids) for ids, _ in expected.values()}) > 3, "the case must hold answers of different length"
    for slots in (1, 3, 8, 23):
        model = Packed(loaded.model)
        model.room(slots, max(map(len, rows)) + 24)
        assert said(decode_packed(model, rows, keys, Sampling(24), frozenset({end}))) == expected, slots


def test_a_pass_reads_no_more_than_its_share(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts longer than one pass reads are read one at a time, with the same answers."""
    rows, keys = asked(loaded, 9)
    model = Packed(loaded.model)
    model.room(9, max(map(len, rows)) + 8)
    whole = said(decode_packed(model, rows, keys, Sampling(8), frozenset({2})))
    monkeypatch.setattr(continuous, "READ", 1)
    assert said(decode_packed(model, rows, keys, Sampling(8), frozenset({2}))) == whole


def test_one_prompt_many_times_is_read_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of one prompt share all of it but its last token."""
    rows, keys = asked(loaded, 1)
    read: list[int] = []
    plain = Packed.states

    def counted(self: Packed, first: int, start: int, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        read.append(sum(map(len, texts)))
        return plain(self, first, start, texts)

    monkeypatch.setattr(Packed, "states", counted)
    model = Packed(loaded.model)
    model.room(6, len(rows[0]) + 4)
    answers = said(decode_packed(model, rows * 6, keys * 6, Sampling(4), frozenset({2})))
    assert read == [len(rows[0]) - 1, 6]
    assert len({tuple(ids) for ids, _ in answers.values()}) == 1


def test_adapters_are_added_to_the_weights(tiny: Path, loaded: Loaded, tmp_path: Path) -> None:
    """A model with LoRA beside its weights and one with LoRA merged answer alike, and unlike their base."""
    fit(tiny, tmp_path / "adapter")
    rows, keys = asked(loaded, 5)
    base = said(decode(loaded.model, rows, keys, Sampling(12), frozenset({2}), 0))
    tuned: Any = with_adapter(loaded.model, str(tmp_path / "adapter"), merge=False)
    assert packable(tuned)
    model = Packed(tuned)
    model.room(5, max(map(len, rows)) + 12)
    found = said(decode_packed(model, rows, keys, Sampling(12), frozenset({2})))
    assert found == said(decode(tuned, rows, keys, Sampling(12), frozenset({2}), 0))
    assert found != base


def test_both_ways_of_answering_agree(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine gives the same greedy and sampled answers packed and by the model's own pass."""
    for sampling in (Sampling(12), Sampling(12, temperature=0.8, top_p=0.9, seed=3)):
        with monkeypatch.context() as patched:
            ways = []
            for way in (packed.packable, lambda model: False):
                patched.setattr(packed, "packable", way)
                ways.append(texts(HF(model=str(tiny), dtype="float32", device="cpu", batch=4), 11, sampling))
        assert ways[0] == ways[1]


def texts(engine: HF, count: int, sampling: Sampling) -> dict[str, str]:
    """Answers by prompt; none may fail."""
    results = list(engine.answer(chats(count), sampling))
    assert all(isinstance(result, Answer) for result in results)
    return {result.key.prompt_id: result.text for result in results if isinstance(result, Answer)}


@pytest.mark.parametrize("change", ["hidden_act", "attention_bias", "sliding_window", "rope"])
def test_other_shapes_are_left_to_the_model(loaded: Loaded, change: str) -> None:
    """What `Packed` does not compute it does not take."""
    assert packable(loaded.model)
    config: Any = loaded.model.config
    values = {"hidden_act": "gelu", "attention_bias": True, "sliding_window": 16}
    if change == "rope":
        config.rope_parameters = {"rope_type": "dynamic"}
    else:
        setattr(config, change, values[change])
    assert not packable(loaded.model)


@pytest.mark.parametrize("settings", [{"target_modules": ["q_proj", "embed_tokens"]}, {"modules_to_save": ["lm_head"]}])
def test_adapters_outside_the_layers_are_left_to_the_model(loaded: Loaded, settings: dict[str, Any]) -> None:
    """On the embedding or in place of the head: neither is looked at."""
    from peft import LoraConfig, get_peft_model

    assert not packable(get_peft_model(loaded.model, LoraConfig(r=2, **settings)))


def test_a_batch_that_does_not_fit_is_halved(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that had ended are kept, the rest is asked in halves, and it is said; nothing is lost or asked twice."""
    sizes: list[int] = []

    def scarce(model: Any, rows: Sequence[list[int]], *others: Any) -> Iterator[Decoded]:
        sizes.append(len(rows))
        for done in decode(model, rows, *others):
            yield done
            if len(rows) > 2:
                raise torch.OutOfMemoryError

    monkeypatch.setattr(packed, "packable", lambda model: False)
    engine = HF(model=str(tiny), dtype="float32", device="cpu", batch=8)
    expected = texts(engine, 9, Sampling(6))
    monkeypatch.setattr(batches, "decode", scarce)
    with caplog.at_level(logging.WARNING):
        assert texts(engine, 9, Sampling(6)) == expected
    assert sizes == [8, 4, 2, 2, 2, 1]
    assert "out of memory with 8 rows at once, going on with 4" in caplog.text


def test_a_row_that_fits_nowhere_is_a_failure(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with its length, and the others are not touched."""

    def never(*others: Any) -> Iterator[Decoded]:
        yield from ()
        raise torch.OutOfMemoryError

    monkeypatch.setattr(packed, "packable", lambda model: False)
    monkeypatch.setattr(batches, "decode", never)
    results = list(HF(model=str(tiny), dtype="float32", device="cpu", batch=4).answer(chats(3), Sampling(6)))
    assert [result.error for result in results if isinstance(result, Failure)] == ["OutOfMemory"] * 3


def test_rows_are_sized_from_the_budget(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: 2 layers x 2 key-value heads x 16 numbers x 2 tensors x 112 columns, which hold 100 tokens, and 4 x
    vocabulary, of 4 bytes."""
    row = (2 * 2 * 2 * 16 * 112 + 4 * loaded.model.config.vocab_size) * 4
    assert memory.row_bytes(loaded.model, 100) == row
    assert memory.rows_within(loaded.model, 100, 10.5 * row / memory.GIB) == 10
    assert memory.rows_within(loaded.model, 100, row / 2 / memory.GIB) == 1
    monkeypatch.setattr(memory, "free_memory", lambda device: 40.0 * row)
    assert memory.rows_within(loaded.model, 100, None) == 20
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    assert memory.rows_within(loaded.model, 100, None) > 10**6


def test_weights_are_laid_out_only_where_they_fit(tiny: Path, loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what is free is left to others; where that is not enough the model's own pass answers, and alike."""
    weights = memory.weight_bytes(loaded.model)
    expected = texts(HF(model=str(tiny), dtype="float32", device="cpu"), 3, Sampling(6))
    for free, fitting in ((4.1, (True, True)), (3.9, (True, False)), (1.9, (False, False))):
        monkeypatch.setattr(memory, "free_memory", lambda device, free=free: free * weights)
        assert (memory.fits_again(loaded.model), memory.fits_again(loaded.model, copies=2)) == fitting

    def never(model: Any) -> None:
        raise AssertionError("there is no room for this")

    monkeypatch.setattr(packed, "Packed", never)
    assert texts(HF(model=str(tiny), dtype="float32", device="cpu"), 3, Sampling(6)) == expected


def test_the_cache_grows_with_the_texts(loaded: Loaded) -> None:
    """Few long rows, then many short ones: not many long ones; and no column before a text comes to it."""
    model = Packed(loaded.model)
    model.room(2, 300)
    model.read(0, 0, [[5] * 250] * 2)
    model.room(40, 100)
    assert model.cache.columns == 0
    model.share([5] * 20)
    assert {keys.shape for keys in model.cache.keys} == {(40, 2, 16, 32)}
    model.step(torch.tensor([5] * 30), [32] * 30)
    assert {values.shape for values in model.cache.values} == {(40, 2, 48, 16)}
    assert {keys.untyped_storage().nbytes() for keys in model.cache.keys} == {40 * 2 * 16 * 112 * 4}


def test_a_small_budget_changes_no_answer(tiny: Path) -> None:
    """With room for one row at a time, the same answers."""
    wide = HF(model=str(tiny), dtype="float32", device="cpu")
    narrow = HF(model=str(tiny), dtype="float32", device="cpu", memory=1e-6)
    assert narrow.identity() == wide.identity()
    assert texts(narrow, 6, Sampling(8)) == texts(wide, 6, Sampling(8))
