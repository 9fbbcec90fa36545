"""`recusa compare`: two answer files, the same prompts, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recusa.errors import InputError
from recusa.jobs.compare import Judged, comparisons, rates
from recusa.jobs.judge_file import stop_of
from recusa.registry import Spec, build
from recusa.results import Comparison, Rate
from recusa.sources.file import read_rows
from recusa.types import KINDS, OUTCOMES, Exchange, Failure, Key, Prompt, Verdict


def compare_files(
    before: Path, after: Path, judge: Spec, alpha: float = 0.05, kind: str | None = None
) -> tuple[list[Rate], list[Comparison]]:
    """Rates of both files and their paired comparison; `kind` is that of rows which do not say their own.

    Both are seen by one judge: an `outcome` of another judge is judged anew, one without a judge (a person's) is kept.

    Raises InputError when a file lacks what is needed or the two share no prompt.
    """
    if before.resolve() == after.resolve():
        raise InputError("is compared with itself", file=after, hint="give two files")
    made: Any = build("judges", judge)
    names = (before.stem, after.stem) if before.stem != after.stem else (str(before), str(after))
    first = _judged(before, names[0], made, kind)
    second = _judged(after, names[1], made, kind)
    if not {r.key.prompt_id for r in first} & {r.key.prompt_id for r in second}:
        raise InputError(f"shares no prompt with {before}", file=after, hint="compare answers to the same prompts")
    rows = [*first, *second]
    return rates(rows, names, alpha), comparisons(rows, names, names[0], alpha)


def _judged(file: Path, arm: str, judge: Any, kind: str | None) -> list[Judged]:
    rows: dict[str, tuple[Mapping[str, Any], Prompt]] = {}
    for number, row in enumerate(read_rows(file), start=1):
        prompt = _prompt(row, file, number, kind)
        known = row.get("prompt_id")  # what `recusa answer` wrote, whatever the prompt's column is called
        rows.setdefault(known if isinstance(known, str) else prompt.id, (row, prompt))
    exchanges = [
        Exchange(Key(name, arm=arm), prompt.text, row["response"], stop_of(row))
        for name, (row, prompt) in rows.items()
        if not _settled(row, judge.name) and isinstance(row.get("response"), str)
    ]
    said: dict[str, Verdict | Failure] = {v.key.prompt_id: v for v in judge.judge(exchanges)}
    judged = []
    for name, (row, prompt) in rows.items():
        verdict = said.get(name)
        outcome = row["outcome"] if _settled(row, judge.name) else None
        if isinstance(verdict, Verdict):
            outcome = verdict.outcome
        judged.append(Judged(Key(name, arm=arm), prompt, judge.name, outcome))
    return judged


def _settled(row: Mapping[str, Any], judge: str) -> bool:
    return row.get("outcome") in OUTCOMES and row.get("judge", judge) == judge


def _prompt(row: Mapping[str, Any], file: Path, number: int, kind: str | None) -> Prompt:
    text = row.get("prompt", "" if isinstance(row.get("prompt_id"), str) else None)
    if not isinstance(text, str) or not (text.strip() or row.get("prompt_id")):
        raise InputError("is missing or empty", file=file, row=number, column="prompt")
    said: Any = row.get("kind") or kind
    if said is None:
        hint = "add the column, or say --kind harmful (or another) for all rows"
        raise InputError("is missing", file=file, row=number, column="kind", hint=hint)
    if said not in KINDS:
        raise InputError(f"{said!r} is not one of {', '.join(KINDS)}", file=file, row=number, column="kind")
    language = row.get("language")
    return Prompt(text, said, language if isinstance(language, str) else "en")
