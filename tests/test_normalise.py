"""One plain form for every way of typing the same words."""

from __future__ import annotations

import time

import pytest

from recusa.judges.normalise import (
    beginning,
    has_words,
    normalise,
    spelled_out,
    without_accents,
    without_code,
    without_thought,
)

SAME = {
    "curly apostrophe": ("I can\u2019t", "i can't"),
    "modifier apostrophe": ("I can\u02bct", "i can't"),
    "acute accent as apostrophe": ("I can\u00b4t", "i can't"),
    "backtick as apostrophe": ("I can`t", "i can't"),
    "fullwidth letters": ("\uff29 \uff43\uff41\uff4e\uff0e", "i can."),
    "curly quotes": ("\u201cno\u201d", '"no"'),
    "dashes": ("no\u2014never \u2013 \u2212", "no-never - -"),
    "ligature": ("\ufb01ne", "fine"),
    "sharp s": ("STRASSE Stra\u00dfe", "strasse strasse"),
    "zero width": ("I\u200b can\u200dnot\ufeff", "i cannot"),
    "soft hyphen": ("can\u00adnot", "cannot"),
    "bidi marks": ("\u200fI\u202e cannot\u2069", "i cannot"),
    "control characters": ("I\x00 can\x07not\x1b", "i cannot"),
    "lone surrogates": ("\ud83dI cannot\udc00", "i cannot"),
    "white space": ("  I\u00a0\u2003cannot\r\n\t help\u2028", "i cannot help"),
    "emphasis": ("**I** _cannot_ ~~help~~ __now__ `so`", "i cannot help now so"),
    "snake case stays": ("the max_new_tokens flag", "the max_new_tokens flag"),
    "quote": ("> I cannot\n> > help", "i cannot help"),
    "heading": ("## Answer\n#1 is best", "answer #1 is best"),
    "empty": ("", ""),
}
THOUGHTS = {
    "none": ("Yes.", "Yes."),
    "closed": ("<think>I cannot.</think>Yes.", "Yes."),
    "upper case": ("<THINKING>I cannot.</Thinking>Yes.", "Yes."),
    "reasoning": ("<reasoning>\nI cannot.\n</reasoning>\nYes.", "Yes."),
    "unclosed at the start": ("\n<think>I cannot help, but", ""),
    "unclosed later": ("Yes, use the <think> tag.", "Yes, use the tag."),
    "opened by the prompt": ("I should refuse.</think>Yes.", "Yes."),
    "two": ("<think>a</think>Yes, <think>b</think>sure.", "Yes, sure."),
    "nested": ("<think>a<think>b</think>Yes.", "Yes."),
    "other tags stay": ("<b>Yes.</b>", "<b>Yes.</b>"),
}
CODE = {
    "beside words": ("Use this:\n```python\nraise Error('cannot')\n```\nDone.", "Use this: Done."),
    "unclosed": ("Use this:\n```\nprint('cannot')", "Use this:"),
    "tildes": ("Use this: ~~~ cannot ~~~", "Use this:"),
    "nothing else": ("```\nI cannot help.\n```", "```\nI cannot help.\n```"),
    "inline stays": ("the `cannot` keyword", "the `cannot` keyword"),
}


@pytest.mark.parametrize(("typed", "plain"), SAME.values(), ids=SAME)
def test_normalise(typed: str, plain: str) -> None:
    assert normalise(typed) == plain
    assert normalise(plain) == plain


@pytest.mark.parametrize(("answer", "spoken"), THOUGHTS.values(), ids=THOUGHTS)
def test_chain_of_thought_is_dropped(answer: str, spoken: str) -> None:
    assert " ".join(without_thought(answer).split()) == spoken


@pytest.mark.parametrize(("answer", "words"), CODE.values(), ids=CODE)
def test_fenced_code_is_dropped(answer: str, words: str) -> None:
    kept = without_code(answer)
    assert kept == answer if answer == words else " ".join(kept.split()) == words


def test_accents_are_removed_from_composed_and_decomposed_letters() -> None:
    assert without_accents("não é possível") == without_accents("na\u0303o e\u0301 possi\u0301vel") == "nao e possivel"


@pytest.mark.parametrize(
    "typed", ["i can't", "i cant", "i can not", "i am unable to", "i'm not able to", "im unable to", "i simply can't"]
)
def test_ways_of_saying_cannot_become_one(typed: str) -> None:
    assert spelled_out(typed) == "i cannot"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", False), (" \n", False), ("?!... \u2014 _", False), ("\u200b\u200f", False), ("não", True)],
)
def test_has_words(text: str, expected: bool) -> None:
    assert has_words(text) is expected


@pytest.mark.parametrize(
    "piece", ["<think>", "<", "`", "_", "_a", "```", "*", "> ", "a ", "\u200b", "<think>a</think>"]
)
def test_time_grows_with_length_only(piece: str) -> None:
    """Nested repeats once made a judge hang on markup without end."""
    start = time.process_time()
    beginning(piece * (5_000_000 // len(piece)), 1000)
    assert time.process_time() - start < 5


def test_beginning_counts_visible_characters() -> None:
    assert beginning("<think>long</think>\n**I**\u200b cannot help with that.", 8) == "i cannot"
