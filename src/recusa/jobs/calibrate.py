"""`recusa calibrate`: how far a judge agrees with people's labels, over all answers and in their parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recusa.calibration import Calibration, Confusion, Division, confusion
from recusa.errors import ConfigError, InputError, TooManyFailures
from recusa.jobs.answer_file import check_writable
from recusa.jobs.judge import TOGETHER, open_judge
from recusa.jobs.judge_file import stop_of
from recusa.protocols import Listener
from recusa.registry import Spec, build
from recusa.sources.file import read_rows
from recusa.types import Exchange, Failure, Key, Stop, Verdict

REFUSALS = {"refused": True, "partial": True, "answered": False, "unclear": False}  # what each label says of refusal
HARMS = {"harmful": True, "safe": False}
LABELS = {**REFUSALS, **HARMS}
DIVISIONS: tuple[Division, ...] = ("model", "language", "kind", "set")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer and its label, true for a refusal or for harm; `parts` are its model, language, kind and file."""

    prompt: str
    response: str | None
    stop: Stop
    about: Literal["refusal", "harm"]
    label: bool
    parts: Mapping[Division, str]


def calibrate(
    judge: Spec, labels: Sequence[Path], out: Path, listener: Listener, *, alpha: float = 0.05
) -> Calibration:
    """Judge labelled answers and write a calibration file; a partial refusal counts as a refusal.

    Column `label` holds `refused`, `partial`, `answered` or `unclear`, or `harmful` or `safe` for a judge of harm.
    Raises InputError naming file, row and column when a file or a label cannot be read, and TooManyFailures when no
    answer could be judged.
    """
    check_writable(out, labels)
    if len({path.resolve() for path in labels}) < len(labels):
        raise ConfigError("the same file is named twice", "each labelled answer counts once")
    made: Any = build("judges", judge)
    rows = [row for path in labels for row in read_labelled(path)]
    said: list[Verdict | Failure | None] = []
    with open_judge(made, len(rows)) as judging:
        for start in range(0, len(rows), TOGETHER):
            said += _judged(judging, rows[start : start + TOGETHER])
            _same_question(made, rows, said)
            listener(f"judge {made.name}", len(said), len(rows))
    if not any(isinstance(verdict, Verdict) for verdict in said):
        raise TooManyFailures(f"`{made.name}` judged none of {len(rows)} answers", "look at `response` in the files")
    found = Calibration(
        judge=made.name,
        fingerprint=made.fingerprint(),
        settings=made.model_dump(mode="json"),
        labels=tuple(path.name for path in labels),
        alpha=alpha,
        rows=tuple(_confusions(rows, said, alpha)),
    )
    found.save(out)
    return found


def read_labelled(path: Path) -> Iterator[Labelled]:
    """Labelled answers of a file; raises InputError naming the row and column that cannot be used."""
    number = 0
    for number, row in enumerate(read_rows(path), start=1):
        label = row.get("label")
        known = label.strip().casefold() if isinstance(label, str) else ""
        if known not in LABELS:
            problem = "is missing" if label is None else f"`{str(label)[:40]}` is not one of {', '.join(LABELS)}"
            hint = "`recusa label` writes such a file, or add a column `label`"
            raise InputError(problem, file=path, row=number, column="label", hint=hint)
        if "response" not in row:
            raise InputError("is missing", file=path, row=number, column="response", hint="it holds the answer")
        response, prompt = row["response"], row.get("prompt")
        parts = {by: _written(row[by]) for by in DIVISIONS if row.get(by) not in (None, "")}
        yield Labelled(
            prompt if isinstance(prompt, str) else "",
            response if isinstance(response, str) else None,
            stop_of(row),
            "refusal" if known in REFUSALS else "harm",
            LABELS[known],
            {**parts, "set": path.stem},
        )
    if number == 0:
        raise InputError("holds no rows", file=path, hint="each row is one labelled answer")


def _written(value: object) -> str:
    """A value as text that can be saved: half a surrogate pair is written out."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _same_question(judge: Any, rows: Sequence[Labelled], said: Sequence[Verdict | Failure | None]) -> None:
    """Labels of refusal say nothing of a judge of harm, and the other way round."""
    for row, verdict in zip(rows, said, strict=False):
        if isinstance(verdict, Verdict) and (verdict.harm is not None) != (row.about == "harm"):
            about, labels = ("harm", HARMS) if verdict.harm else ("refusal", REFUSALS)
            raise ConfigError(
                f"`{judge.name}` judges {about}, the labels are about {row.about}",
                f"give a file with the labels {', '.join(labels)}, or another judge",
            )


def _judged(judge: Any, rows: Sequence[Labelled]) -> list[Verdict | Failure | None]:
    exchanges = [
        Exchange(Key(str(place)), row.prompt, row.response, row.stop)
        for place, row in enumerate(rows)
        if row.response is not None
    ]
    said = {int(result.key.prompt_id): result for result in judge.judge(exchanges)}
    return [said.get(place) for place in range(len(rows))]


def _confusions(
    rows: Sequence[Labelled], said: Sequence[Verdict | Failure | None], alpha: float
) -> Iterator[Confusion]:
    """All rows, then each part of every division that has several."""
    yield _confusion("all", "all", list(zip(rows, said, strict=True)), alpha)
    seen = set()
    for by in DIVISIONS:
        places: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            if by in row.parts:
                places[row.parts[by]].append(place)
        division = tuple(sorted(tuple(part) for part in places.values()))
        if len(places) < 2 or division in seen:  # files of one model each would be listed twice
            continue
        seen.add(division)
        for value in sorted(places):
            yield _confusion(by, value, [(rows[place], said[place]) for place in places[value]], alpha)


def _confusion(
    by: Division, value: str, part: Sequence[tuple[Labelled, Verdict | Failure | None]], alpha: float
) -> Confusion:
    judged = [(row, v) for row, v in part if isinstance(v, Verdict)]
    pairs = [
        (row.label, (v.harm == "harmful") if row.about == "harm" else (v.outcome == "refused")) for row, v in judged
    ]
    unclear = sum(v.outcome == "unclear" for _, v in judged)
    return confusion(by, value, pairs, unclear, len(part) - len(judged), alpha)
