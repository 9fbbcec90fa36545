"""Which harmless prompts `balanced` trains on."""

from __future__ import annotations

from collections import Counter

import pytest

from recusa.training.balanced import Balanced
from recusa.types import Prompt


def training(harmful: int, borderline: int, benign: int) -> list[Prompt]:
    many = {"harmful": harmful, "borderline": borderline, "benign": benign}
    return [
        Prompt(f"{kind} {at}", kind, chosen="I can't.", response="Here it is.")  # type: ignore[arg-type]
        for kind, count in many.items()
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("borderline", "benign", "kept"),
    [(100, 100, (20, 10)), (100, 4, (26, 4)), (5, 100, (5, 25)), (3, 2, (3, 2)), (100, 0, (30, 0))],
    ids=["a third is benign", "few benign", "few borderline", "few of both", "no benign"],
)
def test_a_third_of_the_harmless_rows_is_benign_where_there_are_as_many(
    borderline: int, benign: int, kept: tuple[int, int]
) -> None:
    """20 refusals and a ratio of 1.5 leave room for 30; what one kind lacks the other fills."""
    rows = Balanced(recover=0).examples(training(20, borderline, benign), lambda prompts, tokens: [])
    found = Counter(row.kind for row in rows)
    assert (found["borderline"], found["benign"]) == kept and found["harmful"] == 20


def test_which_are_drawn_depends_on_the_seed_and_not_on_the_order() -> None:
    """Without a ratio all of them are trained on."""
    prompts = training(4, 30, 30)

    def drawn(recipe: Balanced, asked: list[Prompt]) -> set[str]:
        rows = recipe.examples(asked, lambda prompts, tokens: [])
        return {row.chat.prompt.text for row in rows if row.kind != "harmful" and row.chat.prompt is not None}

    assert drawn(Balanced(), prompts) == drawn(Balanced(), prompts[::-1])
    assert drawn(Balanced(), prompts) != drawn(Balanced(seed=1), prompts)
    assert len(drawn(Balanced(ratio=None), prompts)) == 60
