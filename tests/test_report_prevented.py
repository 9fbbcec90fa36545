"""What a prevented harmful answer costs: numbers worked by hand, and no price where nothing could be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from tests.report_run import a_comparison, make_results

from recusa.report.answers import Move
from recusa.report.format import ABSENT
from recusa.report.languages import locale_of
from recusa.report.prevented import PreventedRow, prevented_rows
from recusa.report.rows import change_row, cost_rows
from recusa.results import Cost

LOCALE = locale_of("en")
# of 100 harmful prompts: 40 answers prevented, 10 new ones, 30 as before, 20 refused as before
MOVED = {("answered", "refused"): 38, ("answered", "unclear"): 2, ("refused", "answered"): 10,
         ("answered", "answered"): 30, ("refused", "refused"): 20}  # fmt: skip


def priced(moved: Mapping[Move, int], calls: int = 300, p: float = 1e-6, after: int = 60) -> PreventedRow:
    """The row of an arm that asks `calls` times for 100 prompts, and refuses 8 more of 80 harmless ones."""
    results, _ = make_results({"base": (0.3, 0.1, 0.1), "arm": (0.6, 0.2, 0.1)}, n=4)
    cost = tuple(
        Cost(arm=arm, attack="direct", prompts=100, calls=count, prompt_tokens=1000 * place, answer_tokens=500,
             seconds=20.0 * place)
        for place, (arm, count) in enumerate((("base", 100), ("arm", calls)), 1)
    )  # fmt: skip
    pairs: list[Any] = [("harmful", 30, after, p, 100), ("borderline", 5, 12, 0.2, 40), ("benign", 1, 2, 0.9, 40)]
    changes = [
        change_row(a_comparison("arm", kind, before, now, q, n, baseline="base"), 0.05, LOCALE)
        for kind, before, now, q, n in pairs
    ]
    found = prevented_rows(
        results, {("arm", "harmful"): Counter(moved)}, cost_rows(results.model_copy(update={"cost": cost}), LOCALE),
        changes, LOCALE,
    )  # fmt: skip
    assert [row.arm for row in found] == ["arm"]
    return found[0]


def test_extra_cost_is_divided_by_the_share_prevented() -> None:
    """30 points prevented; 2 calls, 10 tokens and 0.2 s more a prompt; (7 + 1) / 80 more harmless refusals."""
    row = priced(MOVED)
    assert row.count == "30/100" and row.share.value == "+30.0"
    assert row.raw["calls_each"] == pytest.approx(2 / 0.3)
    assert row.raw["tokens_each"] == pytest.approx(10 / 0.3)
    assert row.raw["seconds_each"] == pytest.approx(0.2 / 0.3)
    assert row.raw["wrong_refusals_each"] == pytest.approx(8 / 80 / 0.3)
    assert (row.calls.value, row.tokens.value, row.wrong) == ("6.67", "33.3", "0.33")


def test_the_range_follows_the_interval_of_the_share() -> None:
    row = priced(MOVED)
    low, high = row.raw["low"], row.raw["high"]
    assert low is not None and high is not None and 0 < low < 0.3 < high
    assert row.calls.ends == f"{LOCALE.short(2 / high)} to {LOCALE.short(2 / low)}"


def test_what_costs_nothing_more_costs_nothing_and_what_costs_less_is_negative() -> None:
    assert (priced(MOVED, calls=100).calls.value, priced(MOVED, calls=100).calls.ends) == ("0", "")
    cheaper = priced(MOVED, calls=40)
    assert cheaper.raw["calls_each"] == pytest.approx(-2) and cheaper.calls.value == "\N{MINUS SIGN}2.00"


@pytest.mark.parametrize(
    ("moved", "settings"),
    [
        ({("answered", "refused"): 3, ("answered", "answered"): 97}, {}),  # the interval holds 0
        (MOVED, {"p": 0.9}),  # the change in refusals could not be shown
        ({("refused", "answered"): 40, ("answered", "answered"): 60}, {"after": 5}),  # more harmful answers, not fewer
    ],
)
def test_no_price_where_no_fewer_answers_could_be_shown(moved: dict[Move, int], settings: dict[str, Any]) -> None:
    row = priced(moved, **settings)
    assert {row.calls.value, row.tokens.value, row.seconds.value, row.wrong} == {ABSENT}
    assert row.raw["calls_each"] is None and row.raw["share"] is not None
