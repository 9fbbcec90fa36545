"""What is wrong with rows to train on, found before the hours are spent: errors name the row, others are left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from recusa.errors import InputError, ModelError, TrainingError
from recusa.jobs.arms import chats_for
from recusa.jobs.judge import judge_missing
from recusa.judges import DEFAULT
from recusa.models.causal import load_tokenizer
from recusa.models.template import training_row
from recusa.models.weights import locate
from recusa.near import plain
from recusa.protocols import Listener
from recusa.registry import build
from recusa.sources.rows import LONGEST
from recusa.store import Store
from recusa.types import Chat, Exchange, Key, Message, Prompt, Verdict

# Probabilities of a refusal, by the detector. Below the first a refusal to learn is none: nearly all such rows of a
# published set that were read one by one were answers; of the 800 refusals among the built-in prompts one is that low.
COMPLIES = 0.05
REFUSES = 0.85  # above it the answer of a harmless row is a refusal: so 3 of 998 rows of a published set, 2 rightly
FILE = "left_out.jsonl"

Reason = Literal["complies", "refuses", "too long", "not answered"]
SAID: dict[Reason, str] = {
    "complies": "harmful rows whose `chosen` is no refusal",
    "refuses": "harmless rows whose `response` refuses",
    "too long": "rows whose prompt alone fills max_tokens",
    "not answered": "harmless prompts that the model itself refuses or does not answer",
}
COLUMN: dict[Reason, str] = {
    "complies": "chosen",
    "refuses": "response",
    "too long": "prompt",
    "not answered": "prompt",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is not trained on, and why; `score` is the probability of a refusal where a judge decided."""

    prompt: Prompt
    reason: Reason
    score: float | None = None


def checked_rows(
    training: Sequence[Prompt],
    recipe: Any,
    engine: Any,
    store: Store,
    listener: Listener,
    name: str,
    *,
    strict: bool = False,
) -> tuple[list[Prompt], list[LeftOut]]:
    """The rows that can be trained on, and those left out; loads the tokenizer, no weights.

    Raises InputError naming file, row and column for rows that are broken, and with `strict` for every row that would
    be left out; TrainingError when the chat template writes no answers.
    """
    stage = f"train {name}"
    rows = whole_rows(training, recipe)
    lost = [*_misjudged(rows, store, listener, stage)]
    lost += _too_long(rows, recipe, engine, listener, stage)
    if lost and strict:
        first = lost[0]
        raise InputError(
            f"{_counted(lost)}; this is the first: {first.prompt.text[:60]!r}",
            file=first.prompt.source,
            row=first.prompt.row,
            column=COLUMN[first.reason],
            hint="correct the rows, or leave --strict out: they are then left out and listed",
        )
    if lost:
        listener(stage, 0, 0, f"left out: {_counted(lost)}; listed in {FILE}")
    out = {one.prompt.id for one in lost}
    kept = [row for row in rows if row.id not in out]
    if lost and not any(row.kind == "harmful" for row in kept):
        raise TrainingError("no harmful row is left to train on", f"left out: {_counted(lost)}")
    return kept, lost


def whole_rows(training: Sequence[Prompt], recipe: Any) -> list[Prompt]:
    """The rows, blank answers taken for none; raises InputError naming the row, loads nothing."""
    rows = [_whole(prompt, recipe) for prompt in training]
    _one_kind(rows)
    return rows


def check_template(model: str) -> None:
    """Raise TrainingError when a model on this machine has a chat template that writes no answers."""
    try:
        folder = locate(model, fetch=False).folder
    except ModelError:
        return  # not fetched yet; the rows are checked when it is
    chat = Chat(Key(""), (Message("user", "Hello"),))
    training_row(load_tokenizer(folder), chat, "Good day.", frozenset({0}))


def told(lost: Sequence[LeftOut]) -> dict[str, int]:
    """How many rows were left out for each reason."""
    return dict(sorted(Counter(one.reason for one in lost).items()))


def write_left_out(folder: Path, lost: Sequence[LeftOut]) -> None:
    """List the rows with where they stand; an earlier list goes."""
    (folder / FILE).unlink(missing_ok=True)
    if not lost:
        return
    lines = [
        {
            "source": one.prompt.source, "row": one.prompt.row, "column": COLUMN[one.reason], "reason": one.reason,
            "score": one.score, "kind": one.prompt.kind, "prompt_id": one.prompt.id, "prompt": one.prompt.text,
        }
        for one in lost
    ]  # fmt: skip
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / FILE).write_text(text, encoding="utf-8")


def _counted(lost: Sequence[LeftOut]) -> str:
    return ", ".join(f"{count} {SAID[reason]}" for reason, count in Counter(one.reason for one in lost).items())


def _whole(prompt: Prompt, recipe: Any) -> Prompt:
    """The row with blank answers taken for none; raises InputError for one that cannot be meant."""

    def fail(problem: str, column: str, hint: str) -> InputError:
        return InputError(problem, file=prompt.source, row=prompt.row, column=column, hint=hint)

    for column in ("chosen", "response"):
        said = getattr(prompt, column)
        if said is not None and len(said) > LONGEST:
            hint = f"an answer to learn has at most {LONGEST:,}; max_tokens cuts far earlier"
            raise fail(f"holds {len(said):,} characters", column, hint)
    if prompt.kind == "harmful" and getattr(recipe, "needs_chosen", True) and not (prompt.chosen or "").strip():
        hint = "harmful rows need the refusal to learn in `chosen`"
        raise fail("is missing" if prompt.chosen is None else "is empty", "chosen", hint)
    return prompt if (prompt.response or "").strip() else replace(prompt, response=None)


def _one_kind(rows: Sequence[Prompt]) -> None:
    """Raise InputError where the same words are harmful in one row and harmless in another."""
    first: dict[str, Prompt] = {}
    for row in rows:
        other = first.setdefault(plain(row.text), row)
        if (other.kind == "harmful") != (row.kind == "harmful"):
            raise InputError(
                f"is {row.kind} here and {other.kind} in {other.source}, row {other.row}: {row.text[:60]!r}",
                file=row.source,
                row=row.row,
                column="prompt",
                hint="keep one of the two: a prompt cannot teach both",
            )


def _misjudged(rows: Sequence[Prompt], store: Store, listener: Listener, stage: str) -> Iterator[LeftOut]:
    """Rows whose answer is the opposite of what it stands for, by the detector, whichever judge the run has."""
    given = {row.id: (row.chosen if row.kind == "harmful" else row.response) or "" for row in rows}
    exchanges = [Exchange(Key(row.id), row.text, given[row.id]) for row in rows if given[row.id].strip()]
    verdicts = judge_missing(build("judges", DEFAULT), exchanges, store, listener, f"check rows of {stage}")
    for row in rows:
        verdict = verdicts.get(Key(row.id))
        if not isinstance(verdict, Verdict) or verdict.score is None:
            continue
        if row.kind == "harmful" and verdict.outcome == "answered" and verdict.score < COMPLIES:
            yield LeftOut(row, "complies", verdict.score)
        elif row.kind != "harmful" and verdict.outcome == "refused" and verdict.score > REFUSES:
            yield LeftOut(row, "refuses", verdict.score)


def _too_long(rows: Sequence[Prompt], recipe: Any, engine: Any, listener: Listener, stage: str) -> Iterator[LeftOut]:
    """Rows without room for a token of their answer; says how many answers are cut."""
    longest = getattr(recipe, "max_tokens", None)
    if longest is None:
        return
    tokenizer = load_tokenizer(locate(engine.model).folder)
    end = tokenizer.eos_token_id
    cut = 0
    for row, chat in zip(rows, chats_for(rows, "", every=True), strict=True):
        made = training_row(
            tokenizer, chat, row.chosen or row.response or "Yes.", frozenset({0 if end is None else end})
        )
        cut += made.start < longest < len(made.ids)
        if made.start >= longest:
            yield LeftOut(row, "too long")
    if cut:
        listener(stage, 0, 0, f"the answers of {cut} rows are cut at max_tokens = {longest}, their ends not trained")
