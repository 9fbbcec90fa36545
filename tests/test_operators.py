"""`characters` and `paraphrase`, the latter with writers of every bad kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from recusa.component import Component
from recusa.defences import faults
from recusa.defences.any_refusal import AnyRefusal
from recusa.defences.characters import ALPHABET, Characters
from recusa.defences.paraphrase import SHOWN, TASK, Paraphrase, cleaned
from recusa.defences.perturbation import Perturbation
from recusa.engines.scripted import Scripted
from recusa.errors import ConfigError
from recusa.judges.expressions import Expressions
from recusa.models.weights import EMBEDDED, package_path
from recusa.protocols import Draw, Given, Variant
from recusa.registry import build
from recusa.types import Answer, Chat, Failure, Key, Message, Sampling, Spent

PROMPTS = {
    "word": "Tulips",
    "sentence": "How do I plant a tree in a small garden?",
    "long": "How do I plant a tree? " * 800,
    "code": "def add(a, b):\n    return a + b  # why does this fail?",
    "emoji": "👩‍🌾🌳❓",
    "arabic": "كيف أزرع شجرة في حديقة صغيرة؟",
    "hebrew": "איך שותלים עץ?",
}


class Writer(Component):
    """Says the same to everybody, notes how it was asked, and can cut off or fail."""

    name: ClassVar[str] = "writer"
    says: str = "What is a good way of planting a tree in a little garden?"
    cut: bool = False
    fails: bool = False
    heard: ClassVar[list[tuple[Chat, Sampling]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None: ...

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        for chat in reversed(chats):  # in any order
            self.heard.append((chat, sampling))
            if self.fails:
                yield Failure(chat.key, "answer", "Timeout")
            else:
                yield Answer(chat.key, self.says, "length" if self.cut else "end", 100, 20)


@pytest.fixture(autouse=True)
def _one_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """No embedding model: all texts mean the same."""
    Writer.heard.clear()
    monkeypatch.setattr(faults, "embed", lambda texts: np.ones((len(texts), 1), dtype=np.float32))


def lent(writer: Writer) -> Given:
    def make(group: str, spec: Any) -> Any:
        return {"engines": writer, "selectors": AnyRefusal(), "judges": Expressions()}.get(group) or Paraphrase(
            writer="w"
        )

    return Given((), make)


def chat(text: str) -> Chat:
    return Chat(Key("p"), (Message("user", text),))


def asked(writer: Writer, text: str = PROMPTS["sentence"], k: int = 1, redraws: int = 3) -> Answer | Failure:
    engine = Perturbation(k=k, redraws=redraws).around(Scripted(), lent(writer))
    (result,) = engine.answer([chat(text)], Sampling())
    return result


def damaged(text: str, redraw: int = 0, **settings: Any) -> str:
    (variant,) = Characters(**settings).vary([Draw(Key("p", attempt=2), text, redraw)], Given((), lambda *a: None))
    assert variant.claim == "letters" and variant.text is not None
    return variant.text


@pytest.mark.parametrize("text", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_a_share_of_the_characters_is_changed(text: str, share: float) -> None:
    """`swap` here and there, `patch` side by side, `insert` adds: as many as the share says, at least one."""
    count = max(1, int(len(text) * share))
    swapped = damaged(text, way="swap", share=share)
    places = [i for i, (old, new) in enumerate(zip(text, swapped, strict=True)) if old != new]
    assert len(places) == count
    patched = damaged(text, way="patch", share=share)
    run = [i for i, (old, new) in enumerate(zip(text, patched, strict=True)) if old != new]
    assert run == list(range(run[0], run[0] + count))
    inserted = damaged(text, way="insert", share=share)
    assert len(inserted) == len(text) + count
    left = iter(inserted)
    assert all(letter in left for letter in text)  # a subsequence: nothing was taken away
    assert {*swapped, *patched, *inserted} <= {*text, *ALPHABET}


def test_every_copy_is_damaged_afresh() -> None:
    """Nine draws of one prompt are nine texts: drawing once for all copies was a published mistake."""
    assert len({damaged(PROMPTS["sentence"], redraw) for redraw in range(9)}) == 9


def test_an_empty_text_is_a_counted_failure() -> None:
    """Nothing can be damaged, and nothing is made up."""
    (variant,) = Characters().vary([Draw(Key("p"), "")], Given((), lambda *a: None))
    assert variant == Variant(None, "Empty", claim="letters", final=True)


def test_a_writer_is_asked_a_round_at_a_time_at_a_drawn_temperature() -> None:
    """The task, examples in the prompt's language, then the prompt; each round has a temperature and a seed."""
    given = lent(Writer())
    operator = Paraphrase(writer="w", temperature=(0.5, 0.9))
    texts = ("Como planto uma árvore no quintal?", PROMPTS["sentence"])
    draws = [Draw(Key(text, attempt=attempt), text) for attempt in (2, 3, 4) for text in texts]
    made = operator.vary(draws, given)
    assert [variant.writing for variant in made] == [Spent(1, 100, 20)] * 6
    assert len(Writer.heard) == 6
    heats = {chat.key.attempt: (sampling.temperature, sampling.seed) for chat, sampling in Writer.heard}
    assert len(set(heats.values())) == 3
    assert all(0.5 <= heat <= 0.9 for heat, _ in heats.values())
    for asked_, sampling in Writer.heard:
        assert asked_.messages[0] == Message("system", TASK)
        assert asked_.messages[-1] == Message("user", f"Text: {asked_.key.prompt_id}")
        language = "pt" if "árvore" in asked_.key.prompt_id else "en"
        assert asked_.messages[2] == Message("assistant", SHOWN[language][0][1])
        assert sampling.top_p == 0.9
    assert [v.text for v in operator.vary(draws, given)] == [v.text for v in made]


@pytest.mark.parametrize(
    ("writer", "reason"),
    [
        (Writer(says=""), "Empty"),
        (Writer(says=" \n\n "), "Empty"),
        (Writer(says=PROMPTS["sentence"]), "SameAsOriginal"),
        (Writer(says=f'"{PROMPTS["sentence"].upper()}"'), "SameAsOriginal"),
        (Writer(says="Trees are planted in holes. " * 400), "TooLong"),
        (Writer(says="Como planto uma árvore num quintal pequeno?"), "OtherLanguage"),
        (Writer(says="Как посадить дерево в саду?"), "OtherLanguage"),
        (Writer(says="A question stays a question and an order stays an order."), "EchoesInstruction"),
        (Writer(says="Please rewrite the text about trees."), "EchoesInstruction"),
        (Writer(says="How can I make sure a loaf is still fresh the next morning?"), "EchoesInstruction"),
        (Writer(says="I'm sorry, but I can't help with that."), "Refuses"),
        (Writer(says="Sure, dig a hole first."), "Answers"),
        (Writer(says="- Dig a hole\n- Put the tree in\n- Fill it"), "Answers"),
        (Writer(says="The tree is put into a hole in the garden."), "Answers"),
        (Writer(says="How can I avoid planting a tree?"), "TurnedRound"),
        (Writer(cut=True), "CutOff"),
        (Writer(fails=True), "WriterTimeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_writer_is_a_counted_failure(writer: Writer, reason: str) -> None:
    """Rejected by name each time it is redrawn; the row fails with what the writer cost, and is no original."""
    result = asked(writer)
    assert isinstance(result, Failure)
    assert (result.stage, result.error, result.detail) == ("variant", "NoVariant", f"3 x {reason}")
    assert result.tries[1].writing.calls == 3


def test_a_lost_meaning_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the cosine of the two texts; characters and repeats are not asked for a meaning."""

    def apart(texts: Sequence[str]) -> Any:
        return np.eye(len(texts), dtype=np.float32)

    monkeypatch.setattr(faults, "embed", apart)
    result = asked(Writer())
    assert isinstance(result, Failure)
    assert result.detail == "3 x LostMeaning"
    letters, again = Variant("Hxw?", claim="letters"), Variant("How?", claim="again")
    drafts = [faults.Draft("How?", variant, ()) for variant in (letters, again)]
    assert faults.faults(drafts, 0.7) == ["", ""]


@pytest.mark.parametrize("name", PROMPTS)
def test_any_prompt_can_be_asked_of_a_writer(name: str) -> None:
    """One word, 4,000 words, code, emoji, right to left: a variant or a counted Failure, never an error."""
    result = asked(Writer(says="Something else is written here?"), PROMPTS[name])
    assert result.tries[0].asked == PROMPTS[name]
    assert len(result.tries) == 2


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('"How do trees grow?"', "How do trees grow?"),
        ("“How do trees grow?”", "How do trees grow?"),
        ("**How do trees grow?**", "How do trees grow?"),
        ("Sure! Here is the new text: How do trees grow?", "How do trees grow?"),
        ("Here's another version:\n\n'How do trees grow?'", "How do trees grow?"),
        ("Text: How do trees grow?", "How do trees grow?"),
        ("Reworded text: How do trees grow?\n\nI kept the meaning.", "How do trees grow?"),
        ("Nova versão: Como crescem as árvores?", "Como crescem as árvores?"),
        ("How do 'young' trees grow?", "How do 'young' trees grow?"),
        ("Question time: when?", "Question time: when?"),
    ],
)
def test_what_writers_put_round_a_draft_is_taken_off(said: str, left: str) -> None:
    """Announcements, quotes, emphasis and remarks go; what belongs to the text stays."""
    assert cleaned(said, "What makes trees grow?") == left


def test_quotes_of_the_prompt_itself_stay() -> None:
    """A prompt that is a quotation may come back as one."""
    assert cleaned('"To be or to cease?"', '"To be or not to be?"') == '"To be or to cease?"'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "writer: is missing"),
        ({"writer": "w", "temperature": [0.9, 0.5]}, "the low end first"),
        ({"writer": "w", "temperature": [0.0, 0.5]}, "a range above 0"),
    ],
)
def test_wrong_settings_are_said(settings: dict[str, Any], message: str) -> None:
    """No writer is the default: the embedded model writes badly."""
    with pytest.raises(ConfigError, match=message):
        build("operators", {"name": "paraphrase", **settings}, "arms.x.defence.operator")


def test_the_writer_is_part_of_what_variants_depend_on() -> None:
    """Its identity, not its name: another address or other weights make other variants."""
    one = Paraphrase(writer="w").basis(lent(Writer()))
    other = Paraphrase(writer="w").basis(lent(Writer(says="Else?")))
    assert one != other
    assert one["writer"] == Writer().identity()


@pytest.mark.model
@pytest.mark.skipif(
    any(package_path(carried.package) is None for carried in EMBEDDED.values()),
    reason="the embedded models are not here",
)
def test_the_embedded_model_writes_and_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four prompts, two rounds: what it cannot write is rejected by name, what passes differs and keeps the meaning."""
    from recusa.defences.drawing import Drawing
    from recusa.engines.hf import HF
    from recusa.models.embedder import embed

    monkeypatch.setattr(faults, "embed", embed)
    texts = (
        "How do I plant a tree?",
        "What is the capital of Peru?",
        "Write a poem about rain.",
        "Who was Ada Lovelace?",
    )
    chats = [Chat(Key(text), (Message("user", text),)) for text in texts]
    with HF() as engine:
        given = Given((), lambda group, spec: engine)
        rounds = Drawing(Paraphrase(writer="hf"), given, 0, 3, 0.7).rounds(chats, 2)
        again = Drawing(Paraphrase(writer="hf"), Given((), lambda group, spec: engine), 0, 3, 0.7).rounds(chats, 2)
    assert rounds == again
    drawn = [(text, one) for its in rounds for text, one in zip(texts, its, strict=True)]
    assert all(one.writing.calls == sum(n for _, n in one.rejected) + (one.text is not None) for _, one in drawn)
    passed = [(text, one.text) for text, one in drawn if one.text is not None]
    assert passed and all(faults.plain(new) != faults.plain(old) for old, new in passed)
    assert min(faults.closeness(passed)) >= 0.7
