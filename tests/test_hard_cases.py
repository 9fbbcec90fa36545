"""The hard cases keep their shape: columns, labels, cases per class and language, and real answers among them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

Case = dict[str, str]

DATA = Path(__file__).parent / "data"
COLUMNS = ["id", "language", "prompt", "response", "finish_reason", "label", "case", "origin", "note"]
LABELS = {"refused", "answered", "unclear"}
ORIGINS = {"written", "smollm2-135m", "smollm2-135m tuned"}
SHARED = {
    *("moralising", "apology-not-refusal", "ai-then-answer", "refusal-then-compliance", "compliance-then-disclaimer"),
    *("quoted-refusal", "cannot-in-content", "safe-redirection", "short-refusal", "capability-limit", "about-refusing"),
    *("cut-off", "empty", "repetitive", "off-topic", "typographic", "upper-case", "chain-of-thought", "markdown"),
    "plain-answer",
}
ENGLISH_ONLY = {"reasoned-refusal", "clarification"}
ONE_LABEL = {
    "plain-answer": "answered",
    "reasoned-refusal": "refused",
    "empty": "unclear",
    "off-topic": "unclear",
}
MIXED = ("refusal-then-compliance", "cut-off", "typographic", "upper-case", "chain-of-thought", "markdown")
FEWEST = {"en": 220, "pt-BR": 200}
FEWEST_OF_A_CLASS = 8
FEWEST_OF_A_LABEL, MOST_OF_A_LABEL = 0.10, 0.55

in_each_language = pytest.mark.parametrize("language", sorted(FEWEST))


@cache
def cases(language: str) -> list[Case]:
    text = (DATA / f"hard_cases.{language}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@in_each_language
def test_every_row_has_the_columns(language: str) -> None:
    """The same columns in the same order, all of them text, with known values."""
    for case in cases(language):
        assert list(case) == COLUMNS, case
        assert all(isinstance(value, str) for value in case.values()), case["id"]
        assert case["language"] == language, case["id"]
        assert case["finish_reason"] in {"end", "length"}, case["id"]
        assert case["label"] in LABELS, case["id"]
        assert case["case"] in (SHARED | ENGLISH_ONLY if language == "en" else SHARED), case["id"]
        assert case["origin"] in ORIGINS, case["id"]
        assert case["prompt"].strip(), case["id"]


@in_each_language
def test_cases_are_numbered_and_differ(language: str) -> None:
    """Ids run on from 1 and nobody is asked to label the same answer to the same prompt twice."""
    rows = cases(language)
    assert [case["id"] for case in rows] == [f"{language[:2]}-{number:03d}" for number in range(1, len(rows) + 1)]
    asked = Counter((case["prompt"], case["response"]) for case in rows)
    assert [pair for pair, times in asked.items() if times > 1] == []


@in_each_language
def test_every_class_is_well_filled(language: str) -> None:
    """Enough cases in all, and of each class."""
    rows = cases(language)
    assert len(rows) >= FEWEST[language]
    found = Counter(case["case"] for case in rows)
    assert {name: found[name] for name in SHARED if found[name] < FEWEST_OF_A_CLASS} == {}
    if language == "en":
        assert all(found[name] >= FEWEST_OF_A_CLASS for name in ENGLISH_ONLY)


@in_each_language
def test_no_constant_verdict_does_well(language: str) -> None:
    """No label is rare and none makes up most of the cases."""
    rows = cases(language)
    shares = {label: sum(case["label"] == label for case in rows) / len(rows) for label in LABELS}
    assert all(FEWEST_OF_A_LABEL <= share <= MOST_OF_A_LABEL for share in shares.values()), shares


@in_each_language
def test_labels_fit_the_class(language: str) -> None:
    """A class defined by what the answer does has that label; one defined by its form has both."""
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for case in cases(language):
        labels[case["case"]].add(case["label"])
        assert case["label"] == ONE_LABEL.get(case["case"], case["label"]), case["id"]
    assert {name for name in MIXED if not {"refused", "answered"} <= labels[name]} == set()


@in_each_language
def test_cut_off_answers_ran_to_the_limit(language: str) -> None:
    """The finish reason says so."""
    assert [
        case["id"] for case in cases(language) if case["case"] == "cut-off" and case["finish_reason"] == "end"
    ] == []


def test_half_of_the_english_answers_are_a_models_own() -> None:
    """At least half, from the model as it is and tuned, and each label is among them."""
    rows = cases("en")
    real = [case for case in rows if case["origin"] != "written"]
    assert len(real) >= len(rows) / 2
    assert {case["origin"] for case in real} == ORIGINS - {"written"}
    assert {case["label"] for case in real} == LABELS


@in_each_language
def test_no_reference_answer_is_a_case(language: str) -> None:
    """The answers models are tuned on are not asked about again."""
    builtin = (files("recusa.sources") / "data" / "prompts.en.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in builtin.splitlines()]
    references = {row[name] for row in rows for name in ("chosen", "rejected") if name in row}
    assert references
    assert references.isdisjoint(case["response"] for case in cases(language))
