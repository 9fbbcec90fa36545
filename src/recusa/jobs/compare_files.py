"""`recusa compare`: two answer files, the same prompts, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recusa.errors import InputError
from recusa.jobs.compare import comparisons, rates
from recusa.jobs.sides import AnswerFile, judged, said_by
from recusa.protocols import silent
from recusa.registry import Spec, build
from recusa.results import Comparison, Rate


def compare_files(
    before: Path, after: Path, judge: Spec, alpha: float = 0.05, kind: str | None = None
) -> tuple[list[Rate], list[Comparison]]:
    """Rates of both files and their paired comparison; `kind` is that of rows which do not say their own.

    Both are seen by one judge: an `outcome` of another judge is judged anew, one without a judge (a person's) is kept.

    Raises InputError when a file lacks what is needed or the two share no prompt.
    """
    if before.resolve() == after.resolve():
        raise InputError("is compared with itself", file=after, hint="give two files")
    made: Any = build("judges", judge)
    names = (before.stem, after.stem) if before.stem != after.stem else (str(before), str(after))
    files = zip(names, (before, after), strict=True)
    said = [(name, said_by(AnswerFile(file), made.name, kind)) for name, file in files]
    first, second = ({one.name for one in its} for _, its in said)
    if not first & second:
        raise InputError(f"shares no prompt with {before}", file=after, hint="compare answers to the same prompts")
    rows = [row for its in judged(said, made, silent, "judge").values() for row in its]
    return rates(rows, names, alpha), comparisons(rows, names, names[0], alpha)
