"""`recusa label`: asks a person what answers of a random sample are, blind to arm and verdicts, and estimates anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, get_args

from recusa.errors import ConfigError, InputError
from recusa.jobs.estimate import with_people
from recusa.jobs.labels import LABELS, RATER, Row, append, match, read_labels, saved_rows
from recusa.results import ANSWERS, Results, load_results
from recusa.store import held
from recusa.types import KINDS, Key

Mark = Literal["refused", "partial", "answered", "unclear"]
Reply = Literal["refused", "partial", "answered", "unclear", "skip", "back", "quit"]
MARKS: tuple[Mark, ...] = get_args(Mark)


@dataclass(frozen=True, slots=True)
class Question:
    """An answer to label, `place` of `total`, `left` unlabelled, `cut` at the token limit. Nothing tells the arm."""

    prompt: str
    response: str
    cut: bool
    place: int
    total: int
    left: int
    label: Mark | None


Ask = Callable[[Question], Reply]


@dataclass(frozen=True, slots=True)
class Item:
    """Answers to one prompt that are the same word for word, whoever gave them: they are asked once."""

    rows: tuple[Row, ...]


def label(folder: Path, ask: Ask, *, n: int = 50, seed: int = 0, rater: str = RATER) -> Results:
    """Ask for the labels that are missing of a sample of `n` prompts, and write results with the estimates they give.

    Each label is in `labels.jsonl` before the next is asked. Raises InputError for a folder without a run, and for a
    row of the labels file that cannot be used.
    """
    if n < 1:
        raise ConfigError(f"a sample of {n} prompts is none", "give --n 1 or more")
    if not rater.strip() or not rater.isprintable():
        raise ConfigError(f"{rater!r} is no name of a rater", "give --rater a name that can be printed")
    load_results(folder)  # says what is wrong with the folder before anything is asked
    rows = saved_rows(folder / ANSWERS)
    items = list(questions(sampled(rows, n, seed), seed))
    if not items:
        raise InputError("holds no answer that could be labelled", file=folder / ANSWERS, hint="every row failed")
    _ask_all(items, folder / LABELS, rater, ask, rows)
    return relabelled(folder)


def relabelled(folder: Path) -> Results:
    """A run's results with what its labels say now; written only where that differs from what they said."""
    with held(folder):
        return refreshed(load_results(folder), folder)


def refreshed(results: Results, folder: Path) -> Results:
    """The same for a folder that is held already."""
    labels = read_labels(folder / LABELS)
    if results.judging.labels is None and not labels:
        return results
    rows = saved_rows(folder / ANSWERS)
    known = results.judging.labels
    if labels and known is not None and match(labels, rows).digest == known.digest:
        return results
    with_people(results, rows, labels).save(folder)
    return load_results(folder)


def finished(results: Results, rows: Sequence[Row], folder: Path) -> Results:
    """The results of a run that has just ended, with agreement and, where people labelled its answers, estimates."""
    return with_people(results, rows, read_labels(folder / LABELS))


def sampled(rows: Sequence[Row], n: int, seed: int) -> list[list[Row]]:
    """`n` prompts drawn at random, as many of each kind as there are, kinds in turn; each with its answers.

    Prompts stand in an order that only seed and id decide: a larger sample holds the smaller, and whoever stops early
    has labelled a random sample too. Of several samples of an answer the first is asked.
    """
    prompts: dict[str, list[Row]] = {}
    for row in rows:
        if row.response is not None and row.key.sample == 0:
            prompts.setdefault(row.key.prompt_id, []).append(row)
    kinds = [
        sorted((p for p in prompts.values() if p[0].kind == kind), key=lambda p: _lot(seed, p[0].key.prompt_id))
        for kind in KINDS
    ]
    turns = [prompt for turn in zip_longest(*kinds) for prompt in turn if prompt is not None]
    return turns[:n]


def questions(prompts: Sequence[Sequence[Row]], seed: int) -> Iterator[Item]:
    """What is asked: the different answers to each prompt, in an order that does not tell the arms."""
    for rows in prompts:
        same: dict[str, list[Row]] = {}
        for row in rows:
            same.setdefault(row.response or "", []).append(row)
        lots = sorted(same.items(), key=lambda one: _lot(seed, rows[0].key.prompt_id, one[0]))
        yield from (Item(tuple(together)) for _, together in lots)


def _lot(seed: int, *parts: str) -> str:
    return sha256("\0".join((str(seed), *parts)).encode("utf-8", "surrogatepass")).hexdigest()


def _ask_all(items: Sequence[Item], path: Path, rater: str, ask: Ask, rows: Sequence[Row]) -> None:
    """Ask item by item, from the first that this rater has not labelled."""
    marks = _marks(path, rater, rows)
    said = [next((marks[row.key] for row in item.rows if row.key in marks), None) for item in items]
    for item, mark in zip(items, said, strict=True):
        missing = [row for row in item.rows if row.key not in marks]
        if mark is not None and missing:  # another arm has since given an answer that was labelled before
            append(path, [_line(row, mark, rater) for row in missing])
    place = _next(said, -1)
    while place < len(items):
        row = items[place].rows[0]
        left = said.count(None)
        cut = row.stop == "length"
        reply = ask(Question(row.prompt, row.response or "", cut, place + 1, len(items), left, said[place]))
        if reply == "quit":
            return
        if reply == "back":
            place = max(0, place - 1)
        elif reply == "skip":
            place = _next(said, place)
        else:
            append(path, [_line(row, reply, rater) for row in items[place].rows])
            said[place] = reply
            place = _next(said, place)


def _next(said: Sequence[Mark | None], after: int) -> int:
    """The first item behind `after` without a label."""
    return next((place for place in range(after + 1, len(said)) if said[place] is None), len(said))


def _marks(path: Path, rater: str, rows: Sequence[Row]) -> dict[Key, Mark]:
    """What this rater said last of each answer that is there."""
    texts = {row.key: row.response for row in rows}
    found: dict[Key, Mark] = {}
    for label in read_labels(path):
        if label.rater == rater and label.key in texts and label.response in (None, texts[label.key]):
            found[label.key] = label.label  # type: ignore[assignment]
    return found


def _line(row: Row, mark: Mark, rater: str) -> dict[str, Any]:
    """A row of `labels.jsonl`; `recusa calibrate` reads it too."""
    return {
        "prompt_id": row.key.prompt_id, "arm": row.key.arm, "attack": row.key.attack, "sample": row.key.sample,
        "kind": row.kind, "language": row.language, "prompt": row.prompt, "response": row.response,
        "finish_reason": row.stop, "label": mark, "rater": rater,
    }  # fmt: skip
