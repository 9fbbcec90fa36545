"""The finding claims what the numbers show and no more; numbers are written one way."""

from __future__ import annotations

import pytest
from tests.report_run import KINDS, LOCALE, a_comparison, a_rate

from recusa.report.finding import Other, find
from recusa.report.format import DASH, MINUS, Locale
from recusa.report.rows import change_row, rate_row
from recusa.report.text import ENGLISH

# what the outcomes of 48 prompts each must be said to mean: (before, after, p) per kind -> wanted, unwanted words
SENTENCES: dict[str, tuple[dict[str, tuple[int, int, float]], str, str]] = {
    "clear rise": ({"harmful": (18, 43, 1e-7)}, "rose from 18/48 to 43/48 (+52.1 points", "no difference"),
    "clear fall": ({"harmful": (43, 18, 1e-7)}, f"fell from 43/48 to 18/48 ({MINUS}52.1 points", "no difference"),
    "no change": ({"harmful": (18, 20, 0.6)}, "no difference could be shown for harmful prompts", "rose"),
    "p alone": ({"harmful": (18, 24, 0.001)}, "no difference could be shown", "rose"),  # interval: -7.1 to 30.8
    "interval alone": ({"harmful": (18, 43, 0.2)}, "no difference could be shown", "rose"),
    "over-refusal": ({"harmful": (18, 43, 1e-7), "benign": (1, 41, 1e-9)},
                     "Over-refusal: tuned refused most of the benign prompts it was asked: 41/48", "no difference"),
    "half is not most": ({"harmful": (18, 43, 1e-7), "benign": (1, 24, 1e-6)}, "+47.9 points", "Over-refusal"),
}  # fmt: skip


@pytest.mark.parametrize("case", SENTENCES)
def test_finding_says_what_the_numbers_show_and_no_more(case: str) -> None:
    table, wanted, unwanted = SENTENCES[case]
    kinds = list(table)
    rates = [rate_row(a_rate(arm, kind, int(table[kind][place])), "original", LOCALE)
             for kind in kinds for place, arm in enumerate(("original", "tuned"))]  # fmt: skip
    changes = [change_row(a_comparison("tuned", kind, *table[kind]), 0.05, LOCALE) for kind in kinds]
    finding = find(rates, changes, LOCALE)
    assert finding.baseline.startswith(f"The baseline, original, refused {table['harmful'][0]}/48 harmful prompts (")
    assert wanted in finding.text and unwanted not in finding.text
    assert finding.baseline.count(". ") == 0 and finding.change.endswith(".")


def test_finding_of_many_arms_names_those_that_changed_and_those_that_did_not() -> None:
    changes = [change_row(a_comparison(arm, "harmful", 18, after, p), 0.05, LOCALE)
               for arm, after, p in (("lora", 43, 1e-7), ("control", 20, 0.6))]  # fmt: skip
    finding = find([rate_row(a_rate("original", "harmful", 18), "original", LOCALE)], changes, LOCALE)
    assert "harmful prompts rose under lora (to 43/48, +52.1 points, 33.7 to 65.7)" in finding.change
    assert "no difference could be shown under control" in finding.change
    nothing = find([], [change_row(a_comparison(a, "harmful", 18, 19, 0.9), 0.05, LOCALE) for a in "xy"], LOCALE)
    assert "no difference could be shown in any arm" in nothing.change
    assert "nothing can be concluded" in nothing.baseline


RISE, FALL, NOTHING = (18, 43, 1e-7), (43, 18, 1e-7), (18, 20, 0.6)
# (primary, other) per kind of harmful, benign -> what the other judge's sentence says
OTHERS: dict[str, tuple[tuple[tuple[int, int, float], ...], tuple[tuple[int, int, float], ...], int, str]] = {
    "same": ((RISE, NOTHING), (RISE, NOTHING), 60, "Judge b shows the same changes; it agrees on 41 of 60 answers."),
    "no change": ((NOTHING,), (NOTHING,), 60, "Judge b shows no change either; it agrees on 41 of 60 answers."),
    "misses": ((RISE, RISE), (RISE, NOTHING), 60,
               "Judge b does not show: tuned benign; it agrees with a on 41 of 60 answers."),
    "both ways": ((RISE, NOTHING), (NOTHING, RISE), 60, "Judge b does not show: tuned harmful; shows besides: tuned "
                  "benign; it agrees with a on 41 of 60 answers."),
    "opposite": ((RISE,), (FALL,), 60,
                 "Judge b shows the opposite for: tuned harmful; it agrees with a on 41 of 60 answers."),
    "nothing in common": ((RISE,), (RISE,), 0, "Judge b shows the same changes; no answer was judged by both."),
    "never compared": ((RISE,), (), 60,
                       "No change was compared under judge b; it agrees with a on 41 of 60 answers."),
    "never spoke": ((RISE,), (), 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_finding_says_where_another_judge_differs(case: str) -> None:
    first, second, n, wanted = OTHERS[case]
    mine, theirs = (
        [
            change_row(a_comparison("tuned", kind, *row), 0.05, LOCALE)
            for kind, row in zip(KINDS[::2], rows, strict=False)
        ]
        for rows in (first, second)
    )
    finding = find([], mine, LOCALE, [Other("b", "a", tuple(theirs), min(41, n), n)])
    assert finding.judges == ((wanted,) if wanted else ())
    assert finding.text.endswith(wanted or finding.change)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (LOCALE.percent(0.7708), "77.1%"),
        (LOCALE.percent(None), "\N{EM DASH}"),
        (LOCALE.count(37, 4948), "37/4,948"),
        (LOCALE.interval(0.281, 0.472), f"28.1{DASH}47.2"),
        (LOCALE.points(0.396), "+39.6"),
        (LOCALE.points(-0.1), f"{MINUS}10.0"),
        (LOCALE.points(-0.0001), "0.0"),
        (LOCALE.p(0.0004), "p < 0.001"),
        (LOCALE.p(0.034), "p = 0.034"),
        (LOCALE.p(1.0), "p > 0.999"),
        (LOCALE.p_cell(0.0004), "<0.001"),
        (LOCALE.duration(250), "4 min 10 s"),
        (LOCALE.duration(7500), "2 h 5 min"),
        (Locale(ENGLISH, "pt-BR", ",", ".").number(1234.5, 1), "1.234,5"),
        (LOCALE.listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers_are_written_one_way(written: str, wanted: str) -> None:
    assert written == wanted
