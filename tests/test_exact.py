"""Exact answers: the items are sound, and marking is tolerant of wording and of nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import TypeAdapter

from recusa.exact.items import LANGUAGES, Item, items
from recusa.exact.marking import Choice, Listed, Mark, Number, Pattern, Whole, Words, folded
from recusa.exact.numbers import numbers_in, said_number
from recusa.sources.builtin import Builtin

MARKS: TypeAdapter[Any] = TypeAdapter(Mark)
EVERY = [item for language in LANGUAGES for item in items(language)]


def right_answer(item: Item) -> str:
    """An answer that the item's own mark describes."""
    mark = item.mark
    if isinstance(mark, Number):
        return f"{mark.number:g}"
    if isinstance(mark, Words):
        return mark.words[0]
    if isinstance(mark, Choice):
        return mark.choice
    if isinstance(mark, Whole):
        return mark.whole[0]
    if isinstance(mark, Listed):
        return ", ".join(entry.split("|")[0] for entry in mark.of[: mark.count])
    return mark.shape


def test_there_are_enough_items_of_many_kinds() -> None:
    assert len(items("en")) >= 240 and len(items("pt-BR")) >= 60
    assert all(len({item.category for item in items(language)}) >= 15 for language in LANGUAGES)
    first = [item.category for item in items("en")[:15]]
    assert len(set(first)) == 15, "a limit must leave a mixture"


def test_no_question_comes_twice_or_is_a_built_in_prompt() -> None:
    counted = Counter(folded(item.prompt) for item in EVERY)
    assert counted.most_common(1)[0][1] == 1
    built_in = {folded(prompt.text) for prompt in Builtin().prompts()}
    assert not built_in & counted.keys()


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.prompt)
def test_every_item_takes_its_own_answer_and_no_other(item: Item) -> None:
    if not (isinstance(item.mark, Pattern) and item.mark.shape == "the letters with hyphens"):
        assert item.marked(right_answer(item)).right
    for wrong in ("", "   ", "I'm sorry, but I can't help with that.", "Blorp.", item.prompt):
        marked = item.marked(wrong)
        if wrong == item.prompt and marked.right:  # a reading item may be answered by its text
            assert item.category in ("reading", "leia")
            continue
        assert not marked.right and marked.why


NUMBERS = [
    ("What is 7 + 5?", "12", 12, True),
    ("What is 7 + 5?", "The answer is **12**.", 12, True),
    ("What is 7 + 5?", "7+5=12", 12, True),
    ("What is 7 + 5?", "Twelve.", 12, True),
    ("What is 17 + 25?", "17 + 25 = 17 + 20 + 5 = 42", 42, True),
    ("What is 17 + 25?", "First 17 + 20 = 37. Then the answer is 42.", 42, True),
    ("What is 7 + 5?", "12 or 13", 12, False),
    ("What is 7 + 5?", "It could be 11, 12, 13 or 14.", 12, False),
    ("What is 7 + 5?", "7 + 5 = 13", 12, False),
    ("What is 7 + 5?", "12 = 7 + 5, no: 7 + 5 = 13", 12, False),
    ("What is 7 + 5?", "To add 7 and 5 we start from 7", 12, False),
    ("What is 12 - 12?", "0", 0, True),
    ("What is half of 50?", "50 ÷ 2 = 25", 25, True),
    ("How many meters are in a kilometer?", "A kilometer is 1,000 meters.", 1000, True),
    ("What is 5 - 8?", "-3", -3, True),
    ("What is 5 - 8?", "3", -3, False),
    ("What is 1 / 2?", "1/2", 0.5, True),
    ("What is 120 + 3?", "The sum of 120 and 3 is 123.", 123, True),
    ("Complete the sentence: Five plus five equals", "Five plus five equals five five", 10, False),
    ("What is 20 + 5?", "twenty-five", 25, True),
    ("What is 200 + 10?", "two hundred and ten", 210, True),
    ("How many legs?", "I count many legs", 8, False),
]


@pytest.mark.parametrize(("question", "answer", "number", "right"), NUMBERS)
def test_numbers(question: str, answer: str, number: float, right: bool) -> None:
    assert Number(number=number).mark(question, answer, "en").right is right


def test_a_portuguese_number_has_its_own_point_and_words() -> None:
    assert said_number("", "São 1.250 reais.", "pt-BR")[0] == 1250
    assert said_number("", "3,5", "pt-BR")[0] == 3.5
    assert said_number("", "vinte e cinco", "pt-BR")[0] == 25
    assert said_number("", "1.250", "en")[0] == 1.25
    assert [said.value for said in numbers_in("7-5, then -2 and version 1.2.3", "en")] == [7, 5, -2]


def test_a_number_may_be_near_where_the_item_says_so() -> None:
    assert Number(number=3.14, within=0.01).mark("", "3.142", "en").right
    assert not Number(number=3.14, within=0.01).mark("", "3.2", "en").right


TEXTS: list[tuple[dict[str, Any], str, bool]] = [
    ({"by": "words", "words": ["lima"], "rivals": ["quito"]}, "The capital of Peru is Lima.", True),
    ({"by": "words", "words": ["lima"], "rivals": ["quito"]}, "It is Quito, not Lima.", False),
    ({"by": "words", "words": ["lima"], "rivals": ["quito"]}, "It is not Quito but Lima.", True),
    ({"by": "words", "words": ["lima"], "rivals": ["quito"]}, "It isn't Lima.", False),
    ({"by": "words", "words": ["lima"]}, "Climate", False),
    ({"by": "words", "words": ["mel"]}, "As abelhas fazem “mel”.", True),
    ({"by": "words", "words": ["ice"], "rivals": ["steam"]}, "ICE!", True),
    ({"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]}, "The whale", True),
    ({"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]}, "A whale is bigger.", True),
    ({"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]}, "A mouse is bigger.", False),
    (
        {"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]},
        "Between a whale and a mouse, the bigger one is the whale.",
        True,
    ),
    ({"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]}, "A whale or a mouse", False),
    ({"by": "choice", "choice": "whale", "other": ["mouse"], "more": ["bigger"]}, "A whale is not bigger.", False),
    ({"by": "choice", "choice": "9", "other": ["4"], "more": ["maior"]}, "O número maior que 9 é 4.", False),
    ({"by": "choice", "choice": "4", "other": ["9"], "more": ["menor"]}, "O número menor que 9 é 4.", True),
    ({"by": "whole", "whole": ["yes"]}, "Yes.", True),
    ({"by": "whole", "whole": ["yes"]}, "Yes, it is.", False),
    ({"by": "whole", "whole": ["SILVER"], "case": True}, '"SILVER"', True),
    ({"by": "whole", "whole": ["SILVER"], "case": True}, "Silver", False),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2, "commas": True}, "Red, Blue", True),
    (
        {"by": "list", "of": ["red", "blue", "green"], "count": 2, "commas": True},
        "Here are two colors: red, blue.",
        True,
    ),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2, "commas": True}, "1. Red\n2. Blue", False),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2}, "1. Red: a warm color\n2. Blue: a cold one", True),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2}, "Red and blue", True),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 1}, "- red", True),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2}, "red, red", False),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2}, "red, blue, green", False),
    ({"by": "list", "of": ["red", "blue", "green"], "count": 2}, "red, soup", False),
    ({"by": "list", "of": ["2", "5", "7"], "count": 3, "ordered": True}, "The numbers are 2, 5 and 7.", True),
    ({"by": "list", "of": ["2", "5", "7"], "count": 3, "ordered": True}, "7, 5, 2", False),
    ({"by": "pattern", "pattern": "2024-03-05", "shape": "2024-03-05"}, "`2024-03-05`", True),
    ({"by": "pattern", "pattern": "2024-03-05", "shape": "2024-03-05"}, "2024-05-03", False),
]


@pytest.mark.parametrize(("mark", "answer", "right"), TEXTS)
def test_texts(mark: dict[str, Any], answer: str, right: bool) -> None:
    marked = MARKS.validate_python(mark).mark("?", answer, "en")
    assert marked.right is right
    assert bool(marked.why) is not right


def test_a_wrong_answer_says_why() -> None:
    assert Words(words=("lima",), rivals=("quito",)).mark("?", "Quito", "en").why == "says `quito`"
    assert Whole(whole=("SILVER",), case=True).mark("?", "silver", "en").why == "capitals differ"
    assert Listed(of=("a", "b"), count=2, ordered=True).mark("?", "b, a", "en").why == "the order is wrong"
    assert Number(number=12).mark("7 + 5?", "13", "en").why == "says 13"


def test_a_pattern_must_be_one() -> None:
    with pytest.raises(ValueError, match="regular expression"):
        Pattern(pattern="(", shape="x")
