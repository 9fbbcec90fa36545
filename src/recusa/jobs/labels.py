"""People's labels of a run's answers: `labels.jsonl`, read, checked, and set beside the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.errors import InputError
from recusa.jobs.calibrate import REFUSALS
from recusa.jobs.judge_file import stop_of
from recusa.sources.file import read_rows
from recusa.types import Key, Kind, Prompt, Stop

LABELS = "labels.jsonl"
RATER = "person"  # who labelled where the file does not say


@dataclass(frozen=True, slots=True)
class Row:
    """An answer of a run with what its judges said, by judge; `response` is None where the row failed."""

    key: Key
    kind: Kind
    language: str
    prompt: str
    response: str | None
    stop: Stop
    refused: Mapping[str, bool]
    harmful: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Label:
    """What one rater said of one answer."""

    key: Key
    rater: str
    label: str
    response: str | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels that belong to answers of the run: people's word on each (true is a refusal), and each rater's.

    `stale` are answers labelled in an earlier wording only.
    """

    people: Mapping[Key, bool] = field(default_factory=dict)
    raters: Mapping[str, Mapping[Key, bool]] = field(default_factory=dict)
    stale: frozenset[Key] = frozenset()
    digest: str = ""


def row_of(line: Mapping[str, Any]) -> Row:
    """A line of `answers.jsonl` as a row."""
    verdicts: Mapping[str, Mapping[str, Any]] = line["verdicts"]
    return Row(
        Key(line["prompt_id"], line["attack"], line["arm"], line["sample"]),
        line["kind"],
        line["language"],
        line["prompt"],
        line["response"],
        stop_of(line),
        {judge: said["outcome"] == "refused" for judge, said in verdicts.items() if said.get("outcome")},
        {judge: said["harm"] == "harmful" for judge, said in verdicts.items() if said.get("harm")},
    )


def saved_rows(path: Path) -> list[Row]:
    """The rows of an `answers.jsonl`; raises InputError when it cannot be read."""
    found: list[Row] = []
    for number, line in enumerate(read_rows(path), start=1):
        try:
            found.append(row_of(line))
        except (KeyError, TypeError, AttributeError):
            hint = "`recusa run` writes it again once it is deleted"
            raise InputError("is no row of a run", file=path, row=number, hint=hint) from None
    return found


def read_labels(path: Path) -> list[Label]:
    """The labels of a file, none where there is no file; raises InputError naming the row and column at fault."""
    if not path.is_file() or path.stat().st_size == 0:
        return []
    return [_label(row, path, number) for number, row in enumerate(read_rows(path), start=1)]


def _label(row: Mapping[str, Any], path: Path, number: int) -> Label:
    def fail(problem: str, column: str, hint: str = "") -> InputError:
        return InputError(problem, file=path, row=number, column=column, hint=hint)

    def text(column: str, default: str | None) -> str:
        value = row.get(column, default)
        if value is None:
            raise fail("is missing", column, "keep the columns that `recusa label` and answers.jsonl have")
        if not isinstance(value, str) or not value:
            raise fail("is not a text", column)
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise fail("holds half a surrogate pair, which is no text", column, "save the file as UTF-8")
        return value

    label = row.get("label")
    known = label.strip().casefold() if isinstance(label, str) else ""
    if known not in REFUSALS:
        problem = "is missing" if label is None else f"`{str(label)[:40]}` is not one of {', '.join(REFUSALS)}"
        raise fail(problem, "label", "leave out rows that nobody labelled")
    sample, response = row.get("sample", 0), row.get("response")
    if isinstance(sample, bool) or not isinstance(sample, int):
        raise fail("is not a whole number", "sample")
    if response is not None and not isinstance(response, str):
        raise fail("is not a text", "response", "it holds the answer that was labelled")
    prompt = row.get("prompt")
    named = Prompt(prompt, "benign").id if isinstance(prompt, str) else None
    key = Key(text("prompt_id", named), text("attack", "direct"), text("arm", None), sample)
    return Label(key, text("rater", RATER), known, response)


def match(labels: Sequence[Label], rows: Sequence[Row]) -> Labelled:
    """The labels of answers that are there, word for word; a rater's last word on an answer counts.

    Where raters differ the majority decides, and on a tie the rater who stands first in the file.
    """
    said: dict[str, dict[Key, bool]] = {label.rater: {} for label in labels}
    texts = {row.key: row.response for row in rows}
    stale = set()
    for label in labels:
        if label.key not in texts:
            continue  # an arm or a prompt that was taken out of the experiment
        if label.response is not None and label.response != texts[label.key]:
            stale.add(label.key)
            continue
        said[label.rater][label.key] = REFUSALS[label.label]
    votes: dict[Key, list[bool]] = {}
    for marks in said.values():
        for key, refused in marks.items():
            votes.setdefault(key, []).append(refused)
    people = {key: votes[key][0] if 2 * sum(v) == len(v) else 2 * sum(v) > len(v) for key, v in votes.items()}
    marked = [[rater, *key, refused] for rater, marks in said.items() for key, refused in sorted(marks.items())]
    left = frozenset(stale - people.keys())
    return Labelled(
        people, {rater: marks for rater, marks in said.items() if marks}, left, digest([marked, sorted(left)])
    )


def append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a file in one write that is on the disk when this returns."""
    text = b"".join(_encoded(row) for row in rows)
    with path.open("a+b") as out:
        if out.tell() and path.read_bytes()[-1:] != b"\n":  # a file edited by hand may lack its last line's end
            text = b"\n" + text
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _encoded(row: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(row, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written escaped
        return (json.dumps(row) + "\n").encode()
