"""Calibration: counts and measures against hand-worked numbers, parts, and labels that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.study import silent

from recusa.calibration import confusion, load_calibration
from recusa.errors import ConfigError, InputError, TooManyFailures
from recusa.jobs.calibrate import calibrate
from recusa.stats import cohen_kappa

NO, YES = "I cannot help with that.", "Boil the water first, then add the rice."


def labels(folder: Path, rows: list[dict[str, Any]], name: str = "labels.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("table", [(20, 5, 10, 15), (45, 1, 2, 400), (3, 0, 7, 90), (10, 3, 0, 2), (0, 4, 6, 30)])
def test_kappa_is_that_of_statsmodels(table: tuple[int, int, int, int]) -> None:
    """Value and ends, cut to -1..1, agree with the reference library."""
    from statsmodels.stats.inter_rater import cohens_kappa

    both, first, second, neither = table
    reference = cohens_kappa([[both, first], [second, neither]])
    found = cohen_kappa(*table)
    assert found is not None
    ends = max(-1, reference.kappa_low), min(1, reference.kappa_upp)
    assert (found[0], *found[1]) == pytest.approx((reference.kappa, *ends))


def test_kappa_without_disagreement_is_not_certain() -> None:
    """Ten answers without a disagreement leave room below 1; no rows, or one outcome only, have no kappa."""
    found = cohen_kappa(5, 0, 0, 5)
    assert found is not None
    assert (found[0], found[1].high) == (1.0, 1.0)
    assert found[1].low == pytest.approx((0.7224672 - 0.5) / 0.5)  # Wilson's lower end of 10 of 10
    assert cohen_kappa(0, 0, 0, 0) is None and cohen_kappa(9, 0, 0, 0) is None


def test_measures_by_hand() -> None:
    """8 found of 10 refusals, 3 false alarms among 30 answers."""
    pairs = [(True, True)] * 8 + [(True, False)] * 2 + [(False, True)] * 3 + [(False, False)] * 27
    found = confusion("all", "all", pairs)
    assert (found.both, found.people_only, found.judge_only, found.neither) == (8, 2, 3, 27)
    assert found.sensitivity.value == 0.8 and found.specificity.value == 0.9 and found.accuracy.value == 0.875
    assert found.kappa.value == pytest.approx(0.2625 / 0.3875)  # chance 0.25 x 0.275 + 0.75 x 0.725 = 0.6125
    assert confusion("all", "all", [(False, False)]).sensitivity.value is None


def test_a_file_is_calibrated_in_its_parts(tmp_path: Path) -> None:
    """Partial counts as refused, an unclear label as not; a row without an answer fails; divisions of one part go."""
    rows: list[dict[str, Any]] = [
        {"prompt": "p", "response": NO, "label": "refused", "model": "a", "language": "en"},
        {"prompt": "p", "response": NO, "label": "Partial ", "model": "b", "language": "en"},
        {"prompt": "p", "response": YES, "label": "answered", "model": "b", "language": "en"},
        {"prompt": "p", "response": "", "label": "unclear", "model": "b", "language": "en"},
        {"prompt": "p", "response": NO, "label": "answered", "model": "a", "language": "en"},
        {"prompt": "p", "response": None, "label": "refused", "model": "a", "language": "en"},
    ]
    out = tmp_path / "calibration.json"
    found = calibrate("expressions", [labels(tmp_path, rows)], out, silent)
    whole = found.rows[0]
    assert (whole.n, whole.both, whole.judge_only, whole.people_only, whole.neither) == (5, 2, 1, 0, 2)
    assert (whole.failed, whole.unclear) == (1, 1)
    assert [(row.by, row.value, row.n) for row in found.rows[1:]] == [("model", "a", 2), ("model", "b", 3)]
    assert load_calibration(out) == found


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"response": NO}, "row 2, column `label`: is missing"),
        ({"response": NO, "label": "maybe"}, "row 2, column `label`: `maybe` is not one of"),
        ({"response": NO, "label": 1}, "row 2, column `label`"),
        ({"label": "refused"}, "row 2, column `response`: is missing"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    """File, row and column, before anything is judged."""
    path = labels(tmp_path, [{"response": YES, "label": "answered"}, row])
    with pytest.raises(InputError, match="labels") as error:
        calibrate("expressions", [path], tmp_path / "out.json", silent)
    assert what in error.value.message


def test_labels_of_harm_do_not_measure_a_judge_of_refusal(tmp_path: Path) -> None:
    """The two are different questions."""
    path = labels(tmp_path, [{"response": YES, "label": "safe"}])
    with pytest.raises(ConfigError, match="judges refusal, the labels are about harm"):
        calibrate("expressions", [path], tmp_path / "out.json", silent)


def test_a_file_that_is_no_calibration_is_named(tmp_path: Path) -> None:
    """Absent and broken files say what writes one."""
    with pytest.raises(InputError, match="no such file"):
        load_calibration(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(InputError, match="is no calibration file"):
        load_calibration(tmp_path / "bad.json")


def test_labels_are_never_overwritten(tmp_path: Path) -> None:
    """An output that is the input, a device, or the same file twice is refused before anything is written."""
    path = labels(tmp_path, [{"response": NO, "label": "refused"}])
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="what would be read"):
        calibrate("expressions", [path], path, silent)
    with pytest.raises(ConfigError, match="named twice"):
        calibrate("expressions", [path, tmp_path / "." / path.name], tmp_path / "out.json", silent)
    with pytest.raises(ConfigError, match="no file that could be written"):
        calibrate("expressions", [path], Path("/dev/null"), silent)
    assert path.read_bytes() == before


def test_half_a_surrogate_pair_in_a_column_is_written_out(tmp_path: Path) -> None:
    """It can stand in JSON, and must not keep the calibration from being saved."""
    rows: list[dict[str, Any]] = [{"response": NO, "label": "refused", "model": name} for name in ("a\ud800", "b")]
    found = calibrate("expressions", [labels(tmp_path, rows)], tmp_path / "out.json", silent)
    assert [row.value for row in found.rows[1:]] == ["a\\ud800", "b"]


def test_labels_without_any_verdict_are_no_calibration(tmp_path: Path) -> None:
    """A file of zeros would look like a measurement."""
    path = labels(tmp_path, [{"response": None, "label": "refused"}])
    with pytest.raises(TooManyFailures, match="judged none of 1"):
        calibrate("expressions", [path], tmp_path / "out.json", silent)
    assert not (tmp_path / "out.json").exists()
