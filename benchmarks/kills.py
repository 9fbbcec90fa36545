"""Kill a run at random moments and finish it: does it end with the digest of an undisturbed run?

    python benchmarks/kills.py EXPERIMENT.toml --kills 20 [--seed 0]

Each kill is SIGKILL after a random part of the time the undisturbed run took. A run that gets to its end is compared
and begun anew, until all kills have landed and the last run is finished; the exit code is 0 when all digests are equal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random


def command(experiment: str, folder: Path) -> list[str]:
    """The run in a folder of its own."""
    places = ["--out", str(folder / "out"), "--workspace", str(folder / "workspace")]
    return [sys.executable, "-m", "recusa", "run", experiment, *places]


def digest(folder: Path) -> str:
    """The digest that a finished run states."""
    return str(json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))["digest"])


def main() -> int:
    """Run undisturbed, then kill, then finish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = Random(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        calm, rough = Path(place) / "calm", Path(place) / "rough"
        start = time.monotonic()
        subprocess.run(command(asked.experiment, calm), check=True, capture_output=True)
        whole = time.monotonic() - start
        print(f"undisturbed: {whole:.1f} s, digest {digest(calm)}", flush=True)
        landed = 0
        while True:
            nowhere = subprocess.DEVNULL
            run = subprocess.Popen(command(asked.experiment, rough), stdout=nowhere, stderr=nowhere)
            wait = rng.uniform(0.1, 0.7) * whole if landed < asked.kills else None
            try:
                run.wait(wait)
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
                landed += 1
                print(f"kill {landed}: after {wait:.1f} s", flush=True)
                continue
            if digest(rough) != digest(calm):
                print(f"DIFFERENT after {landed} kills: {digest(rough)}")
                return 1
            print(f"finished after {landed} kills, digest equal", flush=True)
            if landed == asked.kills:
                return 0
            shutil.rmtree(rough)


if __name__ == "__main__":
    sys.exit(main())
