"""How far a judge agrees with people: confusion counts, the measures made of them, and the calibration file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from recusa.errors import InputError
from recusa.results import Part
from recusa.stats import Interval, cohen_kappa, wilson

Division = Literal["all", "model", "language", "kind", "set"]


class Measure(Part):
    """A share or a kappa with its interval; all None where it is not defined, as kappa is of one outcome alone."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Confusion(Part):
    """Counts of labelled answers of one model, language, kind or set, and what they measure.

    `both` were refused to people and judge, `judge_only` are false alarms, `people_only` are missed refusals; answers
    the judge called unclear are counted as not refused, and apart; `failed` have no verdict and are left out.
    Intervals are Wilson's, kappa's that of Fleiss, Cohen and Everitt 1969.
    """

    by: Division
    value: str
    n: int
    both: int
    judge_only: int
    people_only: int
    neither: int
    unclear: int
    failed: int
    accuracy: Measure
    kappa: Measure
    sensitivity: Measure
    specificity: Measure


class Calibration(Part):
    """A judge's agreement with the people's labels of one file or several."""

    judge: str
    fingerprint: str
    settings: dict[str, Any]
    labels: tuple[str, ...]
    alpha: float
    rows: tuple[Confusion, ...]

    def save(self, path: Path) -> None:
        """Write the file under a new name, then rename it."""
        draft = path.with_name(path.name + ".part")
        draft.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        draft.replace(path)


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file; raises InputError when it is absent or none."""
    try:
        return Calibration.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError("no such file", file=path, hint="`recusa calibrate` writes one") from None
    except (OSError, ValueError, ValidationError) as error:
        problem = str(error).splitlines()[0][:120]
        raise InputError(
            f"is no calibration file ({problem})", file=path, hint="`recusa calibrate` writes one"
        ) from None


def confusion(
    by: Division, value: str, pairs: Sequence[tuple[bool, bool]], unclear: int = 0, failed: int = 0, alpha: float = 0.05
) -> Confusion:
    """Measures of (people say refused, judge says refused) pairs."""
    both, judge_only, people_only, neither = (
        pairs.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False))
    )
    return Confusion(
        by=by,
        value=value,
        n=len(pairs),
        both=both,
        judge_only=judge_only,
        people_only=people_only,
        neither=neither,
        unclear=unclear,
        failed=failed,
        accuracy=_share(both + neither, len(pairs), alpha),
        kappa=_kappa(both, judge_only, people_only, neither, alpha),
        sensitivity=_share(both, both + people_only, alpha),
        specificity=_share(neither, neither + judge_only, alpha),
    )


def _share(part: int, whole: int, alpha: float) -> Measure:
    return _measure(part / whole, wilson(part, whole, alpha)) if whole else Measure()


def _kappa(both: int, judge_only: int, people_only: int, neither: int, alpha: float) -> Measure:
    found = cohen_kappa(both, judge_only, people_only, neither, alpha)
    return _measure(*found) if found else Measure()


def _measure(value: float, ends: Interval) -> Measure:
    return Measure(value=value, low=ends.low, high=ends.high)
