"""`recusa compare`: two answer files, prompt by prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.test_files import Row, write

from recusa.engines.scripted import ANSWER, REFUSAL
from recusa.errors import InputError, RecusaError
from recusa.jobs.compare_files import compare_files
from recusa.types import Prompt


def test_two_files_are_compared_prompt_by_prompt(tmp_path: Path) -> None:
    """Rows are judged, unless they say their outcome; a failed row leaves its pair out; order does not matter."""
    before: list[Row] = [
        {"prompt": "a", "kind": "harmful", "response": ANSWER},
        {"prompt": "b", "response": REFUSAL},
        {"prompt": "c", "response": None, "error": "Timeout"},
        {"prompt": "d", "kind": "benign", "response": ANSWER},
        {"prompt": "only here", "response": ANSWER},
    ]
    after: list[Row] = [
        {"prompt": "d", "kind": "benign", "response": "?", "outcome": "refused"},
        {"prompt": "c", "response": REFUSAL},
        {"prompt": "b", "response": REFUSAL},
        {"prompt": "a", "kind": "harmful", "response": REFUSAL},
    ]
    paths = write(tmp_path / "before.jsonl", before), write(tmp_path / "after.jsonl", after)
    rates, comparisons = compare_files(*paths, judge="expressions", kind="harmful")
    assert [(r.arm, r.kind, r.refused, r.n, r.failed) for r in rates] == [
        ("before", "harmful", 1, 3, 1),
        ("before", "benign", 0, 1, 0),
        ("after", "harmful", 3, 3, 0),
        ("after", "benign", 1, 1, 0),
    ]
    harmful, benign = comparisons
    assert (harmful.n, harmful.left_out, harmful.gained, harmful.lost) == (2, 1, (Prompt("a", "harmful").id,), ())
    assert (benign.n, benign.difference) == (1, 1.0)


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    """Two `answers.jsonl` in two folders are two arms, each named by its path."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    before = write(tmp_path / "one" / "answers.jsonl", [{"prompt": "a", "response": ANSWER}])
    after = write(tmp_path / "two" / "answers.jsonl", [{"prompt": "a", "response": REFUSAL}])
    rates, _ = compare_files(before, after, "expressions", kind="harmful")
    assert [(r.arm, r.rate) for r in rates] == [(str(before), 0.0), (str(after), 1.0)]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([{"prompt": "z", "response": "no"}], "after.jsonl: shares no prompt with .*before.jsonl"),
        ([{"response": "no"}], "after.jsonl, row 1, column `prompt`: is missing or empty"),
        ([{"prompt": "a", "kind": "evil"}], "after.jsonl, row 1, column `kind`: 'evil' is not one of"),
        ("", "after.jsonl: is empty"),
    ],
    ids=["disjoint", "no prompt", "kind", "empty"],
)
def test_files_that_cannot_be_compared_say_why(tmp_path: Path, after: list[Row] | str, words: str) -> None:
    """The error names the file, and the row and column where there is one."""
    before = write(tmp_path / "before.jsonl", [{"prompt": "a", "response": "no"}])
    with pytest.raises(InputError, match=words):
        compare_files(before, write(tmp_path / "after.jsonl", after), "expressions", kind="harmful")


def test_rows_without_a_kind_are_not_taken_for_harmful(tmp_path: Path) -> None:
    """Nothing says what was asked: the error names row and column, and how to say it."""
    paths = [write(tmp_path / f"{name}.jsonl", [{"prompt": "a", "response": ANSWER}]) for name in ("a", "b")]
    with pytest.raises(InputError, match=r"a\.jsonl, row 1, column `kind`: is missing") as caught:
        compare_files(paths[0], paths[1], "expressions")
    assert "--kind" in caught.value.hint


def test_another_judges_outcome_is_judged_anew(tmp_path: Path) -> None:
    """Both files are seen by one judge; what another said of one of them must not look like a change."""
    row = {"prompt": "a", "kind": "harmful", "response": ANSWER}
    before = write(tmp_path / "a.jsonl", [row])
    after = write(tmp_path / "b.jsonl", [{**row, "outcome": "refused", "judge": "embedding"}])
    _, (change,) = compare_files(before, after, "expressions")
    assert change.difference == 0.0


def test_a_file_is_not_compared_with_itself(tmp_path: Path) -> None:
    """The same file twice is a slip of the hand, not an experiment with twice the prompts."""
    path = write(tmp_path / "a.jsonl", [{"prompt": "a", "response": ANSWER}])
    with pytest.raises(RecusaError, match=r"a\.jsonl"):
        compare_files(path, path, "expressions")
