"""What reaches the terminal: 80 columns, clean text, and a word on how to go on after Ctrl-C."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.command import EXPERIMENT, Call, Ran, calling, prompts, rows, write

from recusa import console, console_summary
from recusa.errors import ModelError
from recusa.results import load_results

ESCAPE = "\x1b[31m\x1b]0;owned\x07\x9b2J\u202e"  # colours, a window title, a C1 sequence, reversed text
# A shell that starts a job in the background may have it ignore SIGINT; a person at a terminal does not.
MAIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from recusa.cli import main; main()"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def test_error_and_hint_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """What a server or a file says cannot add a line that looks like ours."""
    console.fail(ModelError("it said\nerror: all is lost\r\nhint: rm", "try\nagain"))
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines() if line] == ["error:", "hint:"]


def test_control_characters_are_taken_out() -> None:
    """Words, newlines and tabs stay, in any script."""
    assert console.plain(f"a{ESCAPE}b\tc\nd ção 拒否") == "a[31m]0;owned2Jb\tc\nd ção 拒否"


def is_clean(ran: Ran) -> None:
    """No character that steers a terminal came through."""
    assert set(ran.out + ran.err) & set("\x1b\x07\x9b\u202e\r") == set()


def test_model_text_never_steers_the_terminal(call: Call) -> None:
    """Escapes in prompts, answers and columns stay in the files."""
    name = prompts("evil.jsonl", category=ESCAPE, response=ESCAPE)
    reply = json.dumps(f"I am sorry {ESCAPE}, no.")
    text = f'sources = [{{name = "file", path = "{name}"}}]\n[engine]\nname = "scripted"\n[engine.replies]\n'
    write("evil.toml", f'{text}"Name a river." = {reply}\n[split]\ntest = 1\n[[arms]]\nname = "original"\n')
    for arguments in (
        ["run", "evil.toml"],
        ["answer", "--engine", "scripted", "--prompts", name, "--out", "a.jsonl"],
        ["judge", "--answers", name, "--out", "j.jsonl"],
        ["compare", name, "a.jsonl"],
    ):
        ran = call(*arguments)
        is_clean(ran)
        assert ran.code == 0, ran.err
    assert ESCAPE in rows("runs/evil/answers.jsonl")[0]["category"]


def test_errors_and_notes_never_steer_the_terminal(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """Column names, kinds and warnings are cleaned too."""
    write("columns.jsonl", json.dumps({f"que{ESCAPE}stion": "x"}) + "\n")
    ran = call("answer", "--engine", "scripted", "--prompts", "columns.jsonl", "--out", "a.jsonl")
    is_clean(ran)
    assert "stion" in ran.err
    write("kinds.jsonl", json.dumps({"prompt": "x", "kind": ESCAPE}) + "\n")
    is_clean(call("answer", "--engine", "scripted", "--prompts", "kinds.jsonl", "--out", "a.jsonl"))
    call("run", write("small.toml", EXPERIMENT), "--limit", "1")
    results = load_results(Path("runs/small"))
    warned = results.model_copy(update={"warnings": (f"beware{ESCAPE} [bold]all[/bold]",)})
    console_summary.summary(warned, Path("runs/small"))
    said = capsys.readouterr()
    is_clean(Ran(0, said.out, said.err))
    assert "[bold]all[/bold]" in said.out


def test_file_names_never_steer_the_terminal(call: Call) -> None:
    """A downloaded file may be named to do so."""
    name = prompts(f"evil{ESCAPE}.jsonl")
    call("answer", "--engine", "scripted", "--prompts", name, "--out", f"a{ESCAPE}.jsonl")
    ran = call("compare", f"a{ESCAPE}.jsonl", f"a{ESCAPE}.jsonl".replace("a", "b"))
    is_clean(ran)
    call("answer", "--engine", "scripted", "--prompts", name, "--out", "b.jsonl")
    ran = call("compare", "b.jsonl", f"a{ESCAPE}.jsonl")
    assert ran.code == 0
    is_clean(ran)


def test_tables_and_sentences_fit_80_columns(call: Call) -> None:
    """Long arm names, all kinds, both ways to run, components and comparisons."""
    long = EXPERIMENT.replace("careful", "careful-system-prompt-with-a-long-name-x")
    name = write("small.toml", long.replace('"original"', '"original-model-without-any-change-at-all"'))
    call("answer", "--engine", "scripted", "--prompts", prompts(), "--out", "answers-of-the-original-model.jsonl")
    call("answer", "--engine", "scripted", "--prompts", prompts(), "--out", "answers-of-the-careful-model.jsonl")
    wide = [
        line
        for arguments in (
            ["run", name, "--dry-run"],
            ["run", name],
            ["compare", "answers-of-the-original-model.jsonl", "answers-of-the-careful-model.jsonl"],
            ["gate", "answers-of-the-original-model.jsonl", "answers-of-the-careful-model.jsonl"],
            ["power", "--pairs", "80", "--comparisons", "12"],
            ["list"],
        )
        for line in call(*arguments).out.splitlines()
        if len(line.rstrip()) > 80
    ]
    assert wide == []


def chunk_seconds(workspace: Path) -> list[float]:
    """How long each finished chunk took, from a store that another process writes."""
    if not (workspace / "store.sqlite").is_file():
        return []
    with closing(sqlite3.connect(workspace / "store.sqlite", timeout=10)) as db:
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'chunks'").fetchone()
        return [float(line[0]) for line in db.execute("SELECT seconds FROM chunks")] if made else []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_stopped_run_says_how_to_go_on(stop: signal.Signals, tmp_path: Path) -> None:
    """Exit code 130, one line and no traceback; the same command then does only what is left."""
    text = 'chunk = 2\n[engine]\nname = "scripted"\nseconds = 0.2\n[[arms]]\nname = "original"\n'
    (tmp_path / "slow.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", MAIN, "run", "slow.toml", "--limit", "4", "--workspace", "space"]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 120
        while not chunk_seconds(tmp_path / "space") and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(stop)
        out, err = running.communicate(timeout=120)
    kept = chunk_seconds(tmp_path / "space")
    assert 1 <= len(kept) < 6
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "stopped; run the same command again to go on where it stopped"
    assert "Traceback" not in err and "error:" not in err
    assert not (tmp_path / "runs" / "slow" / "results.json").exists()
    (tmp_path / "slow.toml").write_text(text.replace("0.2", "0.0"), encoding="utf-8")  # no part of the fingerprint
    again = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=True)
    assert "answer original: 12/12" in again.stderr
    taken = chunk_seconds(tmp_path / "space")
    assert len(taken) == 6
    assert sum(seconds >= 0.4 for seconds in taken) == len(kept), "finished chunks were answered again"
