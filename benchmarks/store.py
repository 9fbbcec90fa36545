"""A store with many answers: python benchmarks/store.py [--answers 100000] [--work DIR]

Prompts are the built-in ones with a number each, the engine is `scripted`, five arms. Printed are seconds and peak
memory of the run, of the same command again (nothing is left to do), of comparing anew, and of the report.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from recusa.sources.builtin import Builtin

ARMS = 5
WORDS = ("can't steal", "weapon", "poison", "the", "how")  # what each arm refuses


def experiment(folder: Path, answers: int) -> Path:
    """Write the prompts and the experiment."""
    prompts = [prompt for prompt in Builtin().prompts() if prompt.language == "en"]
    rows = []
    for place in range(answers // ARMS):
        prompt = prompts[place % len(prompts)]
        rows.append({"prompt": f"{prompt.text} ({place})", "kind": prompt.kind, "category": prompt.category})
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "prompts.jsonl").write_text(lines, encoding="utf-8")
    engine = 'engine = {{ name = "scripted", refuse = ["{}"], share = 0.{} }}\n'
    arms = "".join(
        f'[[arms]]\nname = "arm-{place}"\n' + engine.format(word, place + 4) for place, word in enumerate(WORDS)
    )
    file = folder / "many.toml"
    file.write_text(
        'name = "many"\njudges = ["detector", "expressions"]\n'
        f'[[sources]]\nname = "file"\npath = "{folder}/prompts.jsonl"\n'
        f'[split]\ntest = 1.0\n[engine]\nname = "scripted"\n{arms}',
        encoding="utf-8",
    )
    return file


def timed(what: str, command: Sequence[str]) -> None:
    """Run, and print how long it took and how much memory it had."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "recusa", *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    print(f"| {what} | {seconds:.1f} s | {used.ru_maxrss / 1024:.0f} MiB |", flush=True)
    if status:
        raise SystemExit(f"`recusa {' '.join(command)}` failed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--work", type=Path)
    asked = parser.parse_args()
    folder = asked.work or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    places = ["--out", str(folder / "run"), "--workspace", str(folder / "store")]
    file = str(experiment(folder, asked.answers))
    print("| step | time | peak memory |\n| --- | --- | --- |")
    timed("run, from nothing", ["run", file, *places])
    timed("the same again: nothing is left to do", ["run", file, *places])
    shutil.rmtree(folder / "run")
    timed("answers and verdicts kept; compare and report", ["run", file, *places])
    timed("report alone", ["report", str(folder / "run")])
    if asked.work is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
