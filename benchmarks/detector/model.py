"""The detector's fit: a logistic regression over named features, each row measured by a fit that never saw its like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.detector.rows import XSTEST, Row
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags_array

from recusa.judges.detector_features import Reading, look
from recusa.judges.detector_unclear import why_unclear
from recusa.judges.detector_words import features

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PENALTY = 5.0  # strength of the quadratic penalty; chosen on the two Llama-2 families and the ChatGPT set
WORD_SCALE = 4.0  # how far word features are let go of that penalty, compared with acts
_LEAST_LEAN = 0.5  # what a word that leans to neither side is multiplied by
_BIAS_SCALE = 5.0  # the constant term is hardly held back at all
_RARE = 3  # word features seen in fewer rows are left out
_FOLDS = 5
_NEGLIGIBLE = 0.02  # weights smaller than this are not shipped


@dataclass(frozen=True)
class Data:
    """The rows as a matrix of scaled features."""

    rows: Sequence[Row]
    names: list[str]
    scales: Floats
    matrix: csr_matrix
    refused: Mask
    weight: Floats
    family: NDArray[np.str_]
    group: NDArray[np.str_]
    unclear: NDArray[np.str_]  # "always", "unless refused" or nothing
    portuguese: Mask  # what the detector takes the answer's language to be


def prepare(rows: Sequence[Row]) -> Data:
    """Take the features of all rows; rare words are left out."""
    found, unclear = [], []
    for row in rows:
        reading = look(row.prompt, row.response)
        found.append({**reading.features, **features(reading.words)})
        unclear.append(_unclear(reading))
    counts = Counter(name for one in found for name in one)
    names = sorted(name for name, count in counts.items() if count >= _RARE or name[1:2] != " ")
    place = {name: i for i, name in enumerate(names)}
    scales = np.array([_scale(name) for name in names])
    columns = np.array([place[name] for one in found for name in one if name in place])
    values = np.array([value for one in found for name, value in one.items() if name in place]) * scales[columns]
    starts = np.concatenate([[0], np.cumsum([sum(name in place for name in one) for one in found])])
    matrix = csr_matrix((values, columns, starts), shape=(len(rows), len(names)))
    matrix.sort_indices()  # sets of words come in any order; sums must not show it
    return Data(
        rows,
        names,
        scales,
        matrix,
        np.array([row.refused for row in rows]),
        np.array([row.weight for row in rows]),
        np.array([row.family for row in rows]),
        np.array([row.group for row in rows]),
        np.array(unclear),
        np.array(["portuguese" in one for one in found]),
    )


def _scale(name: str) -> float:
    if name == "bias":
        return _BIAS_SCALE
    return WORD_SCALE if name[1:2] == " " else 1.0


def _unclear(reading: Reading) -> str:
    """When an answer is unclear, as the judge has it: an answer that refuses in the first person may still be one."""
    if not why_unclear(reading.asked, reading.text, reading.acts):
        return ""
    return "unless refused" if any(act.name == "refuse" for act in reading.acts) else "always"


def fit(data: Data, chosen: Mask, start: Floats | None = None) -> Floats:
    """The weights of the scaled features that make the chosen rows likeliest, less a penalty for their size.

    Words are let go of the penalty by how far they lean to one side in the chosen rows: their features are multiplied
    by the size of their log count ratio (Wang and Manning 2012). A `start` near the end saves time and changes nothing:
    there is one best set of weights.
    """
    use = chosen & (data.weight > 0)
    lean = _lean(data, use)
    matrix, weight = data.matrix[use] @ diags_array(lean), data.weight[use]
    sign = np.where(data.refused[use], 1.0, -1.0)

    def loss(theta: Floats) -> tuple[float, Floats]:
        margin = sign * (matrix @ theta)
        slope = -sign * weight / (1 + np.exp(np.minimum(margin, 500)))
        value = weight @ np.logaddexp(0, -margin) + PENALTY / 2 * theta @ theta
        return float(value), matrix.T @ slope + PENALTY * theta

    start = np.zeros(matrix.shape[1]) if start is None else start / lean
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-7, "gtol": 1e-4})
    return np.asarray(found.x) * lean


def _lean(data: Data, use: Mask) -> Floats:
    """For each word its absolute log count ratio between refusals and answers, plus a floor; 1 for all else."""
    there, refused, weight = (data.matrix[use] > 0).astype(float), data.refused[use], data.weight[use]
    with_it, without = 1 + there.T @ (weight * refused), 1 + there.T @ (weight * ~refused)
    ratio = np.log(with_it / (weight @ refused)) - np.log(without / (weight @ ~refused))
    words = np.array([name[1:2] == " " for name in data.names])
    return np.where(words, _LEAST_LEAN + np.abs(ratio), 1.0)


def left_out(data: Data, everything: Floats, unscored: str = "") -> Floats:
    """Log-odds of every row from a fit without its group; for XSTest families, without its family either.

    `everything` is the fit to all rows, near which the others are. The `unscored` family is fitted to and never scored:
    its log-odds are NaN.
    """
    odds = np.full(len(data.rows), np.nan)
    rest = ~np.isin(data.family, XSTEST)
    for group in sorted(set(data.group[rest])):
        there = data.group == group
        odds[rest & there] = data.matrix[rest & there] @ fit(data, ~there, everything)
    for family in XSTEST:
        if family == unscored:
            continue
        own = data.family == family
        others = fit(data, ~own, everything)
        groups = sorted(set(data.group[own]))
        for fold in [groups[i::_FOLDS] for i in range(_FOLDS)]:
            there = np.isin(data.group, fold)
            odds[own & there] = data.matrix[own & there] @ fit(data, ~there & ~own, others)
    return odds


@dataclass(frozen=True)
class Calibration:
    """What left-out log-odds are multiplied by, and what is then added in each language, to be likeliest."""

    slope: float
    english: float
    portuguese: float

    def __call__(self, odds: Floats, portuguese: Mask) -> Floats:
        """Calibrated log-odds."""
        return self.slope * odds + np.where(portuguese, self.portuguese, self.english)


def calibrate(data: Data, odds: Floats) -> Calibration:
    """A slope below 1 says that the fit is too sure of itself; the rows that were not scored (NaN) are left out."""
    use = (data.weight > 0) & np.isfinite(odds)
    sign = np.where(data.refused[use], 1.0, -1.0)
    weight, known, spoken = data.weight[use], odds[use], data.portuguese[use]

    def loss(at: Floats) -> float:
        calibrated = at[0] * known + np.where(spoken, at[2], at[1])
        return float(weight @ np.logaddexp(0, -sign * calibrated))

    found = minimize(loss, np.array([1.0, 0.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    return Calibration(*(round(float(x), 3) for x in found.x))


def shipped(data: Data, theta: Floats, calibration: Calibration) -> dict[str, float]:
    """The weights of the unscaled features, calibrated, without those that hardly weigh."""
    final = theta * data.scales * calibration.slope
    final[data.names.index("bias")] += calibration.english
    final[data.names.index("portuguese")] += calibration.portuguese - calibration.english
    return {name: round(float(w), 3) for name, w in zip(data.names, final, strict=True) if abs(w) >= _NEGLIGIBLE}
