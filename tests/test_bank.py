"""Margins from vectors small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from recusa.errors import ConfigError
from recusa.models import bank
from recusa.models.bank import Bank

VECTORS = {"no": (1.0, 0.0), "never": (0.6, 0.8), "yes": (0.0, 1.0), "sure": (-0.8, 0.6), "text": (1.0, 0.0)}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The batches an encoder of five words was given."""
    batches: list[list[str]] = []

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        batches.append(list(texts))
        return np.array([VECTORS[text] for text in texts], dtype=np.float32).reshape(-1, 2)

    monkeypatch.setattr(bank, "embed", embed)
    bank._side.cache_clear()
    yield batches
    bank._side.cache_clear()


@pytest.mark.usefixtures("embedded")
def test_margin_is_the_mean_of_the_nearest_on_each_side() -> None:
    # "text" has cosines 1 and 0.6 to the refusals, 0 and -0.8 to the compliances.
    sides = (("no", "never"), ("yes", "sure"))
    assert Bank(*sides, k=1).margins(["text"]) == pytest.approx([1 - 0])
    assert Bank(*sides, k=2).margins(["text"]) == pytest.approx([(1 + 0.6) / 2 - (0 - 0.8) / 2])


@pytest.mark.usefixtures("embedded")
def test_k_beyond_a_side_takes_all_of_it() -> None:
    assert Bank(("no",), ("yes", "sure"), k=9).margins(["text", "yes"]) == pytest.approx([1 + 0.4, 0 - 0.8])


def test_a_side_is_embedded_once_however_many_banks_hold_it(embedded: list[list[str]]) -> None:
    Bank(("no",), ("yes",)).margins(["text"])
    Bank(("no",), ("yes",), k=3).margins(["never"])
    assert sorted(embedded) == [["never"], ["no"], ["text"], ["yes"]]


@pytest.mark.usefixtures("embedded")
def test_no_texts_no_margins() -> None:
    assert Bank(("no",), ("yes",)).margins([]).shape == (0,)


@pytest.mark.parametrize(
    ("empty", "message"),
    [
        (Bank((), ("yes",)), "refusals is empty"),
        (Bank(("no",), ()), "compliances is empty"),
        (Bank(("no",), ("yes",), k=0), "k = 0"),
    ],
)
def test_a_bank_that_cannot_compare_says_what_to_do(empty: Bank, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        empty.margins(["text"])
    assert caught.value.hint
