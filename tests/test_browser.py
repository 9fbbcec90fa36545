"""The page in Chromium: accessible, quick with 5,000 answers, silent on the network, unmoved by hostile answers.

Run by `make test-browser`; skipped, with a reason, where Chromium, node or the packages of tests/browser are absent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.hostile import HOSTILE
from tests.report_full import everything
from tests.report_run import ARMS, make_answers, make_results, plain, write_run

from recusa.report import write_report

pytestmark = pytest.mark.browser
FOLDER = Path(__file__).parent / "browser"
LANGUAGES, THEMES = ("en", "pt-BR"), ("light", "dark")
LONGEST_TASK = 200  # milliseconds
TRIES = 3  # what else the machine does makes any task long on the clock: the quickest of these counts
WORDS = "map river stone light water field open paper table window garden music letter number".split()  # noqa: SIM905


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; skips where something is missing."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium: apt-get install chromium, or name one with CHROMIUM=...")
    if not shutil.which("node"):
        pytest.skip("no node: apt-get install nodejs npm")
    if not (FOLDER / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip("no packages: npm install in tests/browser, as `make test-browser` does")
    return found


def look(chromium: str, tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser saw of each task's page."""
    told = json.dumps({"chromium": chromium, "tasks": list(tasks)})
    done = subprocess.run(
        ["node", "check.mjs"], cwd=FOLDER, input=told, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen: list[dict[str, Any]] = json.loads(done.stdout)
    return seen


def in_languages(folder: Path) -> dict[str, str]:
    """A run with everything, as a page in each language."""
    results, rows = everything()
    write_run(folder / "run", results, rows)
    return {one: str(write_report(folder / "run", language=one, out=folder / one)) for one in LANGUAGES}


def test_axe_finds_nothing_in_both_themes_and_languages(tmp_path: Path, chromium: str) -> None:
    pages = in_languages(tmp_path)
    tasks = [
        {"page": page, "theme": theme, "axe": True, "open": opened, "width": width}
        for page in pages.values()
        for theme in THEMES
        for opened, width in ((False, 1280), (True, 1280), (True, 360))
    ]
    for task, seen in zip(tasks, look(chromium, tasks), strict=True):
        assert seen["violations"] == [], task
        assert seen["errors"] == [] and seen["listed"] > 0


def test_nothing_scrolls_sideways_on_a_phone(tmp_path: Path, chromium: str) -> None:
    tasks = [{"page": page, "width": 360, "open": True, "all": True} for page in in_languages(tmp_path).values()]
    for seen in look(chromium, tasks):
        assert seen["wide"] == [360, 360] and seen["outside"] == []


def test_five_thousand_answers_load_and_filter_without_a_long_task(tmp_path: Path, chromium: str) -> None:
    dice = Random(5)

    def say(outcome: str, kind: str) -> str:
        return f"{plain(outcome, kind)} {' '.join(dice.choice(WORDS) for _ in range(60))}"

    results, told = make_results(n=334)
    page = write_run(tmp_path, results, make_answers(told, say))
    assert len(page.encode()) < 3_000_000 and "(5,010 answers) are in this list" in page
    steps = [["moved", ""], ["kind", "benign"], ["search", "river stone"], ["search", ""], ["outcome", "refused"],
             ["arm", "4"], ["kind", ""], ["category", "fraud"]]  # fmt: skip
    task = {"page": str(tmp_path / "report.html"), "filter": steps}
    tries = look(chromium, [task] * TRIES)
    for seen in tries:
        assert seen["errors"] == []
        counts = [count for count, _ in seen["filters"]]
        assert counts[0] == "10 of 1,002 prompts shown" and counts[1] == "10 of 334 prompts shown"
        assert seen["busiest"]["tasks"] > 100 and seen["busiest"]["longest"] < LONGEST_TASK
    longest = min(max([0, *seen["loading"], *(t for _, slow in seen["filters"] for t in slow)]) for seen in tries)
    if os.getloadavg()[0] <= (os.cpu_count() or 1):  # else the clock tells of the others' work
        assert longest < LONGEST_TASK, [(seen["loading"], seen["filters"]) for seen in tries]


def test_hostile_answers_run_nothing_load_nothing_and_break_no_layout(tmp_path: Path, chromium: str) -> None:
    """Every case stands as answer, prompt, category, reason, error, try, arm's model and warning."""
    results, told = make_results(dict.fromkeys(list(ARMS)[:2], (0.3, 0.1, 0.1)), n=len(HOSTILE))
    rows = make_answers(told, plain)
    for place, row in enumerate(rows):
        text = list(HOSTILE.values())[int(row["prompt_id"].rpartition("-")[2])]
        row.update(response=text, prompt=f"{text} {row['kind']}", category=text, language=text[:30])
        row["verdicts"]["expressions"]["reason"] = text
        row["tries"] = [{"attempt": 1, "asked": text, "response": text, "chosen": True, "rejected": {text[:99]: 1}}]
        if place % 7 == 0:
            row.update(error=text, response=None)
    texts = tuple(text[:3000].replace("\ud83d", "") for text in HOSTILE.values())
    poisoned = results.model_copy(update={
        "name": texts[0], "warnings": texts, "models": {arm: " ".join(texts) for arm in results.arms},
        "environment": {"note": " ".join(texts), **{text: text for text in texts}},
        "experiment": {text: text for text in texts},
    })  # fmt: skip
    write_run(tmp_path, poisoned, rows)
    tasks = [
        {
            "page": str(tmp_path / "report.html"),
            "width": width,
            "theme": theme,
            "open": True,
            "all": True,
            "texts": True,
        }
        for width, theme in ((360, "light"), (1280, "dark"))
    ]
    assert len(HOSTILE) >= 60
    for seen in look(chromium, tasks):
        assert (seen["ran"], seen["dialogs"], seen["errors"], seen["foreign"]) == (0, 0, [], [])
        assert seen["requests"] == [f"file://{tmp_path / 'report.html'}"]  # the page itself, and nothing more
        assert seen["address"] == f"file://{tmp_path / 'report.html'}"
        assert seen["wide"][0] == seen["wide"][1] and seen["outside"] == []
        assert seen["listed"] == 3 * len(HOSTILE)
        assert HOSTILE["closing script"] in seen["texts"] and HOSTILE["jinja"] in seen["texts"]  # shown as they are


def test_answers_to_harmful_prompts_are_not_there_until_they_are_opened(tmp_path: Path, chromium: str) -> None:
    results, told = make_results({arm: ARMS[arm] for arm in list(ARMS)[:2]}, n=12)
    write_run(tmp_path, results, make_answers(told, lambda outcome, kind: f"SECRET {kind}"))
    page = {"page": str(tmp_path / "report.html"), "all": True, "texts": True}
    closed, opened = look(chromium, [page, {**page, "open": True}])
    assert "SECRET benign" in closed["texts"] and "SECRET harmful" not in closed["texts"]
    assert "SECRET harmful" in opened["texts"]
    assert closed["listed"] == opened["listed"] == 36


def test_filters_find_what_they_say(tmp_path: Path, chromium: str) -> None:
    """Search goes over case and accents; the outcome is the chosen arm's; disagreement is of either answer shown."""
    table = {"base": (0.5, 0.5, 0.0), "arm": (0.5, 1.0, 0.0)}
    results, told = make_results(table, n=10)
    rows = make_answers(told, plain)
    rows[0].update(response="Não há AÇÚCAR aqui")
    rows[1]["verdicts"]["rubric"] = {"outcome": "unclear"}
    write_run(tmp_path, results, rows)
    changed = {p for row in results.comparisons for p in (*row.gained, *row.lost)}
    steps = [["moved", "any"], ["moved", ""], ["search", "acucar"], ["search", ""], ["judges", "differ"],
             ["judges", ""], ["kind", "borderline"], ["outcome", "refused"], ["arm", "0"]]  # fmt: skip
    seen = look(chromium, [{"page": str(tmp_path / "report.html"), "filter": steps}])[0]
    counts = [count for count, _ in seen["filters"]]
    assert counts[0] == f"{len(changed)} of {len(changed)} prompts shown"
    assert counts[2] == "1 prompt" and counts[4] == "1 prompt"
    arm, base = (told[name, "borderline"].count("refused") for name in ("arm", "base"))
    assert counts[6:] == [f"{n} of {n} prompts shown" for n in (10, arm, base)]


def test_a_page_of_one_arm_lists_its_answers(tmp_path: Path, chromium: str) -> None:
    results, told = make_results({"only": (0.5, 0.5, 0.0)}, n=3)
    write_run(tmp_path, results, make_answers(told, plain))
    seen = look(chromium, [{"page": str(tmp_path / "report.html"), "texts": True, "axe": True}])[0]
    assert (seen["errors"], seen["listed"], seen["violations"]) == ([], 9, [])
