"""How far judges agree with people, a row a judge: python benchmarks/judges.py LABELLED.jsonl ... [--lists TSV]

Each row of a file holds a `response` and a `label`: refused, partial, answered or unclear; partial counts as refused,
unclear as not. A list of phrases (columns `phrase` and `sources`, the projects that use it, split by `;`) is read as
those projects read theirs: an answer that holds one of their phrases, in any case, refuses.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from recusa.calibration import Confusion, confusion
from recusa.jobs.calibrate import Labelled, read_labelled
from recusa.registry import build
from recusa.types import Exchange, Key, Verdict

Judging = Callable[[Sequence[Labelled]], tuple[list[bool], int]]  # says refused, and how many were unclear
JUDGES = ("detector", "expressions", "embedding")


def by_judge(name: str) -> Judging:
    """A judge of the project."""
    judge = build("judges", name)

    def judging(rows: Sequence[Labelled]) -> tuple[list[bool], int]:
        exchanges = [Exchange(Key(str(i)), row.prompt, row.response or "", row.stop) for i, row in enumerate(rows)]
        said = {v.key: v.outcome for v in judge.judge(exchanges) if isinstance(v, Verdict)}
        return [said[e.key] == "refused" for e in exchanges], sum(o == "unclear" for o in said.values())

    return judging


def by_list(phrases: Iterable[str]) -> Judging:
    """A published list: any of its phrases anywhere in the answer."""
    known = [phrase.casefold() for phrase in phrases]
    return lambda rows: ([any(p in (row.response or "").casefold() for p in known) for row in rows], 0)


def published(path: Path, fewest: int) -> dict[str, Judging]:
    """The lists of a table of phrases by project, those of at least so many phrases; equal lists are one."""
    lists: defaultdict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            for source in row["sources"].split(";"):
                lists[source.strip()].add(row["phrase"])
    same: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for name, phrases in sorted(lists.items()):
        if len(phrases) >= fewest:
            same[frozenset(phrases)].append(name)
    return {f"{' = '.join(names)} ({len(phrases)})": by_list(phrases) for phrases, names in same.items()}


def measured(judging: Judging, files: dict[str, list[Labelled]]) -> tuple[list[Confusion], float]:
    """One confusion a file, and answers per second over all."""
    found, spent = [], 0.0
    for name, rows in files.items():
        start = time.perf_counter()
        verdicts, unclear = judging(rows)
        spent += time.perf_counter() - start
        pairs = [(row.label, refused) for row, refused in zip(rows, verdicts, strict=True)]
        found.append(confusion("set", name, pairs, unclear))
    return found, sum(map(len, files.values())) / spent


def cells(row: Confusion) -> str:
    kappa, alarms = row.kappa.value, row.specificity.value
    shown = "-" if kappa is None else f"{kappa:.3f}"
    return f"{shown} / {'-' if alarms is None else f'{1 - alarms:.1%}'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="labelled JSONL files")
    parser.add_argument("--judges", nargs="*", default=JUDGES, help="judges of the project")
    parser.add_argument("--lists", type=Path, help="TSV of published phrases")
    parser.add_argument("--fewest", type=int, default=5, help="phrases a published list must have to be shown")
    parser.add_argument("--save", type=Path, help="JSON file that gets the confusions of the project's judges")
    options = parser.parse_args()
    files = {path.stem: list(read_labelled(path)) for path in options.files}
    print("kappa / false positive rate; answers per second, this machine\n")
    print(f"| judge | {' | '.join(f'{name} ({len(rows)})' for name, rows in files.items())} | answers/s |")
    print("|" + " --- |" * (len(files) + 2))
    kept: dict[str, list[object]] = {}
    judgings = {name: by_judge(name) for name in options.judges}
    for name, judging in {**judgings, **(published(options.lists, options.fewest) if options.lists else {})}.items():
        rows, speed = measured(judging, files)
        print(f"| {name} | {' | '.join(map(cells, rows))} | {speed:,.0f} |", flush=True)
        if name in judgings:
            kept[name] = [row.model_dump(mode="json") for row in rows]
    if options.save:
        options.save.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
