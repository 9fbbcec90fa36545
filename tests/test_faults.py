"""Which language a text is in, and whether it asks or tells: what the checks of a variant stand on."""

from __future__ import annotations

import numpy as np
import pytest

from recusa.defences import faults
from recusa.defences.faults import act, answers, closeness, plain
from recusa.defences.language import language_of, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I plant a tree?", "en"),
        ("Como faço para plantar uma árvore?", "pt"),
        ("voce sabe qual e o melhor jeito?", "pt"),
        ("¿Cómo se planta un árbol en el jardín?", "es"),
        ("Comment planter un arbre dans mon jardin ?", "fr"),
        ("Wie pflanze ich einen Baum?", "de"),
        ("Come si pianta un albero nel giardino?", "it"),
        ("Как посадить дерево?", "cyrillic"),
        ("如何种树？", "cjk"),
        ("كيف أزرع شجرة؟", "arabic"),
        ("Photosynthesis", ""),
        ("42 + 1 = ?", ""),
        ("", ""),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    """By function words, letters or script; empty where nothing tells."""
    assert language_of(text) == language


def test_a_few_foreign_letters_do_not_make_a_script() -> None:
    """The script of most letters counts; emoji and digits have none."""
    assert (script_of("Say привет to her"), script_of("👩‍🌾 12"), script_of("עץ tree עצים")) == ("LATIN", "", "HEBREW")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How do I plant a tree?", "request"),
        ("Write a poem.", "request"),
        ("please, a poem", "request"),
        ("I need a plan for my garden.", "request"),
        ("In two sentences, explain rain.", ""),
        ("The tree is planted in a hole.", "statement"),
        ("You should dig a hole.", "statement"),
        ("Trees are planted in spring.", "statement"),
        ("What a delightful tree!", "statement"),
        ("To plant a tree, dig a hole.", "statement"),
        ("Step by step instructions for a tree", ""),
        ("", ""),
    ],
)
def test_questions_and_orders_are_told_from_statements(text: str, kind: str) -> None:
    """Empty where it cannot be said: only a clear statement for a clear request is an answer."""
    assert act(text) == kind


def test_a_statement_is_an_answer_only_to_a_request() -> None:
    """A statement may be rewritten as one, and what a prompt itself does is no fault of its variant."""
    assert answers("Where is Lima?", "It is in Peru.")
    assert not answers("Lima is a city.", "The city is Lima.")
    assert not answers("Yes or no: is Lima big?", "Yes or no, is Lima large?")
    assert not answers("Sort:\n- a\n- b\n- c", "Order:\n- a\n- b\n- c")
    assert answers("Onde fica Lima?", "Fica no Peru.")


def test_texts_that_differ_in_case_space_or_end_marks_are_one() -> None:
    """Asking the original again, disguised, is no perturbation."""
    assert len({plain(text) for text in ("Plant it", " plant  IT. ", '"Plant it?"')}) == 1
    assert plain("Plant it") != plain("Plant: it")


def test_the_end_of_a_long_text_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedding model reads 256 tokens: long texts are compared window by window."""

    def embed(texts: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        assert max(len(text.split()) for text in texts) <= faults.WINDOW
        return np.array([[1.0, 0.0] if "tree" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    monkeypatch.setattr(faults, "embed", embed)
    same, other = "tree " * 600, "tree " * 300 + "boat " * 300
    (near, far) = closeness([(same, same), (same, other)])
    assert near == pytest.approx(1.0)
    assert far < 0.75
