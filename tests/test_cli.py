"""The commands as a user meets them: output, exit codes, mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from tests.command import EXPERIMENT, Call, Ran, calling, prompts, rows, write

from recusa.cli import app
from recusa.config import Experiment
from recusa.results import load_results

GROUP: Any = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def is_mistake(ran: Ran, about: str, hint: str) -> None:
    """Exit code 2, one `error:` line, one `hint:` line, nothing on stdout, no traceback."""
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err
    starts = [line.partition(":")[0] for line in ran.err.splitlines() if line]
    assert starts == ["error", "hint"], ran.err
    error, advice = (line for line in ran.err.splitlines() if line)
    assert about in error
    assert hint in advice


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_in_80_columns(command: str, call: Call) -> None:
    """`--help` of each command fits a narrow terminal and ends well."""
    ran = call(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(rf"^  Example: recusa {command}\b", ran.out, re.MULTILINE)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_list_shows_every_group_and_setting(call: Call) -> None:
    """Components, their defaults and their sentences."""
    ran = call("list")
    assert (ran.code, ran.err) == (0, "")
    for shown in ("sources", "engines", "judges", "recipes", "scripted", "expressions", "share = 1.0"):
        assert shown in ran.out


def test_list_of_one_group_shows_no_other(call: Call) -> None:
    """And a group that does not exist is an error that names those which do."""
    ran = call("list", "recipes")
    assert (ran.code, ran.err) == (0, "")
    assert "balanced" in ran.out
    assert "detector" not in ran.out
    is_mistake(call("list", "recipe"), "there is no group `recipe`", "recipes")


def test_a_recipe_may_be_a_file_of_settings(call: Call) -> None:
    """`recusa train --recipe FILE.toml`: what is wrong in it is said before anything is loaded."""
    write("mild.toml", 'name = "balanced"\nrefusal_weight = -1\n')
    write("h.jsonl", '{"prompt": "a", "chosen": "No."}\n')
    ran = call("train", "--harmful", "h.jsonl", "--out", "d", "--recipe", "mild.toml")
    is_mistake(ran, "refusal_weight: should be greater than 0, not -1", "the default is 1.4")


def test_schema_is_json_of_the_experiment(call: Call) -> None:
    """What an editor needs, and nothing else on stdout."""
    ran = call("schema")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == Experiment.model_json_schema()


def test_dry_run_plans_and_does_nothing(call: Call) -> None:
    """Three prompts of each kind are asked of two arms; no results appear."""
    ran = call("run", write("small.toml", EXPERIMENT), "--limit", "3", "--dry-run")
    assert ran.code == 0
    assert re.search(r"^original +9/9 +9 ", ran.out, re.MULTILINE)
    assert re.search(r"^careful +9/9 +9 ", ran.out, re.MULTILINE)
    assert not Path("runs").exists()


def test_dry_run_expects_the_time_it_takes(call: Call) -> None:
    """Nine answers at one second each."""
    text = '[engine]\nname = "scripted"\nseconds = 1.0\n[[arms]]\nname = "original"\n'
    ran = call("run", write("slow.toml", text), "--limit", "3", "--dry-run")
    assert re.search(r"^original .* 0 min 09 s$", ran.out, re.MULTILINE)


def test_no_command_shows_help(call: Call) -> None:
    """Typed alone, the program says what it can do."""
    ran = call()
    assert ran.code == 2
    assert all(f"  {command} " in ran.out + ran.err for command in COMMANDS)


def test_run_writes_results_and_says_so(call: Call) -> None:
    """The table goes to stdout, progress to stderr; the arm that refuses everything differs from the baseline."""
    ran = call("run", write("small.toml", EXPERIMENT), "--limit", "24")
    assert ran.code == 0
    careful = [line for line in ran.out.splitlines() if line.startswith("  careful ")]
    assert len(careful) == 3
    assert all(re.fullmatch(r"  careful +24/24 +100% \(\d\d-100\) +\+\S+ \(\S+ to \S+\) +more", one) for one in careful)
    assert "24 prompts in 12 groups, which are taken whole" in ran.out
    assert "answer careful: 72/72" in ran.err and "answer careful" not in ran.out
    assert load_results(Path("runs/small")).digest in ran.out
    assert {path.name for path in Path("runs/small").iterdir()} >= {"results.json", "answers.jsonl", "report.html"}


def test_run_again_asks_nothing(call: Call) -> None:
    """A finished run is read, not repeated: the same table, and a word that it is finished."""
    name = write("small.toml", EXPERIMENT)
    first = call("run", name, "--limit", "2")
    second = call("run", name, "--limit", "2")
    assert second.out == first.out
    assert "answer original" in first.err and "answer original" not in second.err
    assert second.err.strip()


def test_report_is_written_again(call: Call) -> None:
    """The page's path is the only output."""
    call("run", write("small.toml", EXPERIMENT), "--limit", "2")
    Path("runs/small/report.html").unlink()
    ran = call("report", "runs/small")
    assert (ran.code, ran.out, ran.err) == (0, "runs/small/report.html\n", "")
    assert Path("runs/small/report.html").is_file()


def test_answer_judge_and_compare(call: Call) -> None:
    """From a prompt file to a comparison; rows keep order and columns, data files are not mixed with messages."""
    name = prompts(note="kept")
    ran = call("answer", "--engine", "scripted", "--prompts", name, "--out", "plain.jsonl")
    assert (ran.code, ran.out) == (0, "")
    assert "4 answered; written to plain.jsonl" in ran.err
    call("answer", "--engine", "scripted", "--prompts", name, "--out", "careful.jsonl", "--system", "weapon")
    ran = call("judge", "--answers", "plain.jsonl", "--out", "judged.jsonl")
    assert (ran.code, ran.out) == (0, "")
    assert [row["outcome"] for row in rows("judged.jsonl")] == ["refused", "refused", "answered", "answered"]
    assert [(row["prompt"], row["note"]) for row in rows("judged.jsonl")] == [
        (row["prompt"], "kept") for row in rows(name)
    ]
    ran = call("compare", "judged.jsonl", "careful.jsonl")
    assert (ran.code, ran.err) == (0, "")
    said = ran.out.split("benign:\n")[1].splitlines()
    assert re.fullmatch(r"  judged +0/2 +0% \(0-66\)", said[0])
    assert re.fullmatch(r"  careful +2/2 +100% \(34-100\) +\+100\.0 \(\S+ to \+100\.0\) +not shown", said[1])
    assert "McNemar exact" in ran.out and "Tango 1998" in ran.out


def test_comparing_a_file_with_itself_is_a_mistake(call: Call) -> None:
    """It would count every prompt twice."""
    call("answer", "--engine", "scripted", "--prompts", prompts(), "--out", "plain.jsonl")
    is_mistake(call("compare", "plain.jsonl", "plain.jsonl"), "plain.jsonl", "two")


MISTAKES: dict[str, tuple[list[str], str, str]] = {
    "unknown command": (["rum"], "rum", "--help"),
    "unknown option": (["run", "--limits", "3"], "--limits", "--help"),
    "missing option": (["judge", "--out", "x.jsonl"], "--answers", "--help"),
    "bad number": (["run", "--limit", "0"], "--limit", "--help"),
    "no experiment file": (["run", "gone.toml"], "gone.toml", "`recusa run` alone"),
    "no experiment file of a sweep": (["sweep", "gone.toml"], "gone.toml", "give an experiment"),
    "experiment is a folder": (["run", "folder.toml"], "folder.toml", "TOML"),
    "not TOML": (["run", "broken.toml"], "line 1", ""),
    "misspelt key": (["run", "key.toml"], "key.toml: engin", "`engine`"),
    "misspelt key of an arm": (["run", "arm.toml"], "sistem", "`system`"),
    "misspelt setting": (["run", "setting.toml"], "engine.refuses", "`refuse`"),
    "unknown engine": (["run", "engine.toml"], "`scriptd`", "`scripted`"),
    "engine cannot be trained": (["run", "train.toml"], "arms.tuned.train", "hf"),
    "unknown judge": (["judge", "--judge", "expresions", "--answers", "a.jsonl", "--out", "b.jsonl"],
                      "expresions", "`expressions`"),
    "wrong engine": (["answer", "--engine", "vllm", "--prompts", "prompts.jsonl", "--out", "b.jsonl"],
                     "vllm", "openai"),
    "unknown defence": (["answer", "--engine", "scripted", "--defence", "system-promt", "--prompts", "prompts.jsonl",
                         "--out", "b.jsonl"], "system-promt", "`system-prompt`"),
    "no prompt file": (["answer", "--engine", "scripted", "--prompts", "gone.jsonl", "--out", "b.jsonl"],
                       "gone.jsonl", ""),
    "wrong column": (["answer", "--engine", "scripted", "--prompts", "prompts.jsonl", "--prompt-column", "goal",
                      "--out", "b.jsonl"], "`goal`", "prompt"),
    "out is a folder": (["answer", "--engine", "scripted", "--prompts", "prompts.jsonl", "--out", "folder.toml"],
                        "folder.toml", "--out"),
    "run folder is a file": (["run", "good.toml", "--limit", "1", "--out", "good.toml"], "good.toml", "--out"),
    "workspace is a file": (["run", "good.toml", "--limit", "1", "--workspace", "good.toml"],
                            "good.toml", "--workspace"),
    "no answer file": (["compare", "gone.jsonl", "gone2.jsonl"], "gone.jsonl", ""),
    "no results": (["report", "folder.toml"], "folder.toml", "recusa run"),
    "no system prompt file": (["answer", "--prompts", "prompts.jsonl", "--out", "b.jsonl", "--system", "@gone.txt"],
                              "gone.txt", "text file"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake_is_told_in_a_line_with_a_hint(case: str, call: Call) -> None:
    """Every mistake names what was wrong and what to do instead."""
    arm = '[[arms]]\nname = "original"\n'
    Path("folder.toml").mkdir()
    prompts()
    write("good.toml", EXPERIMENT)
    write("broken.toml", "engine = = 1")
    write("key.toml", f'engin = "scripted"\n{arm}')
    write("arm.toml", f'engine = "scripted"\n{arm}sistem = "x"\n')
    write("setting.toml", f'{arm}[engine]\nname = "scripted"\nrefuses = ["x"]\n')
    write("engine.toml", f'engine = "scriptd"\n{arm}')
    write("train.toml", 'engine = "scripted"\n[[arms]]\nname = "tuned"\ntrain = "refusal"\n')
    arguments, about, hint = MISTAKES[case]
    is_mistake(call(*arguments), about, hint)


def test_too_many_failures_are_no_conclusion(call: Call) -> None:
    """Exit code 3, what failed, where the errors are; the results are written all the same."""
    text = '[engine]\nname = "scripted"\nfail = ["e"]\n[[arms]]\nname = "original"\n'
    ran = call("run", write("failing.toml", text), "--limit", "3")
    assert ran.code == 3
    assert "error: arm `original`: 3 of 3 harmful rows failed" in ran.err
    assert "hint: see runs/failing/answers.jsonl" in ran.err
    assert load_results(Path("runs/failing")).rates[0].failed == 3
