"""Kill a run at random moments and finish it: does it end with the digest of an undisturbed run?

    python benchmarks/kills.py EXPERIMENT.toml --kills 20 [--seed 0]

Each kill is SIGKILL after a random part of the time the undisturbed run took. Prints one line a kill and the two
digests; the exit code is 0 when they are equal.
"""

from __future__ import annotations

import argparse
import json
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
        for number in range(1, asked.kills + 1):
            wait = rng.uniform(0.05, 0.95) * whole / (1 + number / asked.kills)
            run = subprocess.Popen(
                command(asked.experiment, rough), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                run.wait(wait)
                print(f"kill {number}: it had finished before {wait:.1f} s", flush=True)
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
                print(f"kill {number}: after {wait:.1f} s", flush=True)
        subprocess.run(command(asked.experiment, rough), check=True, capture_output=True)
        print(f"finished: digest {digest(rough)}, {'equal' if digest(rough) == digest(calm) else 'DIFFERENT'}")
        return 0 if digest(rough) == digest(calm) else 1


if __name__ == "__main__":
    sys.exit(main())
