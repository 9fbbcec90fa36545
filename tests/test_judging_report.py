"""The report's section on the judges' error, and a finding that claims no more than that error allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.label_run import Person, make_run
from tests.report_run import JUDGE, LOCALE, a_comparison, make_answers, make_results, plain, write_run

from recusa.jobs.bands import with_bands
from recusa.jobs.label import label
from recusa.judging import Agreement, CalibrationSet, ChangeBand, EstimatedChange, EstimatedRate, Judging, Labels
from recusa.report import write_report
from recusa.report.judging import doubts, judging_view
from recusa.report.rows import View, change_row
from recusa.report.summary import summarise

VIEW = View("direct", "all", JUDGE)
SET = CalibrationSet(name="s", source="recusa", n=450, sensitivity=0.6, specificity=0.97, informative=True)


def band(kind: str, low: float, high: float, arm: str = "tuned") -> ChangeBand:
    """A band of a change."""
    place = {"baseline": "original", "arm": arm, "attack": "direct", "kind": kind, "judge": JUDGE}
    return ChangeBand(**place, difference=(low + high) / 2, low=low, high=high, survives=low > 0 or high < 0)


def estimate(kind: str, low: float | None, high: float | None, attack: str = "direct") -> EstimatedChange:
    """People's difference."""
    place = {"baseline": "original", "arm": "tuned", "attack": attack, "kind": kind, "judge": JUDGE}
    middle = None if low is None or high is None else (low + high) / 2
    return EstimatedChange(
        **place, n=48, judge_difference=0.5, labelled=20, stale=0, weight=0.9, difference=middle, low=low, high=high
    )


PEOPLE = Labels(digest="d", answers=40, raters=("ana",), stale=0)
RISE, NOTHING = (18, 43, 1e-7), (18, 20, 0.6)
# what is known -> words against, words in support
KNOWN: dict[str, tuple[tuple[int, int, float], Judging, str, str]] = {
    "nothing known": (RISE, Judging(), "", ""),
    "band keeps the sign": (RISE, Judging(sets=(SET,), change_bands=(band("harmful", 0.2, 0.8),)), "",
                            "the sign would stay for tuned harmful (20.0 to 80.0) points"),
    "band holds no change": (RISE, Judging(sets=(SET,), change_bands=(band("harmful", -0.1, 0.8),)),
                             "on some of its 1 labelled sets, there could be no change, or the opposite one, for tuned "
                             "harmful (\N{MINUS SIGN}10.0 to 80.0) points", ""),
    "no change to doubt": (NOTHING, Judging(sets=(SET,), change_bands=(band("harmful", -0.1, 0.8),)), "", ""),
    "people bear it out": (RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", 0.1, 0.5),)), "",
                           "bear out the change of tuned harmful (+30.0 points, 10.0 to 50.0)"),
    "people do not": (RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", -0.1, 0.5),)),
                      "do not bear out the change of tuned harmful (+20.0 points", ""),
    "people see the opposite": (RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", -0.5, -0.1),)),
                                "show the opposite change of tuned harmful (\N{MINUS SIGN}30.0 points", ""),
    "people see one besides": (NOTHING, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", 0.1, 0.5),)),
                               "show a change the judge does not, of tuned harmful (+30.0", ""),
    "people settle what a band leaves open": (
        RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", 0.1, 0.5),), sets=(SET,),
                      change_bands=(band("harmful", -0.1, 0.8),)), "", "bear out"),
    "too few labels leave it to the band": (
        RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", None, None),), sets=(SET,),
                      change_bands=(band("harmful", -0.1, 0.8),)), "there could be no change", ""),
    "another attack says nothing here": (
        RISE, Judging(labels=PEOPLE, estimated_changes=(estimate("harmful", -0.5, -0.1, "other"),)), "", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", KNOWN)
def test_finding_claims_no_more_than_the_judges_error_allows(case: str) -> None:
    """Each thing known of a change is said, on the right side, and nothing else."""
    numbers, judging, against, support = KNOWN[case]
    changes = [change_row(a_comparison("tuned", "harmful", *numbers), 0.05, LOCALE)]
    found = doubts(judging, VIEW, changes, LOCALE)
    assert len(found.against) == bool(against) and len(found.support) == bool(support)
    assert against in "".join(found.against) and support in "".join(found.support)


def test_unclear_and_failed_rows_that_could_undo_a_change_are_said() -> None:
    """Only where the bounds reach zero."""
    safe, shaky = ({"least": least, "most": 0.7} for least in (0.1, 0.0))
    for bounds, expected in ((safe, ()), (shaky, ("could undo tuned harmful (0.0 to 70.0) points.",))):
        row = a_comparison("tuned", "harmful", *RISE).model_copy(update=bounds)
        changes = [change_row(row, 0.05, LOCALE)]
        found = doubts(Judging(), VIEW, changes, LOCALE).against
        assert len(found) == len(expected) and all(b in a for a, b in zip(found, expected, strict=True))


def test_rates_that_people_put_elsewhere_are_said() -> None:
    """The judge's rate outside people's interval."""
    place = {"arm": "tuned", "attack": "direct", "judge": JUDGE, "n": 48, "labelled": 20, "stale": 0, "missed": 5,
             "false_alarms": 0, "weight": 0.8}  # fmt: skip
    rates = tuple(
        EstimatedRate(**place, kind=kind, judge_rate=0.25, rate=0.5, low=low, high=0.7)
        for kind, low in (("harmful", 0.3), ("benign", 0.2))
    )
    found = doubts(Judging(labels=PEOPLE, estimated_rates=rates), VIEW, [], LOCALE).against
    wanted = "tuned harmful (judge 25.0%, people 50.0%, 30.0\N{EN DASH}70.0)."
    assert found == (f"By people's labels the rates of expressions are off for {wanted}",)


def cells(page: str, caption: str) -> list[list[str]]:
    """The text of a table's rows."""
    (table,) = [part for part in page.split("<table>")[1:] if caption in part.split("</caption>")[0]]
    body = table.split("</thead>")[1].split("</table>")[0]
    lines = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S))
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in line] for line in lines]


def test_page_of_a_labelled_run_shows_what_people_found(tmp_path: Path) -> None:
    """Judge, band and people side by side; the change of the other arm is borne out in the finding."""
    out, _ = make_run(tmp_path)
    results = label(out, Person(), n=60, rater="ana <b>")
    page = write_report(out).read_text(encoding="utf-8")
    rates = cells(page, "Refusal rates and the judge&#39;s error")
    found = next(e for e in results.judging.estimated_rates if (e.arm, e.kind) == ("plain", "harmful"))
    people = [LOCALE.percent(found.rate), LOCALE.interval(found.low, found.high)]
    assert rates[1] == ["plain baseline", "90.0%", "\N{EM DASH}", "20/30", f"{found.missed}, 0", *people]
    changes = cells(page, "Changes and the judge&#39;s error")
    assert [row[0] for row in changes] == ["Harmful", "reminded", "Borderline", "reminded", "Benign", "reminded"]
    agreement = cells(page, "on this run&#39;s answers")
    assert ["expressions and people", "all arms", "120", "100.0%"] in [row[:4] for row in agreement]
    apart = cells(page, "people, arm by arm")
    assert ["expressions and people", "plain", "60", "100.0%"] in [row[:4] for row in apart]
    assert "bear out the change of reminded borderline" in page
    assert "labelled by ana &lt;b&gt;." in page and "<b>" not in page
    assert "was not measured" not in page.split('id="judges"')[1].split("expressions")[0]


def test_page_without_labels_says_how_to_get_them(tmp_path: Path) -> None:
    """Bands only: no column of people's, and a word on `recusa label`."""
    results, told = make_results()
    sets = [SET, SET.model_copy(update={"name": "poor", "sensitivity": 0.05, "informative": False}),
            SET.model_copy(update={"name": "easy", "sensitivity": 0.95, "specificity": 0.92})]  # fmt: skip
    page = write_run(tmp_path, with_bands(results, sets), make_answers(told, plain))
    assert "Nobody labelled answers of this run. `recusa label` asks" in page
    assert "People</th>" not in page
    listed = cells(page, "What judge expressions was measured on")
    assert [row[0] for row in listed] == ["s", "poor no information, in no band", "easy"]
    kept = {row[0]: row[-1] for row in cells(page, "Changes and the judge&#39;s error")[1:5]}
    assert set(kept.values()) <= {"kept", "not kept"} and kept["refusal-lora"] == "kept"
    assert "the sign would stay for refusal-lora harmful" in page and "Not safe" not in page
    summary = summarise(with_bands(results, sets), tmp_path, LOCALE)
    assert all(sentence in summary.finding.text for sentence in summary.finding.support)
    assert "(3 sets, 1,350 answers) it found 5.0\N{EN DASH}95.0% of the refusals" in summary.judge_error


def test_a_rise_that_errors_could_undo_is_named_at_the_top(tmp_path: Path) -> None:
    """From 24 to 37 of 48: with 60% of the refusals found before and 95% after there would be none."""
    results, told = make_results({"original": (0.5, 0.1, 0.1), "tuned": (0.77, 0.1, 0.1)})
    sets = [SET, SET.model_copy(update={"sensitivity": 0.95})]
    page = write_run(tmp_path, with_bands(results, sets), make_answers(told, plain))
    first = page.split('id="finding"')[1].split("</section>")[0]
    assert "rose from 24/48 to 37/48" in first
    assert 'class="alarm">Not safe from the judge&#39;s error' in first and "for tuned harmful (" in first
    assert cells(page, "Changes and the judge&#39;s error")[1][-1] == "not kept"


def test_kappa_without_meaning_is_a_dash() -> None:
    """All refused on both sides."""
    row = Agreement(
        about="refusal", first="a", second="b", arm="tuned", n=9, both=9, first_only=0, second_only=0, neither=0,
        agreement=1.0, agreement_low=0.7, agreement_high=1.0, kappa=None, kappa_low=None, kappa_high=None,
    )  # fmt: skip
    shown = judging_view(Judging(agreement=(row,)), VIEW, [], [], LOCALE).agreement[0]
    assert (shown.kappa, shown.kappa_interval, shown.agreement) == ("\N{EM DASH}", "\N{EM DASH}", "100.0%")
