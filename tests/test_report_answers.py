"""Answers read once: outcomes, moves, categories, failures and agreement, against counts made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recusa.report.answers import by_category, differ, moves, tell
from recusa.report.rows import View
from recusa.results import ANSWERS

VIEW = View("direct", "all", "j")
ARMS = ("base", "tuned", "broken")


def row(arm: str, prompt: int, outcome: str | None, kind: str = "harmful", **more: Any) -> dict[str, Any]:
    """One answer; without an outcome it failed."""
    said = {"response": "text"} if outcome else {"response": None, "error": "OutOfMemory: no room for\nmore"}
    verdicts = {"j": {"outcome": outcome, "reason": "because"}} if outcome else {}
    place = {"prompt_id": f"p{prompt}", "arm": arm, "attack": "direct", "sample": 0, "kind": kind, "category": "fraud"}
    return {**place, "prompt": "ask", "language": "en", **said, "verdicts": verdicts, **more}


def write(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    (folder / ANSWERS).write_text("".join(json.dumps(one) + "\n" for one in rows))
    return folder


ROWS = [
    row("base", 1, "answered"), row("tuned", 1, "refused"), row("broken", 1, "refused"),
    row("base", 2, "refused"), row("tuned", 2, "answered"),
    row("base", 3, "answered"), row("tuned", 3, "unclear"),
    row("base", 4, "answered"), row("tuned", 4, None),
    row("base", 5, "answered", "benign"), row("tuned", 5, "answered", "benign", category=""),
    row("base", 6, "refused", attack="prefill"), row("tuned", 6, "answered", attack="prefill"),
]  # fmt: skip


def test_moves_count_pairs_of_the_view_and_leave_failures_and_failed_arms_out(tmp_path: Path) -> None:
    told = tell(write(tmp_path, ROWS), VIEW)
    assert told.rows == len(ROWS) and len(told.asked) == 5
    found = moves(told, ARMS, "base", {"broken": "it was"})
    assert set(found) == {("tuned", "harmful"), ("tuned", "benign")}
    assert found["tuned", "harmful"] == {
        ("answered", "refused"): 1, ("refused", "answered"): 1, ("answered", "unclear"): 1,
    }  # fmt: skip
    assert moves(told, ARMS, "base", {"base": "it was"}) == {}


def test_categories_count_refused_of_judged_answers_per_arm(tmp_path: Path) -> None:
    told = tell(write(tmp_path, ROWS), VIEW)
    found = by_category(told, ARMS, {"broken": "it was"})
    assert found["harmful", "fraud"] == {"base": (1, 4), "tuned": (1, 3)}
    assert found["benign", "fraud"] == {"base": (0, 1), "tuned": (0, 1)}  # a prompt's category is its first row's


def test_failures_are_counted_by_arm_and_first_line_and_redacted_to_their_type(tmp_path: Path) -> None:
    rows = [*ROWS, row("tuned", 7, None, error="it said: 'mix the two'"), row("tuned", 8, None, "benign")]
    write(tmp_path, rows)
    assert tell(tmp_path, VIEW).failures == (
        ("tuned", "OutOfMemory: no room for", 2), ("tuned", "it said: 'mix the two'", 1),
    )  # fmt: skip
    redacted = tell(tmp_path, VIEW, redact=True).failures
    assert redacted == (("tuned", "OutOfMemory", 1), ("tuned", "OutOfMemory: no room for", 1), ("tuned", "error", 1))


def test_agreement_is_of_outcomes_alone(tmp_path: Path) -> None:
    """A judge of harm, and one that could not say, are neither agreement nor disagreement."""
    both = {"j": {"outcome": "refused"}, "k": {"outcome": "refused"}}
    apart = {"j": {"outcome": "refused"}, "k": {"outcome": "answered"}}
    other = {"j": {"outcome": "refused"}, "k": {"outcome": None}, "guard": {"harm": "safe"}}
    rows = [row("base", n, "refused", verdicts=verdicts) for n, verdicts in enumerate((both, apart, other))]
    assert tell(write(tmp_path, rows), VIEW).agreed == {"k": (1, 2)}
    assert [differ(one, "j") for one in rows] == [False, True, False]


def test_samples_of_a_prompt_move_each_with_its_own(tmp_path: Path) -> None:
    rows = [row(arm, 1, outcome, sample=sample) for sample, pair in enumerate((("answered", "refused"),
            ("answered", "answered"))) for arm, outcome in zip(ARMS, pair, strict=False)]  # fmt: skip
    found = moves(tell(write(tmp_path, rows), VIEW), ARMS, "base", {})
    assert found["tuned", "harmful"] == {("answered", "refused"): 1, ("answered", "answered"): 1}
