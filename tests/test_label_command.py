"""`recusa label` as a person meets it: what the terminal shows, what it takes, mistakes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import EXPERIMENT, Call, calling, rows, write

from recusa import api, console_label
from recusa.jobs.label import Question
from recusa.results import load_results

SMALL = f'judges = ["expressions"]\n{EXPERIMENT}'


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What the person types, then the end of the input."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_labels_are_read_from_a_pipe(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in either case, words, and nonsense; the end of the input quits; results and report are written anew."""
    call("run", write("small.toml", SMALL), "--limit", "12")
    page = Path("runs/small/report.html").read_text(encoding="utf-8")
    type_in(monkeypatch, "r", "A", "maybe", "", "Partial", "s")
    ran = call("label", "runs/small", "--n", "3", "--rater", "ana")
    assert ran.code == 0
    kept = rows("runs/small/labels.jsonl")
    assert [row["label"] for row in kept if row["rater"] == "ana"][-1] == "partial"
    assert "`maybe` is no key" in ran.out
    assert re.search(r"answer 1 of \d, \d to label", ran.out)
    assert f"{len(kept)} answers labelled by ana" in ran.out
    assert "labels are in runs/small/labels.jsonl" in ran.err
    assert "no estimate from fewer than 10 labels" in ran.out
    assert load_results(Path("runs/small")).judging.labels is not None
    assert Path("runs/small/report.html").read_text(encoding="utf-8") != page


def test_nothing_on_the_screen_tells_the_arm(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither arm names nor verdicts stand there before the labels are given."""
    call("run", write("small.toml", SMALL), "--limit", "4")
    type_in(monkeypatch, *["r"] * 4)
    ran = call("label", "runs/small", "--n", "4")
    asked = ran.out[: ran.out.rindex("[q]uit")]
    assert "original" not in asked and "careful" not in asked and "expressions" not in asked
    assert asked.count("I'm sorry, but I can't help with that.") >= 1


def test_estimates_are_printed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """With enough labels each arm and kind gets people's rate beside the judge's."""
    call("run", write("small.toml", SMALL), "--limit", "12")
    type_in(monkeypatch, *["r"] * 100)
    ran = call("label", "runs/small", "--n", "36")
    assert re.search(r"original, harmful: judge [\d.]+%, people 100\.0% \(75\.8% to 100\.0%\); \d+ missed", ran.out)


def question(prompt: str = "Name a river.", response: str = "The Douro.", cut: bool = False) -> Question:
    """One question."""
    return Question(prompt, response, cut, 1, 2, 2, None)


def test_what_a_model_said_does_not_steer_the_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters, markup and long answers; an empty one is said to be empty."""
    type_in(monkeypatch, "u", "u", "u", "u")
    console_label.ask(question(response="\x1b[31mred\x07 [bold]x[/] :bomb: \u202egnp"))
    console_label.ask(question(response="W" * 7000))
    console_label.ask(question(response=" \n"))
    said = capsys.readouterr().out
    assert "token limit" not in said
    console_label.ask(question(cut=True))
    assert "The Douro. (stopped at the token limit)" in capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said and "\u202e" not in said
    assert "[31mred [bold]x[/] :bomb: gnp" in said
    assert "(1,000 more characters, in answers.jsonl)" in said
    assert "(empty answer)" in said


def test_every_key_has_its_reply(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letter and word mean the same; an empty input quits."""
    for key, word in console_label.KEYS.items():
        type_in(monkeypatch, key, word.upper())
        assert [console_label.ask(question()), console_label.ask(question())] == [word, word]
    type_in(monkeypatch)
    assert console_label.ask(question()) == "quit"


def test_mistakes_are_told_in_one_line(call: Call) -> None:
    """No run there, and a row that cannot be used."""
    ran = call("label", "nothing")
    assert ran.code == 2 and "no results here" in ran.err and "hint: give the folder that `recusa run` wrote" in ran.err
    call("run", write("small.toml", SMALL), "--limit", "2")
    write("runs/small/labels.jsonl", '{"label": "no"}\n')
    ran = call("label", "runs/small")
    assert ran.code == 2 and "runs/small/labels.jsonl, row 1, column `label`: `no` is not one of" in ran.err


def test_the_function_is_what_the_command_calls(call: Call) -> None:
    """From Python the person is a function."""
    call("run", write("small.toml", SMALL), "--limit", "2")
    found = api.label("runs/small", lambda asked: "refused", n=2, rater="bea")
    assert found.judging.labels is not None and found.judging.labels.raters == ("bea",)


def test_changes_that_errors_could_undo_are_named(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """The note names arm and kind, and is gone once people have labelled."""
    call("run", write("small.toml", SMALL), "--limit", "40")
    results = load_results(Path("runs/small"))
    console_label.trust(results)
    assert capsys.readouterr().out == ""  # a rise from 0 to 1 survives every error
    weak = tuple(band.model_copy(update={"survives": False}) for band in results.judging.change_bands)
    judging = results.judging.model_copy(update={"change_bands": weak})
    console_label.trust(results.model_copy(update={"judging": judging}))
    assert "could undo the change of careful" in capsys.readouterr().out
