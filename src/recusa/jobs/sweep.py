"""`recusa sweep`: the run of an experiment with many arms, and what it found as `sweep.json` and `sweep.csv`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recusa.config import Experiment
from recusa.frontier import Frontier, SweepSettings
from recusa.results import Results

JSON, CSV = "sweep.json", "sweep.csv"
SCHEMA = 1


def as_sweep(experiment: Experiment) -> Experiment:
    """The experiment as a sweep, with the usual caps where it names none."""
    return experiment if experiment.sweep is not None else experiment.model_copy(update={"sweep": SweepSettings()})


def write_sweep(results: Results, folder: Path) -> None:
    """Write both files beside the results, each whole or not at all; the frontier must be there."""
    frontier = results.frontier
    assert frontier is not None, "a sweep's results have a frontier: its prompts are checked first"
    adapters = adapters_of(results)
    content = {
        "schema": SCHEMA,
        "name": results.name,
        "results_digest": results.digest,
        **frontier.model_dump(mode="json"),
        "adapters": adapters,
    }
    _write(folder / JSON, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    rows = list(_rows(results, frontier, adapters))
    table = io.StringIO()
    writer = csv.DictWriter(table, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(folder / CSV, table.getvalue())


def adapters_of(results: Results) -> dict[str, str]:
    """Each arm's adapter folder: below the workspace where it was trained here, else as the experiment names it."""
    trained = {training.arm: f"adapters/{training.fingerprint}" for training in results.training}
    given = {str(arm["name"]): str(arm["adapter"]) for arm in results.experiment["arms"] if arm.get("adapter")}
    return {**given, **trained}


def _rows(results: Results, frontier: Frontier, adapters: dict[str, str]) -> Iterator[dict[str, Any]]:
    trainings = {training.arm: training for training in results.training}
    for point in frontier.points:
        row: dict[str, Any] = {
            "arm": point.arm,
            "recommended": point.arm == frontier.recommended,
            "baseline": point.arm == frontier.baseline,
            "failed": point.failed,
            "points_over_caps": "" if point.failed else point.over,
            "surely_within_caps": "" if point.failed else point.sure,
            "dominated_by": " ".join(one.by for one in point.beaten),
            "clearly_dominated_by": " ".join(point.clearly),
        }
        for name, side in (*point.sides.items(), *((f"harmful_{a}", side) for a, side in point.attacked.items())):
            row |= {f"{name}_{key}": value for key, value in side.model_dump().items()}
        training = trainings.get(point.arm)
        if training is not None:
            row |= {
                "recipe": training.recipe,
                "steps": training.steps,
                "kept_step": training.choosing.kept if training.choosing else training.steps,
                "trained_tokens_a_pass": training.trained_tokens,
                "training_seconds": round(training.seconds, 1),
            }
        yield {**row, "adapter": adapters.get(point.arm, "")}


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
