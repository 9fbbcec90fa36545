"""Synonyms from WordNet, with the sentence embedding replaced by one that accepts everything, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
import pytest

from recusa.defences import synonyms
from recusa.defences.synonyms import Synonyms
from recusa.defences.wordnet import wordnet_folder
from recusa.errors import MissingPackage
from recusa.models.weights import EMBEDDED, package_path

try:
    wordnet_folder()
except MissingPackage:
    pytest.skip("WordNet's files are not here", allow_module_level=True)


@pytest.fixture(autouse=True)
def _all_close(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every sentence has the same embedding."""
    synonyms.replacements.cache_clear()
    monkeypatch.setattr(synonyms, "embed", lambda texts: np.ones((len(texts), 1), dtype=np.float32))
    yield
    synonyms.replacements.cache_clear()


def variants(text: str, draws: int = 40) -> set[str]:
    made = (Synonyms().vary(text, Random(seed)) for seed in range(draws))
    return {variant for variant in made if variant is not None}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("buy", "purchase", id="base form"),
        pytest.param("purchased", "bought", id="no irregular inflection is guessed"),
        pytest.param("processes", "procedures", id="plural"),
        pytest.param("using", "utilizing", id="ing form"),
    ],
)
def test_synonyms_are_inflected_alike(word: str, expected: str) -> None:
    """The replacement has the ending of the word, or is left out where the ending would be a guess."""
    found = synonyms.synonyms(word, 0.1)
    if expected == "bought":
        assert "buyed" not in found
        assert "bought" not in found
    else:
        assert expected in found


def test_a_variant_differs_and_keeps_the_rest() -> None:
    """Only replaceable words change; names, short words and punctuation stay."""
    for variant in variants("Where can I buy a large house in Lisbon, please?"):
        assert variant != "Where can I buy a large house in Lisbon, please?"
        assert variant.startswith("Where can I ")
        assert variant.endswith(" in Lisbon, please?")


def test_articles_agree_with_the_new_word() -> None:
    """`a huge` may become `an immense`; an article before a word that stays is not touched."""
    made = variants("Draw a huge house for a U.S. president", 200)
    assert not any(" a immense" in variant or " an huge" in variant or "an U.S." in variant for variant in made)


def test_the_draw_follows_the_random_source() -> None:
    """Same seed, same variant."""
    text = "Explain the large difference between birds and mammals"
    assert Synonyms().vary(text, Random(3)) == Synonyms().vary(text, Random(3))
    assert len(variants(text)) > 2


@pytest.mark.parametrize("text", ["", "?!", "a b c", "你好吗", "😀 😀", "x = y + 2", "Ana"])
def test_texts_without_replaceable_words_give_nothing(text: str) -> None:
    """None, so that the defence counts it; never the text itself."""
    assert Synonyms().vary(text, Random(0)) is None


def test_a_replacement_that_changes_the_meaning_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every replaced sentence is far from the original, there is no variant."""

    def far(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.array([[1.0] if place == 0 else [0.0] for place in range(len(texts))], dtype=np.float32)

    monkeypatch.setattr(synonyms, "embed", far)
    assert Synonyms().vary("Where can I buy a large house?", Random(0)) is None


@pytest.mark.model
@pytest.mark.skipif(
    package_path(EMBEDDED["minilm-l6-v2"].package) is None, reason="the embedding model's package is not installed"
)
def test_the_sentence_chooses_the_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real embedding, `shoot a photo` and `shoot a deer` do not get the same synonyms."""
    from recusa.models.embedder import embed

    monkeypatch.setattr(synonyms, "embed", embed)
    kept = {
        form
        for _, forms in synonyms.replacements("Find the data points which violate the specified rule.", 0.8, 0.1)
        for form in forms
    }
    assert "rape" not in kept
    assert kept
