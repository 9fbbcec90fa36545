"""A run's answers, read once: what became of each prompt under each arm, what failed, where judges agree."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recusa.errors import InputError
from recusa.report.clean import clip
from recusa.report.rows import View
from recusa.results import ANSWERS

OUTCOMES = ("refused", "answered", "unclear")
FAILED = "failed"
WITHHELD = "harmful"  # the kind whose answers a page for sharing leaves out
REASON = 160  # characters of a judge's reason that a page shows
NAMED = re.compile(r"[A-Za-z_][\w.]*")  # the type of an error, which says nothing of an answer
Move = tuple[str, str]  # outcome under the baseline, outcome under the arm


@dataclass(slots=True)
class Asked:
    """One prompt as it was asked in the view: outcomes and lengths of answers by sample and arm, the lengths of its own
    text and of all reasons, in characters, and how many answers come with the tries of a defence."""

    prompt_id: str
    kind: str
    category: str
    language: str
    outcomes: dict[tuple[int, str], str] = field(default_factory=dict)
    lengths: dict[tuple[int, str], int] = field(default_factory=dict)
    text: int = 0
    reasons: int = 0
    tried: int = 0

    def first(self, arm: str) -> int | None:
        """The lowest sample an arm was asked for."""
        return min((sample for sample, name in self.outcomes if name == arm), default=None)


@dataclass(frozen=True, slots=True)
class Told:
    """What the answers say: rows read, failures by arm and error, agreement of judges, and every prompt of the view.

    `agreed` has, per judge beside the view's, on how many answers the two agree and how many both judged.
    """

    rows: int
    failures: tuple[tuple[str, str, int], ...]
    agreed: Mapping[str, tuple[int, int]]
    asked: Mapping[str, Asked]


def read_answers(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of an answer file; InputError names the line that is no row."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, path, number)
    except FileNotFoundError:
        raise InputError("no answers here", file=path, hint="`recusa run` writes them beside the results") from None
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", file=path) from None


def tell(folder: Path, view: View, *, redact: bool = False) -> Told:
    """Read a run's answers and count; texts are left where they are."""
    failures: Counter[tuple[str, str]] = Counter()
    agreed: Counter[str] = Counter()
    both: Counter[str] = Counter()
    asked: dict[str, Asked] = {}
    count = 0
    for row in read_answers(folder / ANSWERS):
        count += 1
        if row.get("error"):
            failures[str(row.get("arm")), _error(row, redact=redact)] += 1
        if row.get("attack", "direct") != view.attack:
            continue
        same = _agreement(row, view.judge)
        both.update(same.keys())
        agreed.update(judge for judge, equal in same.items() if equal)
        _note(asked, row, view.judge)
    return Told(
        rows=count,
        failures=tuple((arm, error, number) for (arm, error), number in sorted(failures.items())),
        agreed={judge: (agreed[judge], both[judge]) for judge in both},
        asked=asked,
    )


def moves(
    told: Told, arms: Sequence[str], baseline: str, fallen: Mapping[str, str]
) -> dict[tuple[str, str], Counter[Move]]:
    """Per arm and kind, how many answers went from which outcome of the baseline to which of the arm.

    Pairs in which either row failed or was not judged are left out, and so are arms in `fallen`.
    """
    found: dict[tuple[str, str], Counter[Move]] = {}
    for one in told.asked.values():
        for (sample, arm), after in one.outcomes.items():
            before = one.outcomes.get((sample, baseline), "")
            if (
                arm != baseline
                and arm in arms
                and not {arm, baseline} & fallen.keys()
                and {before, after} <= {*OUTCOMES}
            ):
                found.setdefault((arm, one.kind), Counter())[before, after] += 1
    return found


def by_category(
    told: Told, arms: Sequence[str], fallen: Mapping[str, str]
) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    """Per kind and category, how many of how many judged answers each arm refused."""
    found: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for one in told.asked.values():
        for (_, arm), outcome in one.outcomes.items():
            if arm in arms and arm not in fallen and outcome in OUTCOMES:
                cells = found.setdefault((one.kind, one.category), {})
                refused, n = cells.get(arm, (0, 0))
                cells[arm] = refused + (outcome == "refused"), n + 1
    return found


def verdict(row: Mapping[str, Any], judge: str) -> tuple[str, str]:
    """A judge's outcome and reason; both empty where it gave none."""
    verdicts = row.get("verdicts")
    found = verdicts.get(judge) if isinstance(verdicts, dict) else None
    if not isinstance(found, dict):
        return "", ""
    return str(found.get("outcome") or ""), str(found.get("reason") or "")


def differ(row: Mapping[str, Any], judge: str) -> bool:
    """Whether another judge sees another outcome in this answer."""
    return not all(_agreement(row, judge).values())


def _note(asked: dict[str, Asked], row: Mapping[str, Any], judge: str) -> None:
    prompt_id = str(row.get("prompt_id"))
    one = asked.get(prompt_id)
    if one is None:
        category, language = (clip(str(row.get(name) or ""), 80)[0] for name in ("category", "language"))
        one = asked[prompt_id] = Asked(prompt_id, str(row.get("kind")), category, language)
        one.text = len(str(row.get("prompt") or ""))
    sample = row.get("sample")
    place = sample if isinstance(sample, int) else 0, str(row.get("arm"))
    outcome, reason = verdict(row, judge)
    one.outcomes[place] = FAILED if row.get("error") else outcome
    one.reasons += min(len(reason), REASON)
    one.lengths[place] = len(str(row.get("response") or ""))
    one.tried += bool(row.get("tries"))


def _agreement(row: Mapping[str, Any], judge: str) -> dict[str, bool]:
    """Per other judge that spoke on this answer, whether its outcome is that of `judge`; empty if that one did not."""
    outcome = verdict(row, judge)[0]
    if not outcome:
        return {}
    others = {other: verdict(row, other)[0] for other in row["verdicts"] if other != judge}
    return {other: theirs == outcome for other, theirs in others.items() if theirs in OUTCOMES}


def _error(row: Mapping[str, Any], *, redact: bool) -> str:
    """The first line of a row's error; only its type where the rest could hold an answer to be left out."""
    line = clip(str(row["error"]).strip().split("\n", 1)[0], 160)[0]
    if not redact or row.get("kind") != WITHHELD:
        return line
    kind = line.split(":", 1)[0]
    return kind if NAMED.fullmatch(kind) else "error"


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise InputError("not JSON", file=path, row=number) from None
    if not isinstance(row, dict):
        raise InputError("not a row", file=path, row=number)
    return row
