"""What prompts can show, said before the hours are spent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import EXPERIMENT, Call, calling, write

import recusa
from recusa.errors import ConfigError
from recusa.stats.power import pairs_needed, smallest_change


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs commands in a folder of their own."""
    yield from calling(tmp_path, monkeypatch, capsys)


def test_pairs_needed_for_a_change(call: Call) -> None:
    """The command says what the function finds, for one-way changes and with some moving back."""
    ran = call("power", "--change", "10")
    one_way, both_ways = pairs_needed(0.1), pairs_needed(0.1, 0.05)
    assert ran.code == 0
    assert f"{one_way} pairs show a change of 10.0 points, if nothing moves the other way" in ran.out
    assert f"{both_ways} pairs show a change of 10.0 points, if 5 % of prompts move the other way" in ran.out


def test_smallest_change_of_pairs() -> None:
    """Holm's correction at its strictest divides the level."""
    found = recusa.power(pairs=80, back=0.05, comparisons=12)
    (row,) = found.rows
    assert row.change == smallest_change(80, 0.05, 0.05 / 12)
    (none,) = recusa.power(pairs=5, back=0.0).rows
    assert none.change is None


MISTAKES = [{}, {"pairs": 5, "change": 0.1}, {"change": 0.0}, {"change": 0.9, "back": 0.2}, {"pairs": 9, "alpha": 2.0}]


@pytest.mark.parametrize("wrong", MISTAKES, ids=str)
def test_what_makes_no_sense_is_a_mistake(wrong: dict[str, float]) -> None:
    """One of two is asked for, within what can be."""
    with pytest.raises(ConfigError):
        recusa.power(**wrong)  # type: ignore[arg-type]


def test_a_dry_run_says_what_the_prompts_will_show(call: Call) -> None:
    """A line a kind, at the level that Holm leaves over the arms and kinds of the experiment."""
    ran = call("run", write("small.toml", EXPERIMENT), "--dry-run")
    assert "Holm over 3 comparisons" in " ".join(ran.out.split())
    level = 0.05 / 3
    one_way, both_ways = smallest_change(200, 0.0, level), smallest_change(200, 0.05, level)
    assert one_way is not None and both_ways is not None
    for kind in ("harmful", "borderline", "benign"):
        line = next(text for text in ran.out.splitlines() if re.match(rf"  {kind} ", text))
        assert line.split() == [kind, "400", "200", f"{100 * one_way:.1f}", f"{100 * both_ways:.1f}"]


def test_one_arm_has_nothing_to_compare(call: Call) -> None:
    """And the plan is silent about it."""
    text = 'engine = "scripted"\n[[arms]]\nname = "only"\n'
    assert "smallest change" not in call("run", write("one.toml", text), "--dry-run").out
