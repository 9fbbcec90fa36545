"""The perturbation defence on the scripted engine, with operators and selectors of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

import pytest

from recusa.component import Component
from recusa.defences.any_refusal import AnyRefusal
from recusa.defences.oracle import Oracle, references
from recusa.defences.perturbation import Perturbation
from recusa.defences.system_prompt import REMINDER, SystemPrompt
from recusa.engines.scripted import ANSWER, REFUSAL, Scripted
from recusa.errors import ConfigError
from recusa.judges.expressions import Expressions
from recusa.protocols import Engine, Given
from recusa.types import Answer, Chat, Failure, Key, Message, Prompt, Sampling


class Marks(Component):
    """Appends a drawn mark."""

    name: ClassVar[str] = "marks"
    marks: tuple[str, ...] = ("a", "b", "c", "d")

    def vary(self, text: str, rng: Random) -> str | None:
        return f"{text} {rng.choice(self.marks)}" if self.marks else None


class Longest(Component):
    """Prefers long answers."""

    name: ClassVar[str] = "longest"

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...

    def basis(self, given: Given) -> dict[str, Any]:
        return self.identity()

    def scores(self, chats: Sequence[Chat], heard: Sequence[Sequence[str]], given: Given) -> list[list[float]]:
        return [[float(len(text)) for text in texts] for texts in heard]


def lent(operator: Component | None = None, selector: Component | None = None) -> Given:
    made = {"operators": operator or Marks(), "selectors": selector or AnyRefusal(), "judges": Expressions()}
    return Given((), lambda group, spec: made[group])


def chat(text: str, name: str = "p") -> Chat:
    return Chat(Key(name, arm="arm"), (Message("user", text),))


def ask(engine: Engine, *chats: Chat) -> list[Answer | Failure]:
    with engine:
        return list(engine.answer(chats, Sampling()))


def one(engine: Engine, text: str) -> Answer:
    (answer,) = ask(engine, chat(text))
    assert isinstance(answer, Answer)
    return answer


def test_the_prompt_and_k_different_variants_are_asked() -> None:
    """Attempt 1 is the prompt itself; no two of the others are alike, and none is the prompt again."""
    answer = one(Perturbation(k=3).around(Scripted(), lent()), "How do I plant a tree?")
    asked = [t.asked for t in answer.tries]
    assert asked[0] == "How do I plant a tree?"
    assert len(set(asked)) == 4
    assert [t.result.key.attempt for t in answer.tries] == [1, 2, 3, 4]


def test_variants_that_differ_in_case_or_space_only_do_not_count() -> None:
    """Asking the original again, disguised, is no perturbation: the try is a counted Failure."""

    class Spaces(Marks):
        def vary(self, text: str, rng: Random) -> str | None:
            return rng.choice([text.upper(), f"{text}  ", text])

    answer = one(Perturbation(k=2).around(Scripted(), lent(Spaces())), "How do I plant a tree?")
    failed = [t.result for t in answer.tries[1:]]
    assert [type(result) for result in failed] == [Failure, Failure]
    assert {result.error for result in failed if isinstance(result, Failure)} == {"NoVariant"}


def test_too_few_variants_are_counted_not_hidden() -> None:
    """Two marks give two variants; the third cannot be drawn and says so."""
    answer = one(Perturbation(k=3).around(Scripted(), lent(Marks(marks=("a", "b")))), "Plant")
    assert [isinstance(t.result, Answer) for t in answer.tries] == [True, True, True, False]


def test_a_refusal_of_a_variant_is_kept() -> None:
    """`any-refusal`: the prompt is answered, one variant is refused: the refusal is the answer, its try is marked."""
    engine = Perturbation(k=4).around(Scripted(refuse=("plant c",)), lent())
    answer = one(engine, "Plant")
    assert answer.text == REFUSAL
    assert [t.chosen for t in answer.tries].count(True) == 1
    assert next(t for t in answer.tries if t.chosen).asked == "Plant c"


def test_among_equals_the_prompt_itself_is_kept() -> None:
    """When no try refuses, the answer to the prompt as it is."""
    answer = one(Perturbation().around(Scripted(refuse=()), lent()), "Plant")
    assert answer.text == ANSWER
    assert answer.tries[0].chosen


def test_the_selector_decides() -> None:
    """Another selector keeps another try."""
    replies = {"Plant": "short", "Plant a": "a much longer one", "Plant b": "mid one"}
    answer = one(Perturbation().around(Scripted(replies=replies), lent(Marks(marks=("a", "b")), Longest())), "Plant")
    assert answer.text == "a much longer one"


def test_a_failed_try_leaves_the_others() -> None:
    """A failing call is noted; the choice is among the answered."""
    engine = Perturbation(k=2).around(Scripted(fail=("plant a",)), lent(Marks(marks=("a", "b"))))
    answer = one(engine, "Plant")
    assert sorted(type(t.result).__name__ for t in answer.tries) == ["Answer", "Answer", "Failure"]


def test_when_every_try_fails_the_row_fails() -> None:
    """The Failure names what happened to the tries."""
    (result,) = ask(Perturbation(k=1).around(Scripted(fail=("plant",)), lent()), chat("Plant"))
    assert isinstance(result, Failure)
    assert (result.error, result.detail) == ("NoTryAnswered", "Scripted")


def test_variants_belong_to_the_prompt_not_to_the_batch() -> None:
    """Alone or among others, first or last: the same variants; another seed, others."""

    def asked(seed: int, *chats: Chat) -> dict[str, list[str]]:
        results = ask(Perturbation(k=2, seed=seed).around(Scripted(), lent()), *chats)
        return {r.key.prompt_id: [t.asked for t in r.tries] for r in results if isinstance(r, Answer)}

    alone = asked(0, chat("Plant", "p"))
    together = asked(0, chat("Bake", "q"), chat("Plant", "p"))
    assert alone["p"] == together["p"]
    assert any(asked(seed, chat("Plant", "p")) != alone for seed in range(1, 9))


def test_no_chats_no_calls() -> None:
    """An empty batch gives nothing."""
    assert ask(Perturbation().around(Scripted(), lent())) == []


def test_k_of_zero_is_refused() -> None:
    """No variants would be the original arm under another name."""
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Perturbation(k=0)


def test_identity_holds_defence_operator_selector_and_engine() -> None:
    """Each of the four changes what an answer depends on."""
    base = Perturbation().around(Scripted(), lent()).identity()
    others = [
        Perturbation(k=3).around(Scripted(), lent()),
        Perturbation().around(Scripted(), lent(Marks(marks=("x",)))),
        Perturbation().around(Scripted(), lent(selector=Longest())),
        Perturbation().around(Scripted(share=0.5), lent()),
    ]
    assert all(other.identity() != base for other in others)


def test_oracle_references_of_benign_rows_are_refusal_and_response() -> None:
    """The LLM-LAT benign rows name them differently; `chosen` and `rejected` come first."""
    assert references(Prompt("a", "benign", refusal="No.", response="Yes.")) == ("No.", "Yes.")
    assert references(Prompt("a", "harmful", chosen="C", rejected="R", refusal="No.")) == ("C", "R")


def test_oracle_without_references_is_a_config_error() -> None:
    """It says how many rows lack them, and what to do."""
    rows = [Prompt("a", "harmful", chosen="C", rejected="R"), Prompt("b", "benign")]
    with pytest.raises(ConfigError, match="1 of 2 prompts lack") as caught:
        Oracle().check(rows, lent())
    assert "bank" in caught.value.hint


def test_the_reminder_goes_after_the_arms_own_system_prompt() -> None:
    """One system turn, the arm's text first."""
    engine: Any = SystemPrompt().around(Scripted(), lent())
    own = Chat(Key("p"), (Message("system", "Be brief."), Message("user", "Plant")))
    heard: list[Chat] = []

    class Ear:
        def answer(self, chats: Sequence[Chat], sampling: Sampling) -> list[Answer]:
            heard.extend(chats)
            return []

    engine.inner = Ear()
    list(engine.answer([own, chat("Plant")], Sampling()))
    assert heard[0].messages == (Message("system", f"Be brief.\n\n{REMINDER}"), Message("user", "Plant"))
    assert heard[1].messages == (Message("system", REMINDER), Message("user", "Plant"))
