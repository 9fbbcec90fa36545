"""Fit the detector and write its weights: python -m benchmarks.detector.fit

It takes the labelled sets of the public data folder (RECUSA_PUBLIC_DATA) and the examples beside this file, and writes
`src/recusa/judges/data/detector_weights.tsv`. A minute on one core; the same input gives the same file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.detector.model import calibrate, fit, left_out, prepare, shipped
from benchmarks.detector.rows import HELD, HERE, load

TARGET = Path(HERE).parents[1] / "src" / "recusa" / "judges" / "data" / "detector_weights.tsv"


def main() -> None:
    data = prepare(load())
    everything = fit(data, np.ones(len(data.rows), dtype=bool))
    calibration = calibrate(data, left_out(data, everything, unscored=HELD))
    weights = shipped(data, everything, calibration)
    lines = ["feature\tweight", *(f"{name}\t{weight}" for name, weight in weights.items())]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    size = TARGET.stat().st_size / 1e6
    print(f"{len(data.rows)} rows, {calibration}, {len(weights)} weights, {size:.2f} MB: {TARGET}")


if __name__ == "__main__":
    main()
