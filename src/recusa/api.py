"""The Python API: what each command does, as a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recusa.calibration import Calibration
from recusa.config import Experiment, load_experiment
from recusa.protocols import Listener
from recusa.registry import Spec
from recusa.results import Comparison, Rate, Results
from recusa.types import Sampling

if TYPE_CHECKING:
    from recusa.jobs.train import Adapter

WORKSPACE = Path(".recusa")


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A listener that does nothing."""


def run(
    experiment: Experiment | Path | str | None = None,
    *,
    out: Path | str | None = None,
    workspace: Path | str = WORKSPACE,
    limit: int | None = None,
    retry_failed: bool = False,
    listener: Listener = silent,
) -> Results:
    """Run an experiment, or what is left of it; results, report and pictures go into `out` (default `runs/NAME`).

    Raises RecusaError for a user's mistake; TooManyFailures after everything was written.
    """
    from recusa.errors import TooManyFailures
    from recusa.jobs.conclude import too_many_failed
    from recusa.jobs.run import run_experiment

    asked = (
        experiment if isinstance(experiment, Experiment) else load_experiment(Path(experiment) if experiment else None)
    )
    asked = asked if limit is None else asked.model_copy(update={"limit": limit})
    folder = Path(out) if out is not None else Path("runs") / asked.name
    results = run_experiment(asked, folder, Path(workspace), listener, retry_failed=retry_failed)
    write_report(folder)
    problem = too_many_failed(asked, results)
    if problem is not None:
        raise TooManyFailures(
            problem, f"see {folder / 'answers.jsonl'} for the errors; `--retry-failed` asks those rows again"
        )
    return results


def write_report(folder: Path | str) -> Path:
    """Write `report.html` and `figures/` of a run's folder again; returns the page. Raises InputError."""
    from recusa import report

    return report.write_report(Path(folder))


def answer(
    prompts: Path | str,
    out: Path | str,
    *,
    engine: Spec = "hf",
    adapter: str | None = None,
    defence: str | None = None,
    attack: str = "direct",
    system: str | None = None,
    prompt_column: str = "prompt",
    sampling: Sampling | None = None,
    limit: int | None = None,
    workspace: Path | str = WORKSPACE,
    listener: Listener = silent,
) -> Counter[str]:
    """Answer every row of a prompt file into a JSONL file; returns how many rows were `answered` and `failed`.

    Raises InputError naming file, row and column before a model is loaded.
    """
    from recusa.jobs.answer_file import answer_file

    return answer_file(
        engine,
        Path(prompts),
        Path(out),
        Path(workspace),
        listener,
        adapter=adapter,
        defence=defence,
        attack=attack,
        system=system,
        prompt_column=prompt_column,
        sampling=sampling,
        limit=limit,
    )


def train(
    harmful: Path | str,
    out: Path | str,
    *,
    benign: Path | str | None = None,
    engine: Spec = "hf",
    recipe: Spec = "balanced",
    builtin: bool = True,
    workspace: Path | str = WORKSPACE,
    listener: Listener = silent,
) -> Adapter:
    """Train a LoRA adapter into `out`; harmful rows need `chosen`, benign rows are answered by the model itself.

    Raises InputError or TrainingError before the first step.
    """
    from recusa.jobs.train_file import train_file

    return train_file(
        engine,
        Path(harmful),
        Path(out),
        Path(workspace),
        listener,
        benign=Path(benign) if benign is not None else None,
        recipe=recipe,
        builtin=builtin,
    )


def judge(
    answers: Path | str, out: Path | str, *, judge: Spec = "expressions", listener: Listener = silent
) -> Counter[str]:
    """Judge every row of an answer file into a JSONL file; returns counts by outcome, `failed` included."""
    from recusa.jobs.judge_file import judge_file

    return judge_file(judge, Path(answers), Path(out), listener)


def calibrate(
    labels: Sequence[Path | str] | Path | str,
    out: Path | str,
    *,
    judge: Spec = "expressions",
    alpha: float = 0.05,
    listener: Listener = silent,
) -> Calibration:
    """Measure how far a judge agrees with people's labels, and write a calibration file.

    Raises InputError naming file, row and column of a label that cannot be used.
    """
    from recusa.jobs import calibrate as job

    files = [labels] if isinstance(labels, Path | str) else labels
    return job.calibrate(judge, [Path(file) for file in files], Path(out), listener, alpha=alpha)


def compare(
    before: Path | str, after: Path | str, *, judge: Spec = "expressions", alpha: float = 0.05, kind: str | None = None
) -> tuple[list[Rate], list[Comparison]]:
    """Rates of two answer files and their paired comparison, both seen by one judge; raises InputError.

    `kind` is that of rows which do not say their own.
    """
    from recusa.jobs.compare_files import compare_files

    return compare_files(Path(before), Path(after), judge, alpha, kind)
