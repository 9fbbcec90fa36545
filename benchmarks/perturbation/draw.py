"""Tables and pictures of a perturbation grid: python benchmarks/perturbation/draw.py RUN OUT

Reads the results and answers of a run folder and writes, beside each other in the second folder: `tables.md` (refusal
rates by k, paired differences from `resample` and from the arm without a defence, cost), `pairs.csv` with every
difference, and one picture per selector (SVG and PNG). Arms are told apart by their settings, not by their names.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recusa.report.pictures import png
from recusa.report.svg import WIDTH, Canvas, Figure
from recusa.results import ANSWERS, Results, load_results
from recusa.stats import Interval, holm, plain_change, wilson
from recusa.types import KINDS

CONTROL = "resample"
PLOT, GAP, NAME, HEAD = (
    62.0,
    26.0,
    92.0,
    34.0,
)  # a panel's height, the space round it, the names' width, the heads' height
Outcomes = Mapping[tuple[str, int], str]  # (prompt, sample) -> outcome; failed rows are absent


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm of the grid: how variants are made, how the answer is chosen, how many; why it failed, if it did."""

    arm: str
    operator: str
    selector: str
    k: int
    failed: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell against another arm on the same prompts of one kind."""

    cell: Cell
    other: str
    kind: str
    n: int
    gained: int
    lost: int
    difference: float
    interval: Interval
    p: float


def cells_of(results: Results) -> list[Cell]:
    """The arms with the perturbation defence, from the experiment as it was resolved."""
    reasons = {failed.arm: failed.reason for failed in results.failed_arms}
    found = []
    for arm in results.experiment["arms"]:
        defence = arm.get("defence") or {}
        if defence.get("name") == "perturbation":
            operator, selector = defence["operator"], defence["selector"]
            parts = [operator["name"], *(operator[key] for key in ("way",) if key in operator)]
            found.append(
                Cell(arm["name"], " ".join(parts), selector["name"], defence["k"], reasons.get(arm["name"], ""))
            )
    return found


def outcomes_of(folder: Path, judge: str) -> dict[tuple[str, str], dict[tuple[str, int], str]]:
    """(arm, kind) -> outcomes of the direct attack, by the given judge."""
    found: dict[tuple[str, str], dict[tuple[str, int], str]] = {}
    with (folder / ANSWERS).open(encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            outcome = row["verdicts"].get(judge, {}).get("outcome")
            if row["attack"] == "direct" and outcome is not None:
                found.setdefault((row["arm"], row["kind"]), {})[row["prompt_id"], row["sample"]] = outcome
    return found


def paired(cell: Cell, other: str, kind: str, before: Outcomes, after: Outcomes, alpha: float) -> Pair | None:
    """The difference cell minus other over the prompts both answered; None where there are none."""
    both = before.keys() & after.keys()
    if not both:
        return None
    was, now = ({key: said[key] == "refused" for key in both} for said in (before, after))
    gained, lost = sum(now[k] and not was[k] for k in both), sum(was[k] and not now[k] for k in both)
    found = plain_change(gained, lost, len(both), alpha)
    return Pair(cell, other, kind, len(both), gained, lost, found.difference, found.interval, found.p)


def pairs_of(
    cells: Sequence[Cell], said: Mapping[tuple[str, str], Outcomes], base: str, alpha: float
) -> Iterator[Pair]:
    """Every cell that did not fail against the arm without a defence, and against the control of its selector and k."""
    controls = {(cell.selector, cell.k): cell.arm for cell in cells if cell.operator == CONTROL}
    for cell in cells:
        others = [base] + [
            controls[key] for key in [(cell.selector, cell.k)] if cell.operator != CONTROL and key in controls
        ]
        for other in others if not cell.failed else []:
            for kind in KINDS:
                pair = paired(cell, other, kind, said.get((other, kind), {}), said.get((cell.arm, kind), {}), alpha)
                if pair is not None:
                    yield pair


def share(said: Outcomes) -> str:
    """A count, the rate and its Wilson interval."""
    refused, n = sum(outcome == "refused" for outcome in said.values()), len(said)
    if not n:
        return ""
    low, high = wilson(refused, n)
    return f"{refused}/{n} {refused / n:.1%} ({low:.1%} to {high:.1%})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def rate_tables(cells: Sequence[Cell], said: Mapping[tuple[str, str], Outcomes], results: Results) -> str:
    """Refusals of every arm, one table a kind."""
    plain = [arm for arm in results.arms if arm not in {cell.arm for cell in cells}]
    text = ""
    for kind in results.kinds:
        rows = [[arm, "", "", share(said.get((arm, kind), {}))] for arm in plain]
        rows += [
            [c.operator, c.selector, str(c.k), "failed arm" if c.failed else share(said.get((c.arm, kind), {}))]
            for c in cells
        ]
        text += f"\n### Refused: {kind}\n\n" + table(["operator or arm", "selector", "k", "refused"], rows)
    return text


def pair_table(pairs: Sequence[Pair]) -> str:
    """Paired differences with Tango's interval, McNemar's test and Holm over the whole table."""
    adjusted = holm([pair.p for pair in pairs])
    rows = [
        [
            p.cell.operator, p.cell.selector, p.cell.k, p.other, p.kind, p.n, f"{p.gained}, {p.lost}",
            f"{100 * p.difference:+.1f} ({100 * p.interval.low:+.1f} to {100 * p.interval.high:+.1f})",
            f"{p.p:.3g}", f"{q:.3g}",
        ]
        for p, q in zip(pairs, adjusted, strict=True)
    ]  # fmt: skip
    head = ["operator", "selector", "k", "against", "kind", "n", "gained, lost", "points", "p", "p, Holm"]
    return "\n### Paired differences\n\n" + table(head, rows)


def cost_table(cells: Sequence[Cell], results: Results) -> str:
    """What each cell asks on its own, a prompt; times are those of its calls when they were made."""
    known = {cost.arm: cost for cost in results.cost if cost.attack == "direct"}
    rows = []
    for cell in cells:
        cost = known[cell.arm]
        each = [cost.calls, cost.prompt_tokens, cost.answer_tokens, cost.writer_calls]
        each.append(cost.writer_prompt_tokens + cost.writer_answer_tokens)
        rejected = ", ".join(f"{n} {name}" for name, n in sorted(cost.rejected.items(), key=lambda pair: -pair[1])[:3])
        rows.append([
            cell.operator, cell.selector, cell.k, *(f"{number / cost.prompts:.1f}" for number in each),
            f"{cost.seconds / cost.prompts:.2f}", f"{cost.whole}/{cost.prompts}", cell.failed and "failed", rejected,
        ])  # fmt: skip
    head = ["operator", "selector", "k", "calls", "tokens in", "tokens out", "writer calls", "writer tokens", "seconds",
            "with all variants", "", "drafts rejected"]  # fmt: skip
    return "\n### Cost a prompt, each arm on its own\n\n" + table(head, rows)


def picture(selector: str, cells: Sequence[Cell], said: Mapping[tuple[str, str], Outcomes], results: Results) -> Figure:
    """Rates by k, a row an operator, a column a kind: the control in grey in every panel, the plain arm dotted."""
    canvas, kinds = Canvas(), [kind for kind in KINDS if kind in results.kinds]
    mine = [cell for cell in cells if cell.selector == selector]
    operators = [name for name in dict.fromkeys(cell.operator for cell in mine) if name != CONTROL] or [CONTROL]
    steps = sorted({cell.k for cell in mine})
    width = (WIDTH - NAME - GAP * len(kinds)) / len(kinds)
    for place, kind in enumerate(kinds):
        left = NAME + place * (width + GAP) + GAP
        canvas.marker(kind, left + 5, 10, f"mark-{kind}")
        canvas.text(left + 15, 14, f"{kind} prompts refused", "strong")
    data = []
    for row, operator in enumerate(operators):
        top = HEAD + row * (PLOT + GAP)
        canvas.text(0, top + PLOT / 2, operator, "strong")
        for place, kind in enumerate(kinds):
            left = NAME + place * (width + GAP) + GAP
            base = points(said.get((results.baseline, kind), {}), "original")
            panel(canvas, left, top, width, steps, kind, base, lines(mine, said, operator, kind, steps))
            data += [(operator, kind, k, n, rate) for k, n, rate in lines(mine, said, operator, kind, steps)[0]]
    height = HEAD + len(operators) * (PLOT + GAP) + 4
    note = f"Coloured: the operator. Grey: {CONTROL}. Dotted: {results.baseline}. Judge: {results.primary_judge}."
    title = f"Refusals by number of variants, selector {selector}"
    described = f"{title}: " + "; ".join(f"{o}, {kind}, k {k}: {r:.0%} of {n}" for o, kind, k, n, r in data)
    return Figure(f"by-k-{selector}", title, note, described, height, "".join(canvas.parts),
                  ("operator", "kind", "k", "n", "rate"), tuple(data))  # fmt: skip


Line = list[tuple[int, int, float]]  # (k, n, rate)


def points(said: Outcomes, what: str) -> float | None:
    """The share refused."""
    return sum(outcome == "refused" for outcome in said.values()) / len(said) if said else None


def lines(
    cells: Sequence[Cell], said: Mapping[tuple[str, str], Outcomes], operator: str, kind: str, steps: Sequence[int]
) -> tuple[Line, Line]:
    """The operator's points and the control's, where their arms did not fail."""
    found: dict[str, Line] = {operator: [], CONTROL: []}
    for name, line in found.items():
        for k in steps:
            cell = next((c for c in cells if (c.operator, c.k) == (name, k) and not c.failed), None)
            outcomes = said.get((cell.arm, kind), {}) if cell else {}
            rate = points(outcomes, name)
            if rate is not None:
                line.append((k, len(outcomes), rate))
    return found[operator], found[CONTROL]


def panel(
    canvas: Canvas, left: float, top: float, width: float, steps: Sequence[int], kind: str, base: float | None,
    both: tuple[Line, Line],
) -> None:  # fmt: skip
    """One plot from 0 to 100 %, its k equally spaced."""

    def at(k: int, rate: float) -> tuple[float, float]:
        return left + width * (steps.index(k) + 0.5) / len(steps), top + PLOT * (1 - rate)

    for rate in (0.0, 0.5, 1.0):
        canvas.line(left, at(steps[0], rate)[1], left + width, at(steps[0], rate)[1], "grid")
        canvas.text(left - 4, at(steps[0], rate)[1] + 4, f"{rate:.0%}", "small soft", "end")
    for k in steps:
        canvas.text(at(k, 0)[0], top + PLOT + 13, f"k={k}", "small soft", "middle")
    if base is not None:
        canvas.line(left, at(steps[0], base)[1], left + width, at(steps[0], base)[1], "guide")
    mine, control = both
    for line, css in ((control, "quiet"), (mine, kind)):
        spots = [at(k, rate) for k, _, rate in line]
        if len(spots) > 1:
            canvas.path(spots, f"line-{css}")
        for x, y in spots:
            canvas.marker(kind, x, y, f"mark-{css}", 3.5)
    if not mine:
        canvas.text(left + width / 2, top + PLOT / 2, "failed arms", "small soft halo", "middle")


def write(folder: Path, out: Path, judge: str | None) -> None:
    """All tables and pictures of a run."""
    results = load_results(folder)
    said = outcomes_of(folder, judge or results.primary_judge)
    cells = cells_of(results)
    if not cells:
        raise SystemExit(f"{folder}: no arm has the defence `perturbation`")
    pairs = list(pairs_of(cells, said, results.baseline, results.alpha))
    out.mkdir(parents=True, exist_ok=True)
    head = f"# {results.name}\n\nJudge: {judge or results.primary_judge}. Digest {results.digest}.\n"
    failed = "".join(f"- {cell.arm}: {cell.failed}\n" for cell in cells if cell.failed)
    head += f"\nFailed arms:\n\n{failed}" if failed else ""
    text = head + rate_tables(cells, said, results) + pair_table(pairs) + cost_table(cells, results)
    (out / "tables.md").write_text(text, encoding="utf-8")
    with (out / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["operator", "selector", "k", "against", "kind", "n", "gained", "lost", "points", "low", "high", "p"]
        )
        writer.writerows(
            [
                p.cell.operator,
                p.cell.selector,
                p.cell.k,
                p.other,
                p.kind,
                p.n,
                p.gained,
                p.lost,
                p.difference,
                *p.interval,
                p.p,
            ]
            for p in pairs
        )
    for selector in dict.fromkeys(cell.selector for cell in cells):
        figure = picture(selector, cells, said, results)
        (out / f"{figure.name}.svg").write_text(figure.file(), encoding="utf-8")
        (out / f"{figure.name}.png").write_bytes(png(figure.file()))
    print(f"{len(cells)} cells, {len(pairs)} comparisons; written to {out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that `recusa run` wrote")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--judge", help="another judge of the run than its primary one")
    given = parser.parse_args()
    write(given.run, given.out, given.judge)
