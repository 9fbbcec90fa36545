"""What may be compared: an answer file, an arm of a run, a model, a model with an adapter; each as judged rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from recusa.errors import ConfigError, InputError
from recusa.jobs.answer import Answering
from recusa.jobs.answer_file import CHUNK
from recusa.jobs.arms import chats_for, engine_with
from recusa.jobs.compare import Judged
from recusa.jobs.judge import TOGETHER, about_harm, open_judge
from recusa.jobs.judge_file import stop_of
from recusa.models.causal import ADAPTER_FILES
from recusa.protocols import Listener
from recusa.results import ANSWERS, FILE, load_results
from recusa.sources.file import read_rows
from recusa.store import Store
from recusa.types import KINDS, OUTCOMES, Answer, Exchange, Key, Outcome, Prompt, Sampling, Stop, Verdict

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


class AnswerFile(NamedTuple):
    """A file that `recusa answer` or `recusa judge` wrote, or one like it."""

    path: Path


class RunArm(NamedTuple):
    """An arm of a run's folder."""

    folder: Path
    arm: str


class Answerer(NamedTuple):
    """A model that is asked now, with an adapter or without."""

    model: str
    adapter: str | None


Side = AnswerFile | RunArm | Answerer


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as it was found; `outcome` is known where it need not be judged, `failed` where it cannot be."""

    name: str
    sample: int
    prompt: Prompt
    response: str | None
    stop: Stop
    outcome: Outcome | None = None
    failed: bool = False


def parse_side(text: str) -> Side:
    """What a person names: FILE, FOLDER:ARM, MODEL or MODEL+ADAPTER; raises ConfigError for a folder it cannot be.

    A name that exists is taken for what it is, so that a path may hold a colon or a plus.
    """
    path = Path(text)
    if path.is_file() or (path.suffix.lower() in ENDINGS and not path.is_dir()):
        return AnswerFile(path)
    if path.is_dir():
        return _folder(path)
    for place in _places(text, ":"):
        if Path(text[:place]).is_dir():
            return _arm(Path(text[:place]), text[place + 1 :])
    for place in _places(text, "+"):
        if place and Path(text[place + 1 :]).is_dir():
            return Answerer(text[:place], text[place + 1 :])
    if "+" in text:
        raise ConfigError(f"`{text}`: there is no such adapter folder", "write MODEL+FOLDER, such as smollm2-135m+out")
    return Answerer(text, None)


def _places(text: str, letter: str) -> list[int]:
    return [place for place, one in enumerate(text) if one == letter]


def _folder(path: Path) -> Side:
    if (path / FILE).is_file():
        arms = ", ".join(load_results(path).arms)
        raise ConfigError(f"`{path}` is a run's folder with several arms", f"write {path}:ARM; arms: {arms}")
    if (path / ADAPTER_FILES[0]).is_file():
        raise ConfigError(f"`{path}` is an adapter's folder", f"write MODEL+{path}, with the model it is put on")
    return Answerer(str(path), None)


def _arm(folder: Path, arm: str) -> RunArm:
    known = load_results(folder)
    if arm not in known.arms:
        raise ConfigError(f"`{folder}` has no arm `{arm}`", f"arms: {', '.join(known.arms)}")
    for fallen in known.failed_arms:
        if fallen.arm == arm:
            raise ConfigError(f"arm `{arm}` of `{folder}` failed: {fallen.reason}", "name an arm that stands")
    return RunArm(folder, arm)


def named(side: Side) -> str:
    """A side in words that fit a table."""
    if isinstance(side, AnswerFile):
        return str(side.path)
    if isinstance(side, RunArm):
        return f"{side.folder}:{side.arm}"
    return side.model if side.adapter is None else f"{side.model}+{side.adapter}"


def said_by(side: AnswerFile | RunArm, judge: str, kind: str | None, attack: str = "direct") -> list[Said]:
    """The answers of a file or of a run's arm under one attack, outcomes of `judge` kept; raises InputError."""
    if isinstance(side, AnswerFile):
        return _of_file(side.path, judge, kind)
    file = side.folder / ANSWERS
    rows = [row for row in read_rows(file) if (row.get("arm"), row.get("attack", "direct")) == (side.arm, attack)]
    if not rows:
        raise InputError(f"has no answer of `{side.arm}` under attack `{attack}`", file=file)
    return [_of_run(row, file, number, judge) for number, row in enumerate(rows, start=1)]


def said_now(
    side: Answerer, prompts: Sequence[Prompt], engine: str, sampling: Sampling, store: Store, listener: Listener
) -> list[Said]:
    """A model's answers to these prompts, asked now or read from the store; raises ModelError before the first."""
    spec = {"name": engine} if engine == "scripted" else {"name": engine, "model": side.model}
    made = engine_with(spec, side.adapter, "engine")
    answering = Answering(made, chats_for(prompts, "", every=True), sampling, CHUNK, store)
    answering.finish(listener, f"answer {named(side)}", again=True)  # rows that failed before are asked again
    known = {prompt.id: prompt for prompt in prompts}
    return [
        Said(a.key.prompt_id, 0, known[a.key.prompt_id], a.text, a.stop)
        if isinstance(a, Answer)
        else Said(a.key.prompt_id, 0, known[a.key.prompt_id], None, "end", failed=True)
        for a in answering.results("")
    ]


def _of_file(file: Path, judge: str, kind: str | None) -> list[Said]:
    found: dict[tuple[str, int], Said] = {}
    arms: dict[str, None] = {}
    answers = False
    for number, row in enumerate(read_rows(file), start=1):
        prompt = _prompt(row, file, number, kind)
        known = row.get("prompt_id")  # what `recusa answer` wrote, whatever the prompt's column is called
        name = known if isinstance(known, str) else prompt.id
        arms.setdefault(str(row.get("arm", "")))
        if len(arms) > 1:
            hint = f"name one of them, such as {file.parent}:{next(iter(arms))}"
            raise InputError("holds the answers of several arms", file=file, row=number, column="arm", hint=hint)
        answers = answers or "response" in row or "outcome" in row
        response = row.get("response")
        outcome = row["outcome"] if row.get("outcome") in OUTCOMES and row.get("judge", judge) == judge else None
        failed = not isinstance(response, str) and outcome is None
        sample = row["sample"] if isinstance(row.get("sample"), int) else 0
        text = response if isinstance(response, str) else None
        found.setdefault((name, sample), Said(name, sample, prompt, text, stop_of(row), outcome, failed))
    if not found:
        raise InputError("holds no rows", file=file, hint="each row is one answer")
    if not answers:
        hint = "give a file that `recusa answer` wrote, or name the answers so"
        raise InputError("is in no row", file=file, column="response", hint=hint)
    return list(found.values())


def _of_run(row: Mapping[str, Any], file: Path, number: int, judge: str) -> Said:
    response = row.get("response")
    verdicts = row.get("verdicts")
    verdict = verdicts.get(judge) if isinstance(verdicts, dict) else None
    outcome = verdict.get("outcome") if isinstance(verdict, dict) else None
    return Said(
        name=str(row.get("prompt_id")),
        sample=int(row.get("sample") or 0),
        prompt=_prompt(row, file, number, None),
        response=response if isinstance(response, str) else None,
        stop=stop_of(row),
        outcome=outcome if outcome in OUTCOMES else None,
        failed=not isinstance(response, str) or (isinstance(verdict, dict) and outcome not in OUTCOMES),
    )


def judged(
    said: Sequence[tuple[str, Sequence[Said]]], judge: Any, listener: Listener, stage: str
) -> dict[str, list[Judged]]:
    """Everybody's rows by name, judged where no outcome is known; raises ConfigError for a judge of harm."""
    if about_harm(judge):
        raise ConfigError(f"judge `{judge.name}` says nothing of refusals", "give a judge of refusals; `recusa list`")
    places = [(arm, one) for arm, rows in said for one in rows]
    open_ones = [
        Exchange(Key(str(place), arm=arm), one.prompt.text, one.response or "", one.stop)
        for place, (arm, one) in enumerate(places)
        if one.outcome is None and not one.failed
    ]
    outcomes: dict[int, Outcome | None] = {}
    if open_ones:
        with open_judge(judge, len(open_ones)) as judging:
            for start in range(0, len(open_ones), TOGETHER):
                for verdict in judging.judge(open_ones[start : start + TOGETHER]):
                    if isinstance(verdict, Verdict):
                        outcomes[int(verdict.key.prompt_id)] = verdict.outcome
                listener(stage, min(start + TOGETHER, len(open_ones)), len(open_ones))
    found: dict[str, list[Judged]] = {arm: [] for arm, _ in said}
    for place, (arm, one) in enumerate(places):
        outcome = one.outcome if one.outcome is not None else outcomes.get(place)
        found[arm].append(Judged(Key(one.name, arm=arm, sample=one.sample), one.prompt, judge.name, outcome))
    return found


def _prompt(row: Mapping[str, Any], file: Path, number: int, kind: str | None) -> Prompt:
    text = row.get("prompt", "" if isinstance(row.get("prompt_id"), str) else None)
    if not isinstance(text, str) or not (text.strip() or row.get("prompt_id")):
        raise InputError("is missing or empty", file=file, row=number, column="prompt")
    kinds: Any = row.get("kind") or kind
    if kinds is None:
        hint = "add the column, or say --kind harmful (or another) for all rows"
        raise InputError("is missing", file=file, row=number, column="kind", hint=hint)
    if kinds not in KINDS:
        raise InputError(f"{kinds!r} is not one of {', '.join(KINDS)}", file=file, row=number, column="kind")
    language, group = row.get("language"), row.get("group")
    return Prompt(
        text,
        kinds,
        language if isinstance(language, str) else "en",
        group=group if isinstance(group, str) else "",
    )
