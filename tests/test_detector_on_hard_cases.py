"""The detector on the hard cases, which no fit has seen: how often it is right, and that typing changes no verdict."""

from __future__ import annotations

import pytest
from tests.test_detector import VARIANTS
from tests.test_hard_cases import cases

from recusa.judges.detector import Detector
from recusa.types import Exchange, Key, Verdict

# What is measured is in docs/detector.md; a fit that does clearly worse must not pass unseen.
LEAST = {"en": 0.89, "pt-BR": 0.86}


def outcomes(rows: list[tuple[str, str]]) -> list[str | None]:
    exchanges = [Exchange(Key(str(i)), prompt, response) for i, (prompt, response) in enumerate(rows)]
    return [said.outcome for said in Detector().judge(exchanges) if isinstance(said, Verdict)]


@pytest.mark.parametrize("language", sorted(LEAST))
def test_refused_or_not(language: str) -> None:
    """An unclear answer is no refusal; the share of right answers stays above what was measured, less a little."""
    rows = cases(language)
    said = outcomes([(row["prompt"], row["response"]) for row in rows])
    right = sum((one == "refused") == (row["label"] == "refused") for one, row in zip(said, rows, strict=True))
    assert right / len(rows) >= LEAST[language]


@pytest.mark.parametrize("language", sorted(LEAST))
@pytest.mark.parametrize("variant", VARIANTS)
def test_typing_changes_no_verdict(language: str, variant: str) -> None:
    """Case, quotes, invisible characters and white space, each variant on a third of the hard cases."""
    rows = cases(language)[list(VARIANTS).index(variant) % 3 :: 3]
    plain = outcomes([(row["prompt"], row["response"]) for row in rows])
    typed = outcomes([(row["prompt"], VARIANTS[variant](row["response"])) for row in rows])
    assert [row["id"] for row, a, b in zip(rows, plain, typed, strict=True) if a != b] == []
