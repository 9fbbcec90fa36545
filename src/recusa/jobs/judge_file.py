"""`recusa judge`: each row of an answer file back with a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from recusa.errors import ConfigError, InputError
from recusa.jobs.answer_file import check_writable, write_rows
from recusa.jobs.judge import TOGETHER, open_judge
from recusa.judges import DEFAULT
from recusa.judges.detector import Explanation
from recusa.protocols import Listener
from recusa.registry import Spec, build
from recusa.sources.file import read_rows
from recusa.types import Exchange, Failure, Key, Stop, Verdict


def judge_file(judge: Spec, answers: Path, out: Path, listener: Listener) -> Counter[str]:
    """Judge a file; a row that cannot be judged has a null outcome and an `error`. Returns counts by outcome.

    Raises InputError when the file cannot be read or no row has a `response` column.
    """
    check_writable(out, [answers])
    made: Any = build("judges", judge)
    rows = list(read_rows(answers))
    if not rows:
        raise InputError("holds no rows", file=answers)
    if not any("response" in row for row in rows):
        raise InputError(
            "is in no row",
            file=answers,
            column="response",
            hint="give a file that `recusa answer` wrote, or name the answers so",
        )
    judged: list[Mapping[str, Any]] = []
    with open_judge(made, len(rows)) as judging:
        for start in range(0, len(rows), TOGETHER):
            judged += _verdicts(judging, made.name, rows[start : start + TOGETHER], start)
            listener(f"judge {made.name}", len(judged), len(rows))
    write_rows(out, judged)
    return Counter(str(row.get("outcome") or row.get("harm") or "failed") for row in judged)


def explain_row(judge: Spec, answers: Path, row: int) -> Explanation:
    """Why a judge says what it says of one row, 1 the first; raises InputError, or ConfigError when it cannot tell."""
    made: Any = build("judges", judge)
    if not hasattr(made, "explain"):
        raise ConfigError(f"judge `{made.name}` cannot explain itself", f"`--judge {DEFAULT}` can")
    rows = list(islice(read_rows(answers), row))
    if len(rows) < row:
        raise InputError(f"has no row {row}, only {len(rows)}", file=answers)
    response, prompt = rows[-1].get("response"), rows[-1].get("prompt")
    if not isinstance(response, str):
        raise InputError("holds no text", file=answers, row=row, column="response")
    said: Explanation = made.explain(prompt if isinstance(prompt, str) else "", response, stop_of(rows[-1]))
    return said


def _verdicts(judge: Any, by: str, rows: list[Mapping[str, Any]], first: int) -> list[dict[str, Any]]:
    exchanges = []
    problems: dict[int, str] = {}
    for place, row in enumerate(rows):
        response, prompt = row.get("response"), row.get("prompt")
        if not isinstance(response, str):
            what = "is null" if response is None else f"holds {type(response).__name__}, not text"
            problems[place] = str(row.get("error") or f"row {first + place + 1}: `response` {what}")
            continue
        asked = prompt if isinstance(prompt, str) else ""
        exchanges.append(Exchange(Key(str(place)), asked, response, stop_of(row)))
    said = {int(result.key.prompt_id): result for result in judge.judge(exchanges)}
    old = {"outcome", "harm", "score", "judge", "error"}  # of an earlier judge, or of none
    return [
        {name: value for name, value in row.items() if name not in old}
        | _columns(by, said.get(place), problems.get(place))
        for place, row in enumerate(rows)
    ]


def stop_of(row: Mapping[str, Any]) -> Stop:
    """Why a row's answer stopped, as far as the row says."""
    return "length" if row.get("finish_reason") == "length" else "end"


def _columns(name: str, verdict: Verdict | Failure | None, problem: str | None) -> dict[str, Any]:
    if isinstance(verdict, Verdict):
        said = {"harm": verdict.harm} if verdict.harm is not None else {"outcome": verdict.outcome}
        return {**said, "score": verdict.score, "judge": name}
    error = problem or (f"{verdict.error}: {verdict.detail}" if verdict else "the judge gave no verdict")
    return {"outcome": None, "score": None, "judge": name, "error": error}
