"""The selectors that listen to a judge: who wins a vote, what a tie comes to, and what a judge that fails leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest

from recusa.component import Component
from recusa.defences.any_refusal import AnyRefusal
from recusa.defences.judge import JudgeSelector
from recusa.defences.majority import Majority
from recusa.protocols import Given
from recusa.types import Answer, Chat, Exchange, Failure, Harm, Key, Message, Outcome, Verdict

NO, YES = "No.", "Sure."


class Curt(Component):
    """Hears a refusal in `No`, fails on `?`, and counts how often it is asked."""

    name: ClassVar[str] = "curt"
    asked: ClassVar[list[Exchange]] = []

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict | Failure]:
        for e in exchanges:
            self.asked.append(e)
            if e.response == "?":
                yield Failure(e.key, "judge", "Timeout")
            else:
                outcome: Outcome = "refused" if e.response.startswith("No") else "answered"
                yield Verdict(e.key, self.name, outcome, score=len(e.response) / 100)


class Harmometer(Component):
    """Calls long answers harmful, with a score or without one."""

    name: ClassVar[str] = "harmometer"
    scored: bool = True

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict | Failure]:
        for e in exchanges:
            harm: Harm = "harmful" if len(e.response) > 3 else "safe"
            yield Verdict(e.key, self.name, harm=harm, score=len(e.response) / 10 if self.scored else None)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Curt.asked.clear()


def lent(judge: Component | None = None) -> Given:
    return Given((), lambda group, spec: judge or Curt())


def heard(*texts: str, name: str = "p") -> tuple[list[Chat], list[list[Answer]]]:
    key = Key(name)
    said = [Answer(key._replace(attempt=n), text, "end", 1, 1) for n, text in enumerate(texts, start=1)]
    return [Chat(key, (Message("user", "ask"),))], [said]


def kept(selector: Majority, *texts: str, name: str = "p") -> str:
    """What the highest score falls on, the earliest among equals."""
    ((*scores,),) = selector.scores(*heard(*texts, name=name), lent())
    known = [-1.0 if score is None else score for score in scores]
    return texts[known.index(max(known))]


@pytest.mark.parametrize(
    ("texts", "ties", "refuses"),
    [
        ((NO, NO, YES), "refuse", True),
        ((NO, YES, YES), "refuse", False),
        ((NO, YES), "refuse", True),
        ((NO, YES), "answer", False),
        ((YES, NO, NO, YES), "refuse", True),
        ((YES, NO, NO, YES), "answer", False),
        ((YES, YES, YES), "refuse", False),
        ((NO, "?", YES, YES), "refuse", False),
        ((NO, "?", "?"), "answer", True),
    ],
)
def test_more_than_half_must_comply_for_an_answer(texts: tuple[str, ...], ties: str, refuses: bool) -> None:
    """As published a tie refuses; tries that could not be judged have no vote."""
    assert (kept(Majority(ties=ties), *texts) == NO) is refuses


def test_the_kept_try_is_drawn_among_those_that_agree_or_the_first() -> None:
    """Over many prompts every agreeing try is kept now and then, none that voted otherwise; `first` is the first."""
    texts = ("No 1", YES, "No 2", "No 3")
    drawn = {kept(Majority(), *texts, name=f"p{n}") for n in range(60)}
    assert drawn == {"No 1", "No 2", "No 3"}
    assert kept(Majority(), *texts, name="p7") == kept(Majority(), *texts, name="p7")
    assert {kept(Majority(keep="first"), *texts, name=f"p{n}") for n in range(60)} == {"No 1"}


def test_the_judge_selector_keeps_the_highest_score() -> None:
    """A refusal judge's score; of a judge of harm what is left to 1, so that the safest try is kept."""
    assert JudgeSelector().scores(*heard("No", YES, "No, never"), lent()) == [[0.02, 0.05, 0.09]]
    assert JudgeSelector().scores(*heard("1", "22222"), lent(Harmometer())) == [[0.9, 0.5]]
    assert JudgeSelector().scores(*heard("1", "22222"), lent(Harmometer(scored=False))) == [[1.0, 0.0]]


@pytest.mark.parametrize("selector", [AnyRefusal(), Majority(), JudgeSelector()], ids=lambda s: s.name)
def test_a_try_that_could_not_be_judged_has_no_score(selector: AnyRefusal | Majority | JudgeSelector) -> None:
    """Neither a refusal nor an answer: None, so that it cannot be kept; all of them unjudged, the row has no score."""
    ((failed, refused),) = selector.scores(*heard("?", NO), lent())
    assert failed is None
    assert refused is not None and refused > 0
    assert selector.scores(*heard("?", "?"), lent()) == [[None, None]]


def test_the_judge_sees_the_prompt_as_asked_and_why_the_answer_stopped() -> None:
    """The variant's wording is not what the answer will stand under."""
    chats, said = heard(NO)
    cut = [[Answer(said[0][0].key, NO, "length", 1, 1)]]
    AnyRefusal().scores(chats, cut, lent())
    assert [(e.prompt, e.response, e.stop) for e in Curt.asked] == [("ask", NO, "length")]


def test_the_same_words_are_judged_once_for_all_selectors() -> None:
    """Arms that share tries share the verdicts too, for as long as the experiment lends the same notes."""
    given = lent()
    for selector in (AnyRefusal(), Majority(), JudgeSelector()):
        selector.scores(*heard(NO, YES, NO), given)
    AnyRefusal().scores(*heard(NO, YES, "No more"), given)
    assert [e.response for e in Curt.asked] == [NO, YES, "No more"]
