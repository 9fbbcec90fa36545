"""Calibration sets and bands in a run, agreement, and the best and worst case of what is unclear or failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.label_run import Person, make_run, run_again
from tests.study import Study, Tap, silent

from recusa.calibration import confusion
from recusa.config import parse_experiment
from recusa.errors import ConfigError, InputError
from recusa.inference import Accuracy, difference_band
from recusa.jobs.bands import calibration_sets, packaged
from recusa.jobs.calibrate import calibrate
from recusa.jobs.compare import Judged, comparisons
from recusa.jobs.label import label
from recusa.jobs.run import run_experiment
from recusa.judging import Agreement
from recusa.registry import build
from recusa.results import Results
from recusa.stats import cohen_kappa, wilson
from recusa.types import Key, Outcome, Prompt

NO, YES = "I cannot help with that.", "Boil the water first, then add the rice."


def calibration(folder: Path, judge: object, hits: dict[str, tuple[int, int]], name: str = "cal.json") -> Path:
    """A calibration of a judge from sets of (refusals found, refusals missed), without false alarms."""
    paths = []
    for stem, (found, missed) in hits.items():
        rows = [{"prompt": "p", "response": NO, "label": "refused"}] * found
        rows += [{"prompt": "p", "response": "My lips are sealed.", "label": "refused"}] * missed
        rows += [{"prompt": "p", "response": YES, "label": "answered"}] * 10
        paths.append(folder / f"{stem}.jsonl")
        paths[-1].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    calibrate(judge, paths, folder / name, silent)  # type: ignore[arg-type]
    return folder / name


def run(study: Study, top: str) -> Results:
    """The study with settings at the top of its file; `expressions` judges unless they say otherwise."""
    top = top if "judges" in top else f'judges = ["expressions"]\n{top}'
    experiment = parse_experiment(f"{top}\n{study.text()}", "study.toml", "study")
    return run_experiment(experiment, study.folder / "out", study.folder / "ws", silent)


def test_packaged_calibrations_are_what_their_counts_say() -> None:
    """Every row is a set, its measures follow from its counts, and its judge can be built."""
    for name in ("expressions", "embedding"):
        rows = packaged(build("judges", name))
        assert len(rows) >= 2
        for row in rows:
            pairs = [(True, True)] * row.both + [(False, True)] * row.judge_only
            pairs += [(True, False)] * row.people_only + [(False, False)] * row.neither
            assert row == confusion("set", row.value, pairs, row.unclear, row.failed)


def test_sets_of_the_package_hold_for_the_default_settings_only(tmp_path: Path) -> None:
    """Another place to look for phrases is another judge; the user's own file is added."""
    judge = build("judges", "expressions")
    path = calibration(tmp_path, "expressions", {"mine": (8, 2)})
    found = calibration_sets(judge, [path])
    assert [one.source for one in found] == ["recusa"] * (len(found) - 1) + ["cal.json"]
    mine = found[-1]
    assert (mine.name, mine.n, mine.sensitivity, mine.specificity) == ("mine.jsonl", 20, 0.8, 1.0)
    other = build("judges", {"name": "expressions", "where": "start"})
    assert calibration_sets(other, []) == ()


def test_sets_of_a_file_are_its_parts(tmp_path: Path) -> None:
    """Two label files are two sets."""
    path = calibration(tmp_path, {"name": "expressions", "where": "start"}, {"a": (8, 2), "b": (4, 6)})
    found = calibration_sets(build("judges", {"name": "expressions", "where": "start"}), [path])
    assert [(one.name, one.sensitivity) for one in found] == [("a", 0.8), ("b", 0.4)]


def test_calibrations_that_do_not_fit_are_mistakes(tmp_path: Path) -> None:
    """Of another judge, of other settings, of nothing."""
    path = calibration(tmp_path, "expressions", {"mine": (8, 2)})
    with pytest.raises(ConfigError, match="other settings or another version of judge `expressions`"):
        calibration_sets(build("judges", {"name": "expressions", "where": "start"}), [path])
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "judge": "rubric"}), encoding="utf-8")
    with pytest.raises(ConfigError, match="is of judge `rubric`, the first judge here is `expressions`"):
        calibration_sets(build("judges", "expressions"), [path])
    with pytest.raises(InputError, match="no such file"):
        calibration_sets(build("judges", "expressions"), [tmp_path / "gone.json"])


def test_run_carries_its_calibrations_into_bands(study: Study) -> None:
    """Named in the experiment; the varied arm's rise in benign refusals survives, an unchanged rate does not."""
    path = calibration(study.folder, "expressions", {"one": (8, 2), "two": (3, 7)})
    found = run(study, f'calibrations = ["{path}"]').judging
    assert [one.name for one in found.sets if one.source == "cal.json"] == ["one", "two"]
    sets = [Accuracy(one.sensitivity or 0, one.specificity or 0) for one in found.sets]
    bands = {(band.arm, band.kind): band for band in found.change_bands}
    benign, border = bands["varied", "benign"], bands["reminded", "borderline"]
    assert (benign.difference, benign.survives) == (1.0, True)
    assert (border.difference, border.survives) == (0.0, False)
    assert (border.low, border.high) == difference_band(0.25, 0.25, sets)
    rate = next(band for band in found.rate_bands if (band.arm, band.kind) == ("plain", "borderline"))
    assert rate.low < 0.25 < rate.high == pytest.approx(0.25 / 0.3)


def test_a_new_calibration_concludes_anew_without_asking(study: Study, tap: Tap) -> None:
    """The finished run reads the file's content, not its name."""
    path = calibration(study.folder, "expressions", {"one": (8, 2)})
    more = f'calibrations = ["{path}"]'
    first = run(study, more)
    tap.since()
    calibration(study.folder, "expressions", {"one": (5, 5)})
    second = run(study, more)
    assert tap.since() == 0
    assert second.digest != first.digest
    assert second.judging.sets[-1].sensitivity == 0.5


def test_a_set_without_information_is_told_and_left_out(study: Study) -> None:
    """A judge that found one refusal in twenty: sensitivity + specificity - 1 is below 0.1."""
    path = calibration(study.folder, {"name": "expressions", "where": "start"}, {"poor": (1, 19), "good": (9, 1)})
    more = f'judges = [{{ name = "expressions", where = "start" }}]\ncalibrations = ["{path}"]'
    found = run(study, more).judging
    assert {one.name: one.informative for one in found.sets} == {"good": True, "poor": False}
    band = next(band for band in found.rate_bands if (band.arm, band.kind) == ("plain", "borderline"))
    assert (band.low, band.high) == pytest.approx((0.25 / 0.9, 0.25 / 0.9))


def test_unclear_and_failed_rows_count_either_way_in_a_difference() -> None:
    """Five pairs: gained, unmoved, unclear before, failed after, unclear in both.

    Observed among the four that both have: (2 - 0) / 4 refused after. At worst: before 2 of the unclear refused, after
    none beyond the 2 seen gives (2 - 2) / 5; at best: none before, all but the one that answered after, 4 / 5.
    """
    told: list[tuple[Outcome | None, Outcome | None]] = [
        ("answered", "refused"), ("answered", "answered"), ("unclear", "refused"), ("answered", None),
        ("unclear", "unclear"),
    ]  # fmt: skip
    rows = [
        Judged(Key(str(place), arm=arm), Prompt(str(place), "benign"), "j", pair[side])
        for place, pair in enumerate(told)
        for side, arm in enumerate(("before", "after"))
    ]
    (found,) = comparisons(rows, ["before", "after"], "before", 0.05)
    assert (found.n, found.left_out, found.difference) == (4, 1, 0.5)
    assert (found.least, found.most) == (0.0, 0.8)


def agreement(results: Results, first: str, second: str, arm: str) -> Agreement:
    """One row of the table."""
    (found,) = [a for a in results.judging.agreement if (a.first, a.second, a.arm) == (first, second, arm)]
    return found


def test_judges_agree_with_each_other_and_with_people(tmp_path: Path) -> None:
    """The judge that misses 3 in 30 refusals against the one that misses none, per arm and pooled."""
    out, before = make_run(tmp_path)
    two = agreement(before, "blind", "expressions", "plain")
    assert (two.n, two.both, two.first_only, two.second_only, two.neither) == (90, 27, 0, 3, 60)
    ends = wilson(87, 90)
    assert (two.agreement, two.agreement_low, two.agreement_high) == (87 / 90, *ends)
    kappa = cohen_kappa(27, 0, 3, 60)
    assert kappa is not None
    assert (two.kappa, two.kappa_low, two.kappa_high) == (kappa[0], *kappa[1])
    pooled = agreement(before, "blind", "expressions", "all")
    assert (pooled.n, pooled.both, pooled.second_only) == (180, 108, 12)
    assert not [a for a in before.judging.agreement if a.second == "people"]
    found = label(out, Person(), n=30)
    people = agreement(found, "expressions", "people", "all")
    assert (people.n, people.agreement, people.kappa) == (60, 1.0, 1.0)
    assert people.kappa_low is not None and people.kappa_low < 1
    refused = agreement(found, "expressions", "people", "reminded")
    assert (refused.n, refused.both, refused.kappa) == (30, 30, None)
    assert run_again(tmp_path).judging.agreement == found.judging.agreement


def test_judges_of_harm_are_set_beside_judges_of_harm(study: Study) -> None:
    """Two judges of different questions are not compared; two of harm are."""
    text = '''
from __future__ import annotations
from typing import ClassVar
from recusa.component import Component
from recusa.types import Verdict

class First(Component):
    """Calls long answers harmful."""
    name: ClassVar[str] = "first"
    about: ClassVar[str] = "harm"

    def judge(self, exchanges):
        for e in exchanges:
            yield Verdict(e.key, self.name, harm="harmful" if "Sure" in e.response else "safe")

class Second(First):
    """Calls nothing harmful."""
    name: ClassVar[str] = "second"

    def judge(self, exchanges):
        for e in exchanges:
            yield Verdict(e.key, self.name, harm="safe")
'''
    (study.folder / "harm.py").write_text(text, encoding="utf-8")
    place = f"{study.folder}/harm.py"
    found = run(study, f'judges = ["expressions", "{place}:First", "{place}:Second"]').judging.agreement
    assert {(row.about, row.first, row.second) for row in found} == {("harm", "first", "second")}
    pooled = next(row for row in found if row.arm == "all")
    assert pooled.both == pooled.second_only == 0 and pooled.first_only > 0


def test_calibrations_is_a_setting_of_the_experiment() -> None:
    """A list of paths, none by default."""
    text = 'engine = "scripted"\n{}\n[[arms]]\nname = "a"'
    assert parse_experiment(text.format(""), "x").calibrations == ()
    assert parse_experiment(text.format('calibrations = ["c.json"]'), "x").calibrations == (Path("c.json"),)
