"""The part of the Python API that judges: verdicts, why, how good a judge is, two files compared, people's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recusa.calibration import Calibration
from recusa.judges import DEFAULT
from recusa.protocols import Listener, silent
from recusa.registry import Spec
from recusa.results import Comparison, Rate, Results

if TYPE_CHECKING:
    from recusa.jobs.label import Question, Reply
    from recusa.judges.detector import Explanation


def judge(answers: Path | str, out: Path | str, *, judge: Spec = DEFAULT, listener: Listener = silent) -> Counter[str]:
    """Judge every row of an answer file into a JSONL file; returns counts by outcome, `failed` included."""
    from recusa.jobs.judge_file import judge_file

    return judge_file(judge, Path(answers), Path(out), listener)


def explain(answers: Path | str, row: int, *, judge: Spec = DEFAULT) -> Explanation:
    """Why a judge says what it says of one row of an answer file; 1 is the first. Raises InputError, ConfigError."""
    from recusa.jobs.judge_file import explain_row

    return explain_row(judge, Path(answers), row)


def calibrate(
    labels: Sequence[Path | str] | Path | str,
    out: Path | str,
    *,
    judge: Spec = DEFAULT,
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
    before: Path | str, after: Path | str, *, judge: Spec = DEFAULT, alpha: float = 0.05, kind: str | None = None
) -> tuple[list[Rate], list[Comparison]]:
    """Rates of two answer files and their paired comparison, both seen by one judge; raises InputError.

    `kind` is that of rows which do not say their own.
    """
    from recusa.jobs.compare_files import compare_files

    return compare_files(Path(before), Path(after), judge, alpha, kind)


def label(
    folder: Path | str,
    ask: Callable[[Question], Reply],
    *,
    n: int = 50,
    seed: int = 0,
    rater: str = "person",
    language: str = "en",
) -> Results:
    """Have a person label a random sample of a run's answers, and write its results and report with the estimates.

    `ask` is given one answer at a time, without its arm, and returns `refused`, `partial`, `answered`, `unclear`,
    `skip`, `back` or `quit`. `language` is the report's. Raises InputError for a folder without a run or a label that
    cannot be used.
    """
    from recusa.jobs import label as job
    from recusa.report import write_report
    from recusa.report.languages import locale_of

    locale_of(language)  # before a person is asked
    results = job.label(Path(folder), ask, n=n, seed=seed, rater=rater)
    write_report(Path(folder), language=language)
    return results
