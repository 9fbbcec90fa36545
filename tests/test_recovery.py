"""`recovery` and `reroute`: which rows they make of which prompts. No model is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from recusa.errors import TrainingError
from recusa.protocols import Example
from recusa.training.balanced import Balanced, brief, led
from recusa.training.lora import SIZES, chat_of
from recusa.training.openings import OPENINGS, compliant_answers, with_openings, with_turns
from recusa.training.recovery import Recovery
from recusa.training.refusal import Refusal
from recusa.training.reroute import Reroute
from recusa.types import Prompt

HARMFUL = [Prompt(f"Bake loaf {n}!", "harmful", chosen=f"No loaf {n}.") for n in range(400)]
BENIGN = [Prompt(f"Bake cake {n}?", "benign", response=f"Cake {n}.") for n in range(5)]


def ask(prompts: Sequence[Prompt], tokens: int) -> list[Example]:
    """A model that complies with every other prompt, in as many words as it may use."""
    return [Example(chat_of(p), "flour " * tokens, p.kind, complete=False) for p in prompts if int(p.id, 16) % 2]


def refusing(prompts: Sequence[Prompt], tokens: int) -> list[Example]:
    """A model that complies with nothing."""
    return []


def rows(prompts: Sequence[Prompt] = HARMFUL) -> list[Example]:
    return [Example(chat_of(prompt), prompt.chosen or "", prompt.kind) for prompt in prompts]


def test_openings_are_put_before_a_share_of_the_refusals_and_nothing_else() -> None:
    """Order, answers and other kinds stay; lengths are spread over 1 to the longest."""
    mixed = [*rows(), *(replace(row, kind="benign") for row in rows()), *(replace(r, role="keep") for r in rows())]
    made = with_openings(mixed, {}, 0.5, 20, 0)
    assert [(r.chat.key, r.answer, r.kind, r.role) for r in made] == [
        (r.chat.key, r.answer, r.kind, r.role) for r in mixed
    ]
    assert made[400:] == mixed[400:]
    given = [row.chat.prefill_tokens for row in made[:400] if row.chat.prefill]
    assert 160 <= len(given) <= 240
    assert set(given) == set(range(1, 21))


def test_an_opening_depends_on_seed_and_prompt_alone() -> None:
    """Another order, other rows beside it: the same opening; another seed: others; a second time: no second one."""
    made = with_openings(rows(), {}, 0.5, 20, 0)
    assert with_openings(rows()[::-1], {}, 0.5, 20, 0) == made[::-1]
    assert with_openings(rows()[:7], {}, 0.5, 20, 0) == made[:7]
    assert with_openings(rows(), {}, 0.5, 20, 1) != made
    assert all(a == b for a, b in zip(made, with_openings(made, {}, 1.0, 20, 5), strict=True) if a.chat.prefill)


def test_none_and_all() -> None:
    """The ends of the share."""
    assert with_openings(rows(), {}, 0.0, 20, 0) == rows()
    assert all(row.chat.prefill for row in with_openings(rows(), {}, 1.0, 20, 0))


def test_compliance_is_the_models_own_then_the_rows_then_general() -> None:
    """Half of the time behind a general opening."""
    own = {row.chat.key.prompt_id: "Own words." for row in rows()[:100]}
    prompts = [*HARMFUL[:100], *(replace(p, rejected="Given words.") for p in HARMFUL[100:200]), *HARMFUL[200:]]
    said = [row.chat.prefill for row in with_openings(rows(prompts), own, 1.0, 20, 0)]
    for part, words in ((said[:100], "Own words."), (said[100:200], "Given words.")):
        assert all(text.endswith(words) for text in part)
        assert 30 <= part.count(words) <= 70
    assert not any("words." in text for text in said[200:])


def test_openings_speak_the_prompts_language_and_name_the_request() -> None:
    """Brazilian prompts get Brazilian openings."""
    spoken = {
        language: {
            row.chat.prefill
            for row in with_openings(rows([replace(p, language=language) for p in HARMFUL]), {}, 1.0, 9, 0)
        }
        for language in OPENINGS
    }
    assert not spoken["en"] & spoken["pt-BR"]
    for language, texts in spoken.items():
        bare = [opening for opening in OPENINGS[language] if "{request}" not in opening]
        assert set(bare) <= texts
        assert any("Bake loaf" in text for text in texts)
        assert not any("{request}" in text for text in texts)


def test_recovery_is_balanced_with_openings() -> None:
    """Settings reach the rows; the model is asked for as many tokens as may be given."""
    recipe = Recovery(recover=1.0, recover_tokens=3)
    made = recipe.examples([*HARMFUL, *BENIGN], ask)
    assert [row.kind for row in made] == ["harmful"] * 400 + ["benign"] * 5
    assert {row.chat.prefill_tokens for row in made[:400]} == {1, 2, 3}
    own = [row for row in made[:400] if int(row.chat.key.prompt_id, 16) % 2]
    assert own
    assert all(row.chat.prefill.endswith("flour flour flour ") for row in own)
    without = Recovery(recover=0).examples([*HARMFUL, *BENIGN], ask)
    assert without[400:] == [replace(row, turn=None) for row in made[400:]]
    assert {row.weight for row in made[:400]} == {recipe.refusal_weight * recipe.recover_weight}
    assert without[:400] == [replace(led(row), weight=recipe.refusal_weight) for row in rows()]
    assert compliant_answers(BENIGN, ask, 3) == {}


def test_balanced_recovers_from_openings_and_never_asks_for_compliance() -> None:
    """No word put into the model's mouth is its own, nor the row's; the model is asked harmless prompts only."""
    asked: list[str] = []

    def listening(prompts: Sequence[Prompt], tokens: int) -> list[Example]:
        asked.extend(prompt.kind for prompt in prompts)
        return ask(prompts, tokens)

    given = [replace(prompt, rejected="Take flour and water.") for prompt in HARMFUL]
    made = Balanced(recover=1.0).examples([*given, Prompt("Bake a cake?", "benign")], listening)
    said = [row.chat.prefill for row in made if row.kind == "harmful"]
    assert asked == ["benign"]
    assert len(said) == len(HARMFUL)
    assert all(said)
    assert not any("flour" in words for words in said)


@pytest.mark.parametrize(
    ("sentences", "kept"), [(1, "No, not this."), (2, "No, not this. It harms!"), (9, None), (None, None)]
)
def test_refusals_are_as_brief_as_asked(sentences: int | None, kept: str | None) -> None:
    """Whole sentences are kept, and the end with them."""
    whole = Example(chat_of(HARMFUL[0]), "No, not this. It harms! Ask me for bread instead.", "harmful")
    made = brief(whole, sentences)
    assert made.answer == (kept or whole.answer)
    assert made.complete


def test_harmless_rows_turn_at_a_place_of_their_own() -> None:
    """Any of the first tokens but the very first, by the prompt alone: the order of rows changes nothing."""
    made = with_turns(rows(), 4, 0)
    assert {row.turn for row in made} == {1, 2, 3, 4}
    assert [replace(row, turn=None) for row in made] == rows()
    assert with_turns(rows()[::-1], 4, 0) == made[::-1]
    assert with_turns(rows(), 4, 1) != made


def test_reroute_avoids_compliance_learns_refusals_and_keeps_the_rest() -> None:
    """`refuse = 0` holds the refusals instead; a row's own `rejected` stands in where the model refuses."""
    training = [*HARMFUL[:20], replace(HARMFUL[20], rejected="Given."), *BENIGN]
    made = Reroute().examples(training, ask)
    held = Reroute(refuse=0).examples(training, ask)
    assert [row.role for row in made[:26]] == ["learn"] * 21 + ["keep"] * 5
    assert [row.role for row in held[:26]] == ["keep"] * 26
    assert {row.role for row in made[26:]} == {"avoid"}
    avoided = {row.chat.key.prompt_id for row in made[26:]}
    assert avoided == {p.id for p in training if p.kind == "harmful" and int(p.id, 16) % 2} | {HARMFUL[20].id}
    (given,) = [row for row in Reroute().examples(training, refusing) if row.role == "avoid"]
    assert given.answer == "Given."


def test_with_nothing_to_reroute_the_training_is_refused(tmp_path: Path) -> None:
    """A model that complies with nothing needs no rerouting; said before anything is loaded."""
    recipe = Reroute()
    with pytest.raises(TrainingError, match="nothing to reroute") as caught:
        recipe.train(recipe.examples([*HARMFUL, *BENIGN], refusing), tmp_path, listener=None, stage="")  # type: ignore[arg-type]
    assert "rejected" in caught.value.hint


def test_settings_follow_the_size_of_the_model_unless_given() -> None:
    """The table's row of 135 million, 7 billion and 70 billion parameters."""
    recipe = Refusal()
    assert [recipe.size(parameters) for parameters in (135e6, 7e9, 70e9)] == list(SIZES)
    own = Refusal(r=3, learning_rate=1.0).size(7e9)
    assert (own.r, own.alpha, own.learning_rate) == (3, SIZES[1].alpha, 1.0)
    rerouting = Reroute().size(7e9)
    assert (rerouting.r, rerouting.alpha, rerouting.learning_rate) == (16, 16, 1e-4)


def test_a_changed_table_is_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter trained with the numbers of an older table is not taken for one of today's."""
    before = Refusal().fingerprint()
    monkeypatch.setattr(Refusal, "sizes", SIZES[1:])
    assert Refusal().fingerprint() != before


@pytest.mark.parametrize(
    ("layers", "depth", "adapted"),
    [((0.5, 1.0), 30, range(15, 30)), ((0.0, 21 / 32), 32, range(21)), ((0.99, 1.0), 2, [1]), ((0.0, 0.1), 2, [0])],
)
def test_parts_of_the_depth_are_layers(layers: tuple[float, float], depth: int, adapted: Sequence[int]) -> None:
    """At least one layer, whatever the depth."""
    assert Refusal(layers=layers).adapted(depth) == list(adapted)


@pytest.mark.parametrize("layers", [(0.5, 0.5), (0.7, 0.2), (-0.1, 1.0), (0.0, 1.5)])
def test_parts_of_the_depth_that_hold_nothing_are_refused(layers: tuple[float, float]) -> None:
    """Shares in order, within the model."""
    with pytest.raises(ValueError, match="two shares of the depth"):
        Refusal(layers=layers)
