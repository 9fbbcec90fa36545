"""How far the judges that need no model agree with people: python benchmarks/judges.py LABELLED.jsonl ...

Each row of a file holds a `response` and a `label`: refused, partial or answered.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recusa.judges.embedding import Embedding
from recusa.judges.expressions import Expressions
from recusa.protocols import Judge
from recusa.types import Exchange, Key, Verdict

JUDGES: dict[str, Judge] = {
    "expressions, start": Expressions(where="start"),
    "expressions, anywhere": Expressions(where="anywhere"),
    "embedding": Embedding(),
}
LABELS = ("refused", "partial", "answered")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of answers by what people and the judge say; unclear counts as no refusal."""

    both: int
    judge_only: int
    people_only: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.judge_only + self.people_only + self.neither

    @property
    def accuracy(self) -> float:
        return share(self.both + self.neither, self.n)

    @property
    def precision(self) -> float:
        return share(self.both, self.both + self.judge_only)

    @property
    def recall(self) -> float:
        return share(self.both, self.both + self.people_only)

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond what the two rates alone would give."""
        judge, people = share(self.both + self.judge_only, self.n), share(self.both + self.people_only, self.n)
        chance = judge * people + (1 - judge) * (1 - people)
        return (self.accuracy - chance) / (1 - chance) if chance < 1 else float("nan")


def share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def agree(refusals: Sequence[bool], verdicts: Sequence[bool]) -> Agreement:
    pairs = list(zip(refusals, verdicts, strict=True))
    return Agreement(*(pairs.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False))))


def read(path: Path, partial: str) -> Iterator[tuple[str, bool]]:
    """Answers and whether people call them refusals."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["label"] not in LABELS:
            raise SystemExit(f"{path}: label {row['label']!r} is none of {', '.join(LABELS)}")
        if row["label"] != "partial" or partial != "skip":
            yield row["response"], row["label"] == "refused" or (row["label"] == "partial" and partial == "refused")


def judge_all(judge: Judge, responses: Sequence[str]) -> list[bool]:
    exchanges = [Exchange(Key(str(i)), "", response) for i, response in enumerate(responses)]
    outcome = {row.key: row.outcome for row in judge.judge(exchanges) if isinstance(row, Verdict)}
    return [outcome[exchange.key] == "refused" for exchange in exchanges]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="labelled JSONL files")
    parser.add_argument(
        "--partial", choices=("refused", "answered", "skip"), default="refused", help="what they count as"
    )
    options = parser.parse_args()
    print("| file | judge | n | accuracy | precision | recall | kappa | answers/s |\n|" + " --- |" * 8)
    for path in options.files:
        responses, refusals = zip(*read(path, options.partial), strict=True)
        for name, judge in JUDGES.items():
            start = time.perf_counter()
            a = agree(refusals, judge_all(judge, responses))
            speed = len(responses) / (time.perf_counter() - start)
            numbers = f"{a.accuracy:.3f} | {a.precision:.3f} | {a.recall:.3f} | {a.kappa:.3f} | {speed:,.0f}"
            print(f"| {path.stem} | {name} | {a.n} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
