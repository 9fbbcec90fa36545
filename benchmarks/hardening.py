"""What a recipe does to the embedded model on public sets: python benchmarks/hardening.py PUBLIC_FOLDER --work DIR

Trains on 800 published refusals and 2,400 instructions without answers (and the prompts that come with recusa), asks
harmful, borderline and benign prompts that share nothing with them, directly and with a begun answer, and prints a
table: refused of judged with Wilson's interval, and the rise above the untrained model. `--recipe` takes a name or a
TOML file with settings; `--adapter` measures a folder that is trained already.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from recusa import api
from recusa.jobs.train_file import packaged_prompts
from recusa.near import near_copies
from recusa.stats import wilson
from recusa.types import Prompt

HARMFUL_ROWS, BENIGN_ROWS, BENIGN_ASKED = 800, 2400, 200
HARMFUL = (
    "advbench.csv",
    "catqa.jsonl",
    "harmbench_standard.jsonl",
    "jailbreakbench.jsonl",
    "simple_safety_tests.jsonl",
)
NEAR = 0.7  # share of words in common from which a prompt counts as trained on
Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """The rows of a published file; AdvBench's column is `goal`."""
    with path.open(encoding="utf-8", newline="") as lines:
        if path.suffix == ".csv":
            return [{"prompt": row["goal"], "kind": "harmful"} for row in csv.DictReader(lines)]
        return [json.loads(line) for line in lines]


def drawn(rows: Iterable[Row], seed: int) -> list[Row]:
    """Rows in an order that depends on their prompts and the seed alone."""
    return sorted(rows, key=lambda row: sha256(f"{seed}|{row['prompt']}".encode()).digest())


def write(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def prepare(public: Path, work: Path, seed: int) -> dict[str, Path]:
    """The files to train on and to ask, near-copies of what is trained on left out of the latter."""
    harmful = drawn(rows_of(public / "training" / "safety_tuned_llamas.jsonl"), seed)[:HARMFUL_ROWS]
    instructions = drawn(rows_of(public / "benign" / "alpaca_instructions.jsonl"), seed)
    benign, unseen = instructions[:BENIGN_ROWS], instructions[BENIGN_ROWS:]
    trained = [row["prompt"] for row in (*harmful, *benign)]
    trained += [prompt.text for prompt in packaged_prompts([Prompt("", "harmful")])]
    xstest = rows_of(public / "borderline" / "xstest_prompts.jsonl")
    asked = {
        "harmful": [{**row, "set": name} for name in HARMFUL for row in rows_of(public / "harmful" / name)],
        "benign": [*rows_of(public / "benign" / "mt_bench.jsonl"), *unseen[: BENIGN_ASKED * 2]],
        "borderline": [row for row in xstest if row["kind"] == "borderline"],
        "unsafe": [row for row in xstest if row["kind"] == "harmful"],
    }
    files = {"H": write(work / "H.jsonl", harmful), "B": write(work / "B.jsonl", benign)}
    for name, rows in asked.items():
        fresh = list(unlike(rows, trained))
        if name == "benign":
            fresh = fresh[: len(rows) - BENIGN_ASKED]  # a reserve stood in for near-copies
        print(f"{name}: {len(fresh)} of {len(rows)} prompts asked", file=sys.stderr)
        files[name] = write(work / f"ask-{name}.jsonl", fresh)
    return files


def unlike(rows: Sequence[Row], trained: Sequence[str]) -> Iterator[Row]:
    """The rows that repeat no other of them and are no near-copy of what is trained on."""
    texts = [*trained, *(row["prompt"] for row in rows)]
    first = len(trained)
    copies = {other for one, other, _ in near_copies(texts, NEAR) if one < first <= other}
    seen = set(trained)
    for place, row in enumerate(rows, start=first):
        if place not in copies and row["prompt"] not in seen:
            seen.add(row["prompt"])
            yield row


def outcomes(engine: Row, adapter: Path | None, asked: Path, attack: str, work: Path) -> list[str | None]:
    """What the detector makes of the answers to a file, in its order; answers are kept in `work`."""
    name = f"{asked.stem}-{attack.replace(':', '-')}-{adapter.name if adapter else 'base'}"
    said, judged = work / f"{name}.jsonl", work / f"{name}.judged.jsonl"
    api.answer(
        asked, said, engine=engine, adapter=str(adapter) if adapter else None, attack=attack, workspace=work / "store"
    )
    api.judge(said, judged)
    return [row["outcome"] for row in rows_of(judged)]


def told(found: Sequence[str | None], base: Sequence[str | None]) -> str:
    """Refused of judged with its interval, the rise above the base in points, and what was answered and unclear."""
    judged = [outcome for outcome in found if outcome]
    refused, n = judged.count("refused"), len(judged)
    low, high = wilson(refused, n, 0.05)
    before = [outcome for outcome in base if outcome]
    rise = 100 * (refused / n - before.count("refused") / len(before))
    return (
        f"{refused}/{n} | {100 * refused / n:.1f} % | {100 * low:.1f} to {100 * high:.1f} | {rise:+.1f} | "
        f"{100 * judged.count('answered') / n:.1f} % | {100 * judged.count('unclear') / n:.1f} %"
    )


def recipe_of(said: str) -> Any:
    return tomllib.loads(Path(said).read_text(encoding="utf-8")) if said.endswith(".toml") else said


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("public", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--recipe", default="balanced")
    parser.add_argument("--adapter", type=Path, help="measure this folder, train nothing")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--attack", action="append", default=[], help="ask harmful prompts so too, such as prefill:10")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prepare", action="store_true", help="write the files and stop")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    files = prepare(asked.public, asked.work, asked.seed)
    if asked.prepare:
        return
    engine = {"name": "hf", "model": asked.model}
    adapter = asked.adapter or asked.work / f"adapter-{Path(asked.recipe).stem}"
    if asked.adapter is None:
        api.train(
            files["H"], adapter, benign=files["B"], engine=engine, recipe=recipe_of(asked.recipe),
            workspace=asked.work / "store",
        )  # fmt: skip
    print("| asked | attack | arm | refused | share | interval | above base | answered | unclear |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in ("harmful", "unsafe", "borderline", "benign"):
        for attack in ("direct", *(asked.attack if name == "harmful" else ())):
            base = outcomes(engine, None, files[name], attack, asked.work)
            found = outcomes(engine, adapter, files[name], attack, asked.work)
            for arm, said in (("base", base), (adapter.name, found)):
                print(f"| {name} | {attack} | {arm} | {told(said, base)} |", flush=True)


if __name__ == "__main__":
    main()
