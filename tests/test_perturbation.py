"""The perturbation defence on the scripted engine, with operators and selectors of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from recusa.component import Component
from recusa.defences.any_refusal import AnyRefusal
from recusa.defences.making import Making
from recusa.defences.oracle import Oracle, references
from recusa.defences.perturbation import Perturbation
from recusa.defences.resample import Resample
from recusa.defences.system_prompt import REMINDER, SystemPrompt
from recusa.engines.scripted import ANSWER, REFUSAL, Scripted
from recusa.errors import ConfigError
from recusa.judges.expressions import Expressions
from recusa.protocols import Draw, Engine, Given, Variant
from recusa.types import Answer, Chat, Failure, Key, Message, Prompt, Sampling, Spent


class Marks(Making):
    """Appends a drawn mark."""

    name: ClassVar[str] = "marks"
    marks: tuple[str, ...] = ("a", "b", "c", "d")

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        return [Variant(f"{draw.text} {draw.rng.choice(self.marks)}", claim="letters") for draw in draws]


class Says(Making):
    """Gives what it is told, draft by draft, to every prompt."""

    name: ClassVar[str] = "says"
    drafts: tuple[str | None, ...] = ()
    claim: str = "letters"

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        said = [self.drafts[min(draw.redraw, len(self.drafts) - 1)] for draw in draws]
        return [Variant(text, claim=self.claim, writing=Spent(1, 10, 5)) for text in said]  # type: ignore[arg-type]


class Longest(Component):
    """Prefers long answers."""

    name: ClassVar[str] = "longest"

    def check(self, prompts: Sequence[Prompt], given: Given) -> None: ...

    def basis(self, given: Given) -> dict[str, Any]:
        return self.identity()

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        return [[float(len(said.text)) for said in its] for its in heard]


class Deaf(Longest):
    """Can judge nothing."""

    name: ClassVar[str] = "deaf"

    def scores(
        self, chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
    ) -> list[list[float | None]]:
        return [[None for _ in its] for its in heard]


def lent(operator: Component | None = None, selector: Component | None = None) -> Given:
    made = {"operators": operator or Marks(), "selectors": selector or AnyRefusal(), "judges": Expressions()}
    return Given((), lambda group, spec: made[group])


def chat(text: str, name: str = "p") -> Chat:
    return Chat(Key(name, arm="arm"), (Message("user", text),))


def ask(engine: Engine, *chats: Chat, sampling: Sampling | None = None) -> list[Answer | Failure]:
    with engine:
        return list(engine.answer(chats, sampling or Sampling()))


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


def test_a_rejected_draft_is_drawn_again_and_counted_by_reason() -> None:
    """Two drafts are no variants, the third is: its try says what was thrown away and what the writer was asked."""
    operator = Says(drafts=("Plant", " ", "Plant it"))
    answer = one(Perturbation(k=1).around(Scripted(), lent(operator)), "Plant")
    second = answer.tries[1]
    assert second.asked == "Plant it"
    assert dict(second.rejected) == {"Empty": 1, "SameAsOriginal": 1}
    assert second.writing == Spent(3, 30, 15)


def test_redraws_are_bounded() -> None:
    """After so many drafts the variant is given up, never the prompt asked in its place; the other one stands."""
    operator = Says(drafts=("Plant it",))
    answer = one(Perturbation(k=2, redraws=4).around(Scripted(), lent(operator)), "Plant")
    last = answer.tries[2].result
    assert isinstance(last, Failure)
    assert (last.stage, last.error, last.detail) == ("variant", "NoVariant", "4 x SameAsAnother")
    assert answer.tries[2].asked == ""


@pytest.mark.parametrize("draft", [None, "", " \n", "PLANT", "plant!"], ids=["none", "empty", "white", "case", "mark"])
def test_without_a_variant_the_row_fails_and_is_not_the_original(draft: str | None) -> None:
    """An operator that gives nothing, or the prompt, leaves a counted Failure with its tries, not a silent original."""
    operator = Says(drafts=(draft,), claim="meaning")
    (result,) = ask(Perturbation(k=2).around(Scripted(), lent(operator)), chat("Plant"))
    assert isinstance(result, Failure)
    assert (result.stage, result.error) == ("variant", "NoVariant")
    assert [type(t.result) for t in result.tries] == [Answer, Failure, Failure]


def test_a_final_refusal_to_vary_is_not_asked_again() -> None:
    """When drawing again would end the same, it is drawn once a round."""
    drawn: list[Draw] = []

    class Never(Making):
        name: ClassVar[str] = "never"

        def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
            drawn.extend(draws)
            return [Variant(None, "NotEnglish", final=True) for _ in draws]

    (result,) = ask(Perturbation(k=2, redraws=9).around(Scripted(), lent(Never())), chat("Plante"))
    assert isinstance(result, Failure)
    assert result.detail == "2 x NotEnglish"
    assert [draw.key.attempt for draw in drawn] == [2, 3]


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


def test_a_selector_that_cannot_judge_fails_the_row() -> None:
    """No score, no choice: taking the first try would be the original under another name."""
    (result,) = ask(Perturbation().around(Scripted(), lent(selector=Deaf())), chat("Plant"))
    assert isinstance(result, Failure)
    assert (result.stage, result.error) == ("judge", "NoTryJudged")


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


def test_more_variants_begin_with_the_fewer() -> None:
    """k = 4 asks what k = 1 asks and three more: that is what lets arms share their calls."""
    few = one(Perturbation(k=1).around(Scripted(), lent()), "Plant")
    many = one(Perturbation(k=4).around(Scripted(), lent()), "Plant")
    assert [t.asked for t in many.tries][:2] == [t.asked for t in few.tries]


def test_resample_asks_the_prompt_again_with_noise_of_its_own() -> None:
    """The control asks the same words k more times, hot, while the first try stays as the experiment samples it."""
    engine = Scripted(share=0.5)
    heats: list[float] = []
    real = Scripted.answer

    class Noting(Scripted):
        def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Any:
            heats.append(sampling.temperature)
            return real(engine, chats, sampling)

    (answer,) = ask(Perturbation(k=7).around(Noting(), lent(Resample())), chat("Steal a scene"))
    assert heats == [0.0] + 7 * [0.7]
    assert {t.asked for t in answer.tries} == {"Steal a scene"}
    again = [t.result.text for t in answer.tries[1:] if isinstance(t.result, Answer)]
    assert set(again) == {REFUSAL, ANSWER}  # the words are the same, the luck is not


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
        Perturbation(similarity=0.9).around(Scripted(), lent()),
        Perturbation().around(Scripted(), lent(Marks(marks=("x",)))),
        Perturbation().around(Scripted(), lent(selector=Longest())),
        Perturbation().around(Scripted(share=0.5), lent()),
    ]
    assert all(other.identity() != base for other in others)


def test_arms_name_the_calls_they_share() -> None:
    """k and selector change no call; operator, seed and what is rejected do; the prompt itself all arms ask alike."""
    asks = Perturbation(k=2, selector="bank").asks()
    assert Perturbation(k=3, selector="oracle").asks()[:3] == asks
    assert len(set(asks)) == 3
    for other in (Perturbation(operator="resample"), Perturbation(seed=1), Perturbation(similarity=0.5)):
        assert set(other.asks()) & set(asks) == {asks[0]}
    assert asks[0] not in SystemPrompt().asks()


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
