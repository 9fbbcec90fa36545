"""What a run survives: failures, Ctrl-C, kill -9 and a second run of the same folder."""

from __future__ import annotations

import subprocess
import sys
import time
from random import Random

import pytest
from tests.study import Study, Tap, silent

from recusa.config import parse_experiment
from recusa.errors import Busy
from recusa.jobs.conclude import too_many_failed
from recusa.jobs.run import run_experiment
from recusa.results import FILE
from recusa.store import held


def test_failed_rows_are_left_out_counted_and_asked_again_on_request(study: Study, tap: Tap) -> None:
    """One broken prompt leaves its pairs out; `retry_failed` asks its chunks, and only those, again."""
    tap.fail = "Knit"
    broken = study.run()
    benign = {r.arm: (r.n, r.failed) for r in broken.rates if r.kind == "benign"}
    assert benign == {"plain": (3, 1), "reminded": (3, 1), "varied": (3, 1)}
    assert {c.left_out for c in broken.comparisons if c.kind == "benign"} == {1}
    assert "arm plain: 1 of 12 rows failed and are left out" in broken.warnings
    errors = [line["error"] for line in study.lines() if line["response"] is None]
    assert errors == ["Timeout: gave up", "Timeout: gave up", "NoTryAnswered: Timeout"]
    tap.fail = ""
    tap.since()
    assert study.run() == broken
    assert tap.since() == 0
    whole = study.run(retry_failed=True)
    assert 3 + 3 <= tap.since() <= 5 + 5 + 15
    assert whole.digest == study.run("out2", "ws2").digest


def test_failed_verdicts_are_asked_for_again_on_request(study: Study) -> None:
    """A judge that was out of order judges the same answers when the run is told to retry."""
    judge = f'name = "{study.folder}/mine.py:Moody", file = "{study.folder}/there"'
    text = study.text().replace("chunk = 5", f"judges = [{{ {judge} }}]")
    experiment, places = parse_experiment(text, "x"), (study.folder / "out", study.folder / "ws")
    broken = run_experiment(experiment, *places, silent)
    assert {(r.n, r.failed) for r in broken.rates} == {(0, 4)}
    assert too_many_failed(experiment, broken) is not None
    (study.folder / "there").touch()
    whole = run_experiment(experiment, *places, silent, retry_failed=True)
    assert {(r.n, r.refused, r.failed) for r in whole.rates} == {(4, 4, 0)}


@pytest.mark.parametrize("batches", [0, 1, 4, 8])
def test_ctrl_c_loses_no_finished_chunk(study: Study, tap: Tap, batches: int) -> None:
    """Stopped after any number of chunks, the next run asks for the rest only and comes to the same digest."""
    tap.stop_after = batches
    with pytest.raises(KeyboardInterrupt):
        study.run()
    assert not (study.folder / "out" / FILE).exists()
    done = tap.since()
    tap.stop_after = None
    stopped = study.run()
    assert tap.since() == 48 - done
    assert stopped.digest == study.run("out2", "ws2").digest


def test_kill_nine_at_any_moment_changes_nothing(study: Study) -> None:
    """Killed five times at random moments and then finished, a run equals one that was left in peace."""
    slow = "seconds = 0.01"
    (study.folder / "study.toml").write_text(study.text(engine=slow), encoding="utf-8")
    command = [sys.executable, "-m", "recusa", "run", "study.toml", "--out", "out", "--workspace", "ws"]
    rng = Random(7)
    killed = 0
    for _ in range(5):
        with subprocess.Popen(command, cwd=study.folder, stderr=subprocess.DEVNULL) as process:
            while not (study.folder / "out" / ".lock").exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.25))
            process.kill()
        (study.folder / "out" / ".lock").unlink(missing_ok=True)
        killed += process.returncode == -9
    assert killed >= 3
    assert study.run(engine=slow).digest == study.run("out2", "ws2", engine=slow).digest


def test_a_second_run_of_the_same_folder_waits_its_turn(study: Study) -> None:
    """While one process holds the folder, another exits with 2 and says so in a line."""
    (study.folder / "study.toml").write_text(study.text(), encoding="utf-8")
    command = [sys.executable, "-m", "recusa", "run", "study.toml", "--out", "out", "--workspace", "ws"]
    with held(study.folder / "out"):
        done = subprocess.run(command, cwd=study.folder, capture_output=True, text=True, check=False)
        with pytest.raises(Busy, match="another run is at work"):
            study.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: another run is at work in `out`")
    assert "Traceback" not in done.stderr
    assert not (study.folder / "out" / FILE).exists()
