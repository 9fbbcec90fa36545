"""Near-copies by words against brute force, and how meaning is weighed, on vectors made by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

from recusa import meaning
from recusa.models import vectors
from recusa.near import Near, Search, near_copies, plain

WORDS = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kite", "lynx")


def brute_force(texts: list[str], tenths: int) -> set[tuple[int, int]]:
    """All pairs with a Jaccard similarity of at least `tenths` / 10, in whole numbers."""
    sets = [set(re.findall(r"\w+", text.casefold())) for text in texts]
    return {
        (i, j)
        for j in range(len(sets))
        for i in range(j)
        if 10 * len(sets[i] & sets[j]) >= tenths * len(sets[i] | sets[j])
    }


@pytest.mark.parametrize("tenths", [1, 3, 5, 7, 9, 10])
@pytest.mark.parametrize("seed", range(8))
def test_near_copies_finds_what_brute_force_finds(seed: int, tenths: int) -> None:
    """The prefix filter loses no pair and invents none, whatever the texts."""
    rng = Random(seed)
    texts = [" ".join(rng.choices(WORDS[: rng.randint(3, 12)], k=rng.randint(1, 12))) for _ in range(60)]
    found = [(one, other) for one, other, _ in near_copies(texts, tenths / 10)]
    assert set(found) == brute_force(texts, tenths)
    assert len(found) == len(set(found))


def test_near_copies_counts_seven_words_of_ten_and_not_six() -> None:
    """The edge itself is a near-copy, and the similarity is the share of words in common."""
    ten = " ".join(WORDS[:10])
    assert list(near_copies([ten, " ".join(WORDS[:7]), " ".join(WORDS[:6])])) == [(0, 1, 0.7), (1, 2, 6 / 7)]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Bake a CAKE, please!", "bake  a cake please", True),
        ("bake a cake", "bake the bread", False),
        ("Straße fegen", "STRASSE FEGEN", True),
        ("???", "???", True),
        ("???", "!!!", False),
        ("ação rápida", "ação rápida", True),
    ],
    ids=["case and stops", "other words", "case folded", "no words, equal", "no words, other", "accents"],
)
def test_near_copies_compares_words(one: str, other: str, alike: bool) -> None:
    """Case and punctuation do not count; texts without words are alike only when equal."""
    assert bool(list(near_copies([one, other]))) == alike


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Bake a cake.", "Bake a cake.", "exact"),
        ("Bake a CAKE!", "bake  a cake", "form"),
        ("Bake \uff41 cake", "Bake a cake", "form"),
        ("caf\u00e9 au lait", "cafe\u0301 au lait", "form"),
        ("bake a very nice cake", "bake a nice cake", "words"),
        ("bake a cake", "knit a sock", None),
        ("???", "???", "exact"),
        ("???", "!!!", None),
    ],
)
def test_each_pair_has_its_strongest_evidence(one: str, other: str, how: str | None) -> None:
    """Equal, equal but for form, alike in words, or nothing."""
    assert [pair.how for pair in Search().find([one, other])] == ([how] if how else [])


def test_many_copies_of_one_text_are_a_chain() -> None:
    """A thousand equal rows give 999 pairs, not half a million, and hang together."""
    found = Search().find(["same"] * 1000 + ["Same!"])
    assert len(found) == 1000
    assert Near(0, 1000, "form", 1.0) in found


def test_plain_text_keeps_what_has_no_words() -> None:
    """Emoji and signs are compared as they are."""
    assert (plain(" Stra\u00dfe,  FEGEN! "), plain("\U0001f600  \U0001f600")) == (
        "strasse fegen",
        "\U0001f600 \U0001f600",
    )


def turned(degrees: Sequence[float]) -> npt.NDArray[np.float32]:
    """Unit vectors in a plane, so that the cosine of two is that of the angle between them."""
    angles = np.radians(np.array(degrees))
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_pairs_and_neighbourhoods_are_those_of_brute_force() -> None:
    """Over several blocks: every pair from FLOOR on, with the density and the nearest third text of both."""
    rng = np.random.default_rng(1)
    some = rng.normal(size=(80, 6))
    some = (some / np.linalg.norm(some, axis=1, keepdims=True)).astype(np.float32)
    cosines = some @ some.T
    block, meaning.BLOCK = meaning.BLOCK, 32
    try:
        pairs, values = meaning.pair_features([f"word{i}" for i in range(80)], some)
    finally:
        meaning.BLOCK = block
    assert set(pairs) == {(i, j) for i in range(80) for j in range(i + 1, 80) if cosines[i, j] >= meaning.FLOOR}
    for (i, j), row in zip(pairs, values, strict=True):
        around = []
        for a, b in ((i, j), (j, i)):
            others = np.sort([max(cosines[a, k], meaning.DENSITY) for k in range(80) if k not in (a, b)])[::-1]
            around.append((others[: meaning.NEIGHBOURS].mean(), others[0]))
        assert row[0] == pytest.approx(cosines[i, j], abs=1e-5)
        assert row[1] == pytest.approx(cosines[i, j] - (around[0][0] + around[1][0]) / 2, abs=1e-5)
        assert row[2] == pytest.approx(cosines[i, j] - min(around[0][1], around[1][1]), abs=1e-5)


def test_a_pair_alone_has_a_plain_neighbourhood() -> None:
    """Two texts have no third one: the place counts as no more crowded than DENSITY."""
    pairs, values = meaning.pair_features(["one", "other"], turned([0, 30]))
    assert pairs == [(0, 1)]
    assert values[0][1] == pytest.approx(np.cos(np.radians(30)) - meaning.DENSITY, abs=1e-5)


def test_the_same_closeness_counts_for_less_in_a_crowd() -> None:
    """A pair that is as near to others as to each other is scored lower than one that stands apart."""
    crowd = meaning.pair_features([f"w{i}" for i in range(6)], turned([0, 30, 31, 32, 33, 34]))
    apart = meaning.pair_features([f"w{i}" for i in range(6)], turned([0, 30, 120, 180, 240, 300]))
    scores = [meaning.scores(values[[pairs.index((0, 1))]], "mpnet-base-v2")[0] for pairs, values in (crowd, apart)]
    assert scores[0] < scores[1]


@pytest.mark.parametrize("encoder", meaning.WEIGHTS)
def test_almost_equal_vectors_are_copies_in_any_crowd(encoder: str) -> None:
    """Sets made from one template are crowded with true copies; nearly equal vectors count whatever is round them."""
    pairs, values = meaning.pair_features([f"w{i}" for i in range(8)], turned([0, 2, 4, 6, 8, 10, 12, 14]))
    assert len(pairs) == 28
    assert meaning.scores(values[[0]], encoder)[0] > 0.5  # type: ignore[arg-type]


def test_other_numbers_and_other_words_lower_the_score() -> None:
    """The signs of the fitted weights make sense where the vectors are the same."""
    texts = ["add 17 and 20", "add 17 and 20 now", "add 93 and 41"]
    pairs, values = meaning.pair_features(texts, turned([0, 35, 35]))
    numbers = dict(zip(pairs, values[:, meaning.FEATURES.index("numbers")], strict=True))
    assert (numbers[0, 1], numbers[0, 2]) == (0.0, 1.0)
    assert all(weights[meaning.FEATURES.index("numbers")] < 0 for weights in meaning.WEIGHTS.values())


class Encoder:
    """Counts what it embeds; a text's vector is made of its length."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.asked: list[str] = []
        patch.setenv("RECUSA_CACHE", str(folder))
        patch.setattr(vectors, "encode", self.encode)
        patch.setattr(vectors, "encoder_digest", lambda name: f"digest-{name}")

    def encode(self, name: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        return turned([float(len(text)) for text in texts])


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Encoder:
    """An encoder that needs no model, and an empty cache."""
    return Encoder(monkeypatch, tmp_path / "cache")


def test_vectors_are_kept_and_the_same_when_read_again(encoder: Encoder) -> None:
    """Nothing is embedded twice, and a kept vector equals the new one bit for bit."""
    texts = ["a", "bb", "a", "cccc"]
    first = vectors.kept_vectors(texts, "minilm-l6-v2")
    again = vectors.kept_vectors([*texts, "new one"], "minilm-l6-v2")
    assert encoder.asked == ["a", "bb", "cccc", "new one"]
    assert (first == again[:4]).all()
    assert np.linalg.norm(first, axis=1) == pytest.approx(np.ones(4))


def test_each_encoder_keeps_its_own_vectors(encoder: Encoder) -> None:
    """Another model's vectors are never taken for this one's."""
    vectors.kept_vectors(["a"], "minilm-l6-v2")
    vectors.kept_vectors(["a"], "mpnet-base-v2")
    assert encoder.asked == ["a", "a"]


def test_people_who_call_one_harmful_and_the_other_not_overrule_meaning(encoder: Encoder) -> None:
    """Twins are near by design; without kinds, or with one kind, the pair counts."""
    texts, search = ["kill the process", "end the programme"], Search("meaning", "mpnet-base-v2")
    assert [pair.how for pair in search.find(texts)] == ["meaning"]
    assert [pair.how for pair in search.find(texts, ["benign", "borderline"])] == ["meaning"]
    assert search.find(texts, ["harmful", "borderline"]) == []
    assert [pair.how for pair in search.find(texts, [None, "harmful"])] == ["meaning"]
