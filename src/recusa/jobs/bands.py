"""How far the primary judge's known errors could move what was found: calibration sets, and bands over them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from recusa.calibration import Calibration, Confusion, load_calibration
from recusa.errors import ConfigError
from recusa.inference import LEAST_INFORMATION, Accuracy, difference_band, rate_band
from recusa.jobs.compare import ALL
from recusa.judging import CalibrationSet, ChangeBand, RateBand
from recusa.registry import build
from recusa.results import Results

PACKAGED = "judges/data/calibrations.json"  # judge -> its Confusion rows, a set of labelled answers each
OURS = "recusa"


def calibration_sets(judge: Any, calibrations: Sequence[Path]) -> tuple[CalibrationSet, ...]:
    """The sets this judge was measured on: the package's, if its settings are the defaults, and the user's files.

    Raises InputError for a file that is no calibration, ConfigError for one of another judge or other settings.
    """
    found = [_set(row, row.value, OURS) for row in packaged(judge)]
    for path in calibrations:
        made = load_calibration(path)
        if made.judge != judge.name:
            raise ConfigError(
                f"calibrations: {path} is of judge `{made.judge}`, the first judge here is `{judge.name}`",
                f"recusa calibrate --judge {judge.name} --labels LABELS.jsonl --out {path}",
            )
        if made.fingerprint != judge.fingerprint():
            raise ConfigError(
                f"calibrations: {path} was made with other settings or another version of judge `{judge.name}`",
                "calibrate again with the settings of this experiment; `recusa.calibrate` takes them as a table",
            )
        found += [_set(row, name, path.name) for name, row in _parts(made)]
    return tuple(found)


def packaged(judge: Any) -> list[Confusion]:
    """The package's own measurements of a judge, none where its settings are not those that were measured."""
    text = (files("recusa") / PACKAGED).read_text(encoding="utf-8")
    rows = json.loads(text).get(judge.name, [])
    if not rows or build("judges", judge.name).fingerprint() != judge.fingerprint():
        return []
    return [Confusion.model_validate(row) for row in rows]


def _parts(made: Calibration) -> Iterator[tuple[str, Confusion]]:
    """A calibration set by set; else by model, which it lists alone where each file holds one; else whole."""
    for by in ("set", "model"):
        rows = [row for row in made.rows if row.by == by]
        if rows:
            yield from ((row.value, row) for row in rows)
            return
    yield ", ".join(made.labels), made.rows[0]


def _set(row: Confusion, name: str, source: str) -> CalibrationSet:
    hit, spared = row.sensitivity.value, row.specificity.value
    return CalibrationSet(
        name=name,
        source=source,
        n=row.n,
        sensitivity=hit,
        specificity=spared,
        informative=hit is not None and spared is not None and Accuracy(hit, spared).information >= LEAST_INFORMATION,
    )


def with_bands(results: Results, sets: Sequence[CalibrationSet]) -> Results:
    """The results with the bands of the primary judge's rates and differences, all languages together."""
    accuracies = [
        Accuracy(one.sensitivity, one.specificity)
        for one in sets
        if one.informative and one.sensitivity is not None and one.specificity is not None
    ]
    shown = [row for row in results.rates if row.judge == results.primary_judge and row.language == ALL]
    compared = [row for row in results.comparisons if row.judge == results.primary_judge and row.language == ALL]
    update = {
        "sets": tuple(sets),
        "rate_bands": tuple(
            RateBand(arm=row.arm, attack=row.attack, kind=row.kind, judge=row.judge, rate=row.rate,
                     low=band.low, high=band.high)
            for row in shown
            if row.rate is not None and (band := rate_band(row.rate, accuracies))
        ),
        "change_bands": tuple(
            ChangeBand(baseline=row.baseline, arm=row.arm, attack=row.attack, kind=row.kind, judge=row.judge,
                       difference=row.difference, low=band.low, high=band.high, survives=band.low > 0 or band.high < 0)
            for row in compared
            if row.difference is not None and row.baseline_rate is not None and row.rate is not None
            and (band := difference_band(row.baseline_rate, row.rate, accuracies))
        ),
    }  # fmt: skip
    return results.model_copy(update={"judging": results.judging.model_copy(update=update)})
