"""Reports for other readers: Markdown, JSON, CSV, JUnit; and what `--redact` leaves out of all of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.command import Call, calling
from tests.hostile import HOSTILE
from tests.report_full import FALLEN, everything
from tests.report_run import ARMS, KINDS, a_comparison, listed, make_answers, make_results, plain, write_run

from recusa import api
from recusa.errors import ConfigError, InputError
from recusa.report import write_report
from recusa.report.clean import clean
from recusa.report.write import FILES


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    yield from calling(tmp_path, monkeypatch, capsys)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    results, rows = everything()
    write_run(tmp_path / "run", results, rows)
    return tmp_path / "run"


def test_markdown_has_the_finding_and_every_rate_with_count_and_interval(run: Path) -> None:
    text = write_report(run, format="md").read_text()
    results, _ = everything()
    lines = text.splitlines()
    assert lines[0] == "## built-in paired experiment: refusal report"
    assert "The baseline, original, refused 18/48 harmful prompts (37.5%, 25.2–51.6)" in text
    for rate in results.rates:
        if (rate.attack, rate.judge) == ("direct", "expressions"):
            row = next(line for line in lines if line.startswith(f"| {rate.arm}") and "=" in line)
            assert f"{rate.refused}/{rate.n} = {100 * (rate.rate or 0):.1f}% (" in row
    assert f"digest {json.loads((run / 'results.json').read_text())['digest']}" in lines[-1]
    widths = {line.count(" | ") for line in lines if line.startswith("| original")}
    assert widths and "Warnings" in text and "**Failed arms, 1" in text


def test_names_cannot_write_markdown(tmp_path: Path) -> None:
    """Cells stay cells, and nothing becomes a link, a tag or a heading."""
    name = "x | y](javascript:1) <b> `c` # *d*\n\n# e"
    results, told = make_results({"a": (0.3, 0.1, 0.1), name: (0.9, 0.5, 0.1)}, n=12)
    write_run(tmp_path, results, make_answers(told, plain))
    text = write_report(tmp_path, format="md").read_text()
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {5, 8, 7}  # of three tables
    assert "<b>" not in text.replace("\\<b\\>", "") and "\n# e" not in text and "](java" not in text.replace("\\]", "")


def test_csv_has_one_row_per_rate_and_difference_in_full_precision(run: Path) -> None:
    results, _ = everything()
    rows = list(csv.DictReader(write_report(run, format="csv").read_text().splitlines()))
    assert [row["measure"] for row in rows].count("refusal_rate") == len(results.rates)
    assert [row["measure"] for row in rows].count("difference") == len(results.comparisons)
    for row, rate in zip(rows, results.rates, strict=False):
        assert (row["arm"], row["kind"], row["judge"], int(row["n"])) == (rate.arm, rate.kind, rate.judge, rate.n)
        assert float(row["value"]) == rate.rate and float(row["low"]) == rate.low
    for row, found in zip(rows[len(results.rates) :], results.comparisons, strict=True):
        assert (row["shown"], row["gained"]) == (str(found.is_real(0.05)), str(len(found.gained)))


def test_json_has_the_tables_and_the_ids_of_what_moved(run: Path) -> None:
    results, _ = everything()
    found = json.loads(write_report(run, format="json").read_text())
    assert found["digest"] and found["language"] == "en" and found["finding"].startswith("The baseline, original,")
    assert len(found["rates"]) == len(results.rates) and len(found["differences"]) == len(results.comparisons)
    view = [row for row in results.comparisons if row.judge == "expressions"]
    moved = {(one["prompt_id"], one["arm"], one["refusal"]) for one in found["moved"]}
    assert moved == {(p, row.arm, way) for row in view for ids, way in ((row.gained, "gained"), (row.lost, "lost"))
                     for p in ids}  # fmt: skip
    total = sum(
        one["count"] for one in found["transitions"] if one["arm"] == "refusal-lora" and one["kind"] == "benign"
    )
    assert total == 48
    assert {(one["kind"], one["arm"]) for one in found["categories"]} == {
        (k, a) for k in KINDS for a in ARMS if a != FALLEN
    }
    assert "Sure. First" not in json.dumps(found)


def test_junit_fails_what_goes_the_wrong_way_and_only_that(tmp_path: Path) -> None:
    results, told = make_results({"a": (0.3, 0.1, 0.1), "b": (0.9, 0.5, 0.1)}, n=48)
    table = {"harmful": (40, 10, 1e-7), "borderline": (10, 40, 1e-7), "benign": (1, 4, 0.3)}
    changes = [a_comparison("b", kind, *counts, baseline="a") for kind, counts in table.items()]
    better = a_comparison("c", "harmful", 10, 40, 1e-7, baseline="a")
    nothing = better.model_copy(update={"kind": "benign", "n": 0, "difference": None, "low": None, "high": None})
    more = {"arms": ("a", "b", "c"), "comparisons": (*changes, better, nothing)}
    write_run(tmp_path, results.model_copy(update=more), make_answers(told, plain))
    root = ElementTree.parse(write_report(tmp_path, format="junit")).getroot()
    cases = {case.get("name"): [part.tag for part in case] for case in root.iter("testcase")}
    assert cases == {
        "b, harmful": ["failure", "system-out"], "b, borderline": ["failure", "system-out"],
        "b, benign": ["system-out"], "c, harmful": ["system-out"], "c, benign": ["skipped"],
        "no near-copies across the split": [],
    }  # fmt: skip
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("6", "2", "0", "1")


def test_junit_shows_failed_arms_as_errors_and_leaks_as_failures(run: Path) -> None:
    root = ElementTree.parse(write_report(run, format="junit")).getroot()
    cases = {case.get("name"): [part.tag for part in case] for case in root.iter("testcase")}
    assert cases[FALLEN] == ["error"] and cases["no near-copies across the split"] == ["failure"]
    assert not [name for name in cases if name and name.startswith(f"{FALLEN},")]


def test_hostile_names_leave_every_format_readable(tmp_path: Path) -> None:
    text = " ".join(HOSTILE.values())
    results, told = make_results({"a": (0.3, 0.1, 0.1), text[:2000]: (0.9, 0.5, 0.1)}, n=12)
    poisoned = results.model_copy(update={"name": text, "warnings": tuple(HOSTILE.values())})
    rows = make_answers(told, plain)
    for row in rows:
        row.update(category=text, error=text, response=None)
    for part in (tmp_path / "results.json", tmp_path / "answers.jsonl"):
        part.unlink(missing_ok=True)
    safe = poisoned.model_copy(update={
        "name": poisoned.name.replace("\ud83d", ""), "arms": tuple(arm.replace("\ud83d", "") for arm in poisoned.arms),
        "warnings": tuple(one.replace("\ud83d", "") for one in poisoned.warnings)})  # fmt: skip
    write_run(tmp_path, safe, rows)
    for format_ in FILES:
        content = write_report(tmp_path, format=format_).read_text(encoding="utf-8")
        if format_ in ("md", "csv", "html"):
            assert clean(content) == content
    json.loads((tmp_path / "report.json").read_text())
    ElementTree.parse(tmp_path / "report.xml")
    assert len({len(row) for row in csv.reader((tmp_path / "report.csv").read_text().splitlines())}) == 1


def test_redaction_leaves_no_answer_to_a_harmful_prompt_anywhere(tmp_path: Path) -> None:
    results, told = make_results(n=12)
    rows = make_answers(told, lambda outcome, kind: f"SECRET-{kind}")
    for row in rows:
        mark = f"SECRET-{row['kind']}"
        row["verdicts"]["expressions"]["reason"] = f"it says `{mark}`"
        row["tries"] = [{"attempt": 1, "asked": mark, "response": mark, "error": mark, "chosen": True}]
        if row["prompt_id"].endswith("-3"):
            row.update(response=None, error=f"TooLong: after {mark}")
    training = [part.model_copy(update={"example": "SECRET-harmful"}) for part in results.training]
    write_run(tmp_path / "run", results.model_copy(update={"training": tuple(training)}), rows)
    for format_ in FILES:
        write_report(tmp_path / "run", format=format_, redact=True, out=tmp_path / "shared")
    written = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert len(written) > 30
    for path in written:
        assert b"SECRET-harmful" not in path.read_bytes(), path
    page = (tmp_path / "shared" / "report.html").read_text()
    assert "SECRET-benign" in page and "Answers to harmful prompts were left out of this page on purpose." in page
    assert sum("h" in said for item in listed(page) for said in item["a"]) == 12 * len(ARMS)
    assert "SECRET-harmful" in (tmp_path / "run" / "report.html").read_text()  # the run's own is as it was


def test_another_folder_gets_the_report_and_the_run_keeps_its_own(run: Path, tmp_path: Path) -> None:
    before = (run / "report.html").read_bytes()
    page = api.write_report(str(run), language="pt-BR", out=str(tmp_path / "new" / "deep"))
    assert page == tmp_path / "new" / "deep" / "report.html" and (page.parent / "figures" / "flow.svg").exists()
    assert 'lang="pt-BR"' in page.read_text() and (run / "report.html").read_bytes() == before


def test_unknown_formats_and_languages_are_mistakes_that_name_the_known(run: Path) -> None:
    with pytest.raises(ConfigError, match="no report format `pdf`") as error:
        write_report(run, format="pdf")
    assert "html, md, json, csv, junit" in str(error.value.hint)
    with pytest.raises(ConfigError, match="no report language `xx`"):
        api.run(language="xx")
    with pytest.raises(InputError, match="no results here"):
        write_report(run / "nowhere", format="csv")


def test_the_command_writes_every_format_and_says_where(run: Path, tmp_path: Path, command: Call) -> None:
    for format_, name in FILES.items():
        done = command("report", str(run), "--format", format_, "--lang", "pt-BR", "--redact", "--out", "o")
        assert done.code == 0 and done.out.strip() == str(Path("o") / name), done
        assert (tmp_path / "o" / name).stat().st_size > 100
    done = command("report", str(run), "--lang", "xx")
    assert done.code == 2 and "languages: en, pt-BR" in done.err
