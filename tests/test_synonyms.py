"""Synonyms from WordNet and our phrases, with the embedding replaced by one that accepts every word, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from recusa.defences import faults, substitutes
from recusa.defences.perturbation import Perturbation
from recusa.defences.substitutes import places, synonyms
from recusa.defences.synonyms import Synonyms, is_english
from recusa.defences.wordnet import wordnet_folder
from recusa.engines.scripted import Scripted
from recusa.errors import MissingPackage
from recusa.models.weights import EMBEDDED, package_path
from recusa.protocols import Draw, Given, Variant
from recusa.types import Answer, Chat, Failure, Key, Message, Sampling

try:
    wordnet_folder()
except MissingPackage:
    pytest.skip("WordNet's files are not here", allow_module_level=True)

ALL = frozenset({"noun", "verb", "adj", "adv"})
COMMON = """purchase procedures processes utilizing buying large big huge immense home house difference clear explain
    shop store gap birds mammals start begin commence firing discharge""".split()  # noqa: SIM905 - a list would fill the page
real_model = pytest.mark.skipif(
    package_path(EMBEDDED["minilm-l6-v2"].package) is None, reason="the embedding model's package is not installed"
)


@pytest.fixture(autouse=True)
def _all_close(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every word means the same in every place, and a few words are common; not for tests of the real model."""
    for cached in (places, synonyms):
        cached.cache_clear()
    if "model" not in request.keywords:
        monkeypatch.setattr(substitutes, "common_words", lambda: frozenset(COMMON))
        monkeypatch.setattr(substitutes, "embed_in_place", lambda texts, spans: np.ones((len(texts), 1)))
    yield
    for cached in (places, synonyms):
        cached.cache_clear()


def given() -> Given:
    return Given((), lambda group, spec: None)


def vary(text: str, draw: int = 0) -> Variant:
    (variant,) = Synonyms().vary([Draw(Key("p", attempt=2), text, draw)], given())
    return variant


def variants(text: str, draws: int = 40) -> set[str]:
    return {made for draw in range(draws) if (made := vary(text, draw).text) is not None}


@pytest.mark.parametrize(
    ("word", "expected", "never"),
    [
        pytest.param("buy", "purchase", "steal", id="base form"),
        pytest.param("purchased", None, "buyed", id="no irregular inflection is guessed"),
        pytest.param("processes", "procedures", "procedure", id="plural"),
        pytest.param("using", "utilizing", "utilize", id="ing form"),
        pytest.param("fire", None, "firing", id="no word made of the word itself"),
        pytest.param("vinegar", None, "acetum", id="no rare word"),
    ],
)
def test_synonyms_are_common_and_inflected_alike(word: str, expected: str | None, never: str) -> None:
    """The replacement has the ending of the word, or is left out where the ending would be a guess."""
    found = synonyms(word, ALL)
    assert expected is None or expected in found
    assert never not in found


def test_the_neighbours_tell_the_part_of_speech() -> None:
    """A noun never replaces a verb: after `to` a verb is meant, after `the` a noun, after `is` an adjective."""
    told = substitutes.part_of_speech
    assert told("to", "the", "help", False) == {"verb"}
    assert told("the", "of", "help", False) == {"noun"}
    assert told("the", "house", "big", False) == {"noun", "adj"}
    assert told("is", "", "quiet", False) == {"adj"}
    assert told("", "a", "write", True) == {"verb"}


def test_a_variant_differs_and_keeps_the_rest() -> None:
    """Only replaceable places change; names, short words and punctuation stay."""
    made = variants("Where can I buy a large house in Lisbon, please?")
    assert len(made) > 4
    for variant in made:
        assert variant != "Where can I buy a large house in Lisbon, please?"
        assert re.fullmatch(
            r"Where (can|could|might|should|do) I (buy|purchase|acquire) an? .* in Lisbon, please\?", variant
        )


def test_articles_agree_with_the_new_word() -> None:
    """`a huge` may become `an immense`; an article before a word that stays is not touched."""
    made = variants("Draw a huge house for a U.S. president", 200)
    assert any(" an immense" in variant for variant in made)
    assert not any(" a immense" in variant or " an huge" in variant or "an U.S." in variant for variant in made)


def test_the_draw_follows_its_seed() -> None:
    """Same draw, same variant; others, others."""
    text = "Explain the large difference between birds and mammals"
    assert vary(text, 3) == vary(text, 3)
    assert len(variants(text)) > 2


@pytest.mark.parametrize("text", ["", "?!", "a b c", "😀 😀", "x = y + 2", "Ana"])
def test_texts_without_replaceable_words_give_nothing(text: str) -> None:
    """None with a reason and for good, so that the defence counts it; never the text itself."""
    variant = vary(text)
    assert variant.text is None
    assert variant.why in ("NothingToReplace", "NotEnglish")
    assert variant.final


@pytest.mark.parametrize(
    "text",
    [
        "Como faço para comprar uma casa grande em Lisboa?",
        "Escreva um poema sobre a chuva, por favor.",
        "¿Cómo puedo comprar una casa grande?",
        "Wie kaufe ich ein großes Haus?",
        "Comment acheter une grande maison à Lisbonne ?",
        "你好吗？请写一首关于雨的诗。",
        "كيف أشتري بيتا كبيرا؟",
        "איך קונים בית גדול?",
        "Fazer bolo chocolate",
    ],
)
def test_other_languages_give_nothing(text: str) -> None:
    """A clear None: words of other languages that look English are not replaced."""
    assert vary(text) == Variant(None, "NotEnglish", final=True)


@pytest.mark.parametrize(
    "text",
    ["How do I buy a house?", "Knit a sock", "Steal a scene?", "Translate into Portuguese: 'Onde fica a estação?'"],
)
def test_english_is_told(text: str) -> None:
    """By its function words, or where it has none by the dictionary; what it quotes may be anything."""
    assert is_english(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('Translate "a large house" for me', '"a large house"'),
        ("Fix this:\ndef buy(house):\n    start = house\nfor a large shop", "def buy(house):\n    start = house\n"),
        ("What does `large` do in buy_house(large)?", "`large` do in buy_house(large)?"),
        ("A large-scale house", "large-scale"),
        ("Which bus stop is near the large house?", "bus stop"),
    ],
)
def test_quotes_code_and_compounds_stay(text: str, kept: str) -> None:
    """They are what is asked about, or no words at all."""
    assert all(kept in variant for variant in variants(text))


def test_a_prompt_of_four_thousand_words_is_changed_here_and_there() -> None:
    """Bounded work, and no error."""
    text = " ".join(["Please tell me about the large house and the difference between shops."] * 360)
    made = vary(text).text
    assert made is not None and made != text
    assert abs(len(made.split()) - len(text.split())) < 1500


def test_a_word_that_means_something_else_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every replaced word is far from the original in its place, only the phrases are left."""

    def far(texts: Sequence[str], spans: Sequence[tuple[int, int]]) -> Any:
        return np.array([[float("processes" in text), float("processes" not in text)] for text in texts])

    assert any("procedures" in variant for variant in variants("Two large processes?"))
    places.cache_clear()
    monkeypatch.setattr(substitutes, "embed_in_place", far)
    assert "Two big processes?" in variants("Two large processes?")
    assert not any("procedures" in variant for variant in variants("Two large processes?"))


def test_portuguese_rows_are_counted_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run a Portuguese prompt is a Failure that says why, beside English rows that are answered."""
    monkeypatch.setattr(faults, "embed", lambda texts: np.ones((len(texts), 1), dtype=np.float32))
    lent = Given((), lambda group, spec: Synonyms() if group == "operators" else _First())
    engine = Perturbation(k=1).around(Scripted(), lent)
    texts = ("How do I buy a house?", "Como compro uma casa?")
    rows = list(engine.answer([Chat(Key(t), (Message("user", t),)) for t in texts], Sampling()))
    assert [type(row) for row in rows] == [Answer, Failure]
    assert isinstance(rows[1], Failure)
    assert (rows[1].stage, rows[1].error, rows[1].detail) == ("variant", "NoVariant", "1 x NotEnglish")


class _First:
    def scores(self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given) -> list[list[float]]:
        return [[0.0 for _ in its] for its in heard]


@pytest.mark.model
@real_model
def test_the_sentence_chooses_the_sense() -> None:
    """With the real embedding, words of another sense are not taken, those of the right one are."""
    found = {
        text: {option for place in places(text, 0.65) for option in place.options}
        for text in (
            "Find the data points which violate the specified rule.",
            "By mistake I poured petrol into the tank.",
            "Spread our call to holy war.",
            "Was the library really lost in a fire?",
        )
    }
    flat = set().union(*found.values())
    assert not flat & {"rape", "streamed", "telephone", "firing", "discharge", "fault"}
    assert "gasoline" in flat
    assert flat & {"truly", "actually", "genuinely"}
