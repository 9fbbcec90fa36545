"""A training for the page, every number written out."""

from __future__ import annotations

import json
from dataclasses import dataclass

from recusa.report.format import Locale
from recusa.report.told import retell
from recusa.results import Training


@dataclass(frozen=True, slots=True)
class TrainingNote:
    """A training with its numbers written out; `figure` and `checks` name pictures, of its loss and its checks."""

    raw: Training
    rows: str
    seconds: str
    losses: str
    settings: str
    figure: str
    kept: str
    checks: str
    example: str


def training_note(part: Training, number: int, locale: Locale, *, redact: bool = False) -> TrainingNote:
    """What is said of one training, the `number`th of the run; with `redact` without the row it shows as an example."""
    ends = [locale.short(value) for _, value in (part.losses[:1] + part.losses[-1:])]
    return TrainingNote(
        raw=part,
        rows=locale.listed(f"{locale.number(count)} {retell(name, locale)}" for name, count in part.rows.items()),
        seconds=locale.duration(part.seconds),
        losses=" \N{RIGHTWARDS ARROW} ".join(ends),
        settings=json.dumps(part.settings, ensure_ascii=False, indent=2),
        figure=f"loss-{number}" if len(part.losses) > 1 else "",
        kept=_kept(part, locale),
        checks=f"checks-{number}" if part.choosing else "",
        example="" if redact else part.example,
    )


def _kept(training: Training, locale: Locale) -> str:
    """Which checkpoint was kept, and whether it met the caps; empty for a training without checks."""
    found = training.choosing
    if found is None:
        return ""
    caps = {"benign": locale.plain(found.cap_benign), "borderline": locale.plain(found.cap_borderline)}
    return locale.say(
        "kept_over" if found.over else "kept_within",
        step=locale.number(found.kept),
        steps=locale.number(training.steps),
        caps=locale.say("kept_caps", **caps),
        over=locale.number(found.over, 1),
    )
