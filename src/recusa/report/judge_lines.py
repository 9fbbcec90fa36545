"""Who judged, with which settings and what measured error, and how large the primary judge's error is in a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recusa.judging import JudgeNote
from recusa.report.format import ABSENT, Locale
from recusa.report.told import retell
from recusa.results import Results

SHARES = ("accuracy", "precision", "recall")  # of a judge's measured error, written in percent
Items = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """A judge with its settings and its measured error, empty where nobody measured it."""

    name: str
    primary: bool
    settings: str
    error: Items
    below: bool  # the tables below tell its error


def judge_lines(results: Results, locale: Locale) -> tuple[JudgeLine, ...]:
    """The judges in their order."""
    return tuple(
        JudgeLine(
            note.judge, note.primary, as_json(note.settings), _measures(note.error or {}, locale), _below(results, note)
        )
        for note in results.judges
    )


def primary_error(results: Results, locale: Locale) -> str:
    """What is known of the primary judge's error, in a sentence."""
    primary = next((judge for judge in results.judges if judge.judge == results.primary_judge), None)
    sets = [one for one in results.judging.sets if one.sensitivity is not None and one.specificity is not None]
    if (primary is None or not primary.error) and sets:
        found = sorted(one.sensitivity or 0.0 for one in sets)
        spared = sorted(one.specificity or 0.0 for one in sets)
        return locale.say(
            "finding_sets",
            sets=locale.number(len(sets)),
            n=locale.number(sum(one.n for one in sets)),
            sensitivity=locale.interval(found[0], found[-1]),
            specificity=locale.interval(spared[0], spared[-1]),
        )
    if primary is None or not primary.error:
        return locale.say("finding_unmeasured")
    error = primary.error
    if not {"measured_on", "n", "recall", "precision"} <= error.keys():
        return locale.say("finding_measured_otherwise")
    return locale.say(
        "finding_measured",
        measured_on=retell(str(error["measured_on"]), locale),
        n=locale.number(error["n"]),
        recall=locale.percent(error["recall"]),
        precision=locale.percent(error["precision"]),
    )


def as_items(values: Mapping[str, Any], locale: Locale) -> Items:
    """Names and values as a reader sees them; nested values become JSON."""

    def written(value: object) -> str:
        if isinstance(value, bool) or value is None or isinstance(value, int | str):
            return str(value)
        return locale.number(value, 3) if isinstance(value, float) else as_json(value, indent=None)

    return tuple((retell(name.replace("_", " "), locale), written(value)) for name, value in values.items())


def as_json(value: object, indent: int | None = 2) -> str:
    """A value as JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _below(results: Results, note: JudgeNote) -> bool:
    """Whether the tables of sets or of agreement tell a judge's error."""
    with_people = any(row.first == note.judge and row.second == "people" for row in results.judging.agreement)
    return with_people or (note.primary and bool(results.judging.sets))


def _measures(error: Mapping[str, Any], locale: Locale) -> Items:
    """A judge's measured error: shares in percent, kappa with two decimals."""

    def written(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return retell(value, locale)
        if isinstance(value, bool) or (value is not None and not isinstance(value, int | float)):
            return value
        if name in SHARES:
            return locale.percent(value)
        if value is None:
            return ABSENT
        if name == "kappa":
            return locale.number(value, 2)
        return locale.number(value) if isinstance(value, int) else value

    return as_items({name: written(name, value) for name, value in error.items()}, locale)
