"""`answers.jsonl`: every answer of a run with its verdicts and tries, so that a report needs no store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from recusa.component import digest_each
from recusa.jobs.arms import Outcome
from recusa.jobs.labels import Row, row_of
from recusa.jobs.prompts import Asked
from recusa.results import ANSWERS
from recusa.types import Answer, Failure, Verdict

_JSON = json.JSONEncoder(ensure_ascii=False)


def answer_lines(asked: Asked, outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    """One line an answer, as `answers.jsonl` keeps them, in the order of arms, then of ids."""
    prompts = {prompt.id: prompt for prompt in asked.test}
    for outcome in outcomes:
        for a in sorted(outcome.answers, key=lambda result: result.key):
            prompt = prompts[a.key.prompt_id]
            line: dict[str, Any] = {
                "prompt_id": prompt.id, "arm": a.key.arm, "attack": a.key.attack, "sample": a.key.sample,
                "kind": prompt.kind, "language": prompt.language, "category": prompt.category, "group": prompt.group,
                "prompt": prompt.text,
            }  # fmt: skip
            line.update(_said(a))
            line["verdicts"] = {
                judge: {
                    **({"harm": v.harm} if v.harm else {"outcome": v.outcome}),
                    "score": v.score,
                    "reason": v.reason,
                }
                if isinstance(v := verdicts[a.key], Verdict)
                else {"outcome": None, "score": None, "reason": f"{v.error}: {v.detail}"}
                for judge, verdicts in outcome.verdicts.items()
                if a.key in verdicts
            }
            line["tries"] = [
                {
                    "attempt": place, "asked": t.asked, **_said(t.result), "score": t.score, "chosen": t.chosen,
                    "rejected": dict(t.rejected), "writing": t.writing._asdict(),
                }
                for place, t in enumerate(a.tries, start=1)
            ]  # fmt: skip
            yield line


def _said(result: Answer | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"response": None, "error": f"{result.error}: {result.detail}".rstrip(": ")}
    return {
        **({"prefill": result.prefill} if result.prefill else {}),
        "response": result.text, "finish_reason": result.stop,
        "prompt_tokens": result.prompt_tokens, "answer_tokens": result.answer_tokens,
    }  # fmt: skip


def result_of(line: dict[str, Any]) -> list[Any]:
    """What of a line is a result: no times, and the outcome alone of verdicts, whose scores
    vary in the last digit with the batch."""
    outcomes = {judge: verdict.get("harm") or verdict["outcome"] for judge, verdict in line["verdicts"].items()}
    return [*(line[name] for name in ("prompt_id", "arm", "attack", "sample", "response", "tries")), outcomes]


def write_answers(out: Path, asked: Asked, outcomes: Sequence[Outcome]) -> tuple[str, list[Row]]:
    """Write the file under a new name, then rename it; returns the digest of its results, and its rows."""
    draft = out / f"{ANSWERS}.part"
    rows: list[Row] = []

    def results(file: TextIO) -> Iterator[list[Any]]:
        for line in answer_lines(asked, outcomes):
            file.write(_JSON.encode(line) + "\n")
            rows.append(row_of(line))
            yield result_of(line)

    with draft.open("w", encoding="utf-8") as file:
        found = digest_each(results(file))
    draft.replace(out / ANSWERS)
    return found, rows
