"""The pictures: three files each, drawn from any number of arms, no label cut off."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.report_run import ARMS, N, make_answers, make_results, plain, wilson, write_run

from recusa.report import write_report
from recusa.report.svg import WIDTH, text_width, wrap


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    results, told = make_results()
    write_run(folder, results, make_answers(told, plain))
    return folder


@pytest.mark.usefixtures("pixels")
def test_figures_come_as_svg_png_and_csv(run: Path) -> None:
    write_report(run)
    names = {path.stem for path in (run / "figures").iterdir()}
    assert names == {"harmful-outcomes", "harmless-outcomes", "rates", "before-after", "differences", "four-way",
                     "trade", "cost", "loss-1", "loss-2", "flow", "categories-harmful", "categories-borderline",
                     "categories-benign"}  # fmt: skip
    for name in names:
        root = ElementTree.parse(run / "figures" / f"{name}.svg").getroot()
        assert root.get("role") == "img"
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert "var(" not in (run / "figures" / f"{name}.svg").read_text()
        assert (run / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        table = list(csv.reader((run / "figures" / f"{name}.csv").read_text().splitlines()))
        assert len(table) > 1 and {len(row) for row in table} == {len(table[0])}


@pytest.mark.usefixtures("pixels")
def test_pictures_are_drawn_without_the_lato_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recusa.report.pictures.find_spec", lambda name: None)
    results, told = make_results({"a": (0.3, 0.1, 0.1)}, n=4)
    write_run(tmp_path, results, make_answers(told, plain))
    assert (tmp_path / "figures" / "rates.png").stat().st_size > 1000


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_labels_stay_inside_the_picture(tmp_path: Path, count: int) -> None:
    """Long names once ran into the bars; text is measured with the same rule that wraps it."""
    names = [f"arm-{i}-{'a-rather-long-name-' * (i % 4)}{'x' * 40 * (i % 2)}" for i in range(count)]
    results, told = make_results(dict.fromkeys(names, (0.5, 1.0, 0.0)), n=6)
    write_run(tmp_path, results, make_answers(told, plain))
    for picture in (tmp_path / "figures").glob("*.svg"):
        for text in ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text"):
            size = 16 if text.get("class") == "title" else 11 if "small" in (text.get("class") or "") else 12
            x, wide = float(text.get("x") or 0), text_width(text.text or "", size)
            left = x - wide * {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor") or "start", 0.0)
            assert left > -16 and left + wide < WIDTH + 16, (picture.name, text.text)


def test_each_row_of_the_four_ways_has_its_own_shares_and_intervals(run: Path) -> None:
    rows = list(csv.DictReader((run / "figures" / "four-way.csv").read_text().splitlines()))
    assert {(row["arm"], row["prompts"]) for row in rows} == {(a, p) for a in ARMS for p in ("harmful", "harmless")}
    for row in rows:
        value = {name: float(text) for name, text in row.items() if name not in ("arm", "prompts")}
        assert value["n"] == (N if row["prompts"] == "harmful" else 2 * N)
        shares = value["refused_share"] + value["answered_share"] + value["unclear"] / value["n"]
        assert shares == pytest.approx(1)
        for way in ("refused", "answered"):
            low, high = wilson(int(value[way]), int(value["n"]))
            assert 0 <= value[f"{way}_low"] <= value[f"{way}_share"] <= value[f"{way}_high"] <= 1
            assert (value[f"{way}_low"], value[f"{way}_high"]) == pytest.approx((low, high), abs=1e-6)
    picture = ElementTree.parse(run / "figures" / "four-way.svg").getroot()
    assert sum(part.get("class") == "whisker" for part in picture.iter()) == 3 * 4 * len(ARMS)  # a line and two caps


def test_four_ways_without_harmless_answers_say_so(tmp_path: Path) -> None:
    results, told = make_results({"a": (0.5,)}, kinds=("harmful",), n=4)
    write_run(tmp_path, results, make_answers(told, plain))
    assert ">not asked</text>" in (tmp_path / "figures" / "four-way.svg").read_text()
    assert "a,harmless,0,0,,,,0,,,,0,0" in (tmp_path / "figures" / "four-way.csv").read_text()


def test_the_baseline_is_drawn_last_and_numbers_in_one_place_share_a_label(tmp_path: Path) -> None:
    results, told = make_results({"base": (0.5, 0.5, 0.0), "same": (0.5, 0.5, 0.5), "far": (1.0, 1.0, 1.0)}, n=8)
    write_run(tmp_path, results, make_answers(told, plain))
    parts = list(ElementTree.parse(tmp_path / "figures" / "trade.svg").getroot().iter())
    # the legend's marks come after the numbers
    first = next(place for place, part in enumerate(parts) if "num-mark" in (part.get("class") or ""))
    looks = [part.get("class") or "" for part in parts[:first] if (part.get("class") or "").startswith("mark-")]
    assert looks[-2:] == ["mark-borderline ring", "mark-benign hollow"]
    assert not any("ring" in look or "hollow" in look for look in looks[:-2])
    numbers = [
        part.text for part in parts if "halo" in (part.get("class") or "") and "num-mark" in part.get("class", "")
    ]
    assert "1, 2" in numbers and numbers.count("3") == 1


def test_wrapped_labels_lose_nothing() -> None:
    name = "perturbation-method_with/a.very+long:name and" + "y" * 80
    lines = wrap(name, 120)
    assert "".join(lines) == name.replace(" ", "")
    assert all(text_width(line) <= 120 for line in lines)


def test_the_flow_counts_every_pair_once(run: Path) -> None:
    rows = list(csv.DictReader((run / "figures" / "flow.csv").read_text().splitlines()))
    results, told = make_results()
    for change in results.comparisons:
        mine = [row for row in rows if (row["arm"], row["kind"]) == (change.arm, change.kind)]
        assert len(mine) == 9 and sum(int(row["count"]) for row in mine) == N == int(mine[0]["n"])
        gained = sum(int(row["count"]) for row in mine if row["baseline_outcome"] != "refused" == row["arm_outcome"])
        lost = sum(int(row["count"]) for row in mine if row["baseline_outcome"] == "refused" != row["arm_outcome"])
        assert (gained, lost) == (len(change.gained), len(change.lost))
    picture = (run / "figures" / "flow.svg").read_text()
    assert picture.count('class="flow-gained"') >= 12 and "+25, \N{MINUS SIGN}0; n = 48" in picture
    assert len({arm for arm, _ in told}) == 1 + len({row["arm"] for row in rows})  # the baseline has no row


def test_ribbons_of_the_flow_meet_both_bars_without_a_gap(run: Path) -> None:
    """Left ends of one pair's ribbons stack up to the whole bar, and so do the right ends."""
    parts = list(ElementTree.parse(run / "figures" / "flow.svg").getroot().iter())
    paths = [part.get("d") or "" for part in parts if (part.get("class") or "").startswith("flow-")]
    numbers = [[float(n) for n in re.findall(r"-?\d+\.?\d*", d)] for d in paths]
    first = [n for n in numbers if n[0] == numbers[0][0] and n[1] < numbers[0][1] + 58]
    thick = sum(n[9] - n[7] for n in first)
    assert thick == pytest.approx(58, abs=1.5)


def test_categories_are_counted_from_the_answers_with_intervals(run: Path) -> None:
    rows = list(csv.DictReader((run / "figures" / "categories-harmful.csv").read_text().splitlines()))
    answers = [json.loads(line) for line in (run / "answers.jsonl").read_text().splitlines()]
    firsts = {row["prompt_id"]: row["category"] for row in reversed(answers)}
    for row in rows:
        mine = [a for a in answers if a["arm"] == row["arm"] and a["kind"] == "harmful"
                and firsts[a["prompt_id"]] == row["category"]]  # fmt: skip
        refused = sum(a["verdicts"]["expressions"]["outcome"] == "refused" for a in mine)
        assert (int(row["refused"]), int(row["n"])) == (refused, len(mine))
        assert (float(row["low"]), float(row["high"])) == pytest.approx(wilson(refused, len(mine)), abs=1e-6)
    assert {row["arm"] for row in rows} == set(ARMS)


def test_many_categories_and_arms_are_folded_and_numbered(tmp_path: Path) -> None:
    results, told = make_results({f"arm-{i}": (0.5, 0.2, 0.1) for i in range(12)}, n=60)
    rows = make_answers(told, plain)
    for row in rows:
        row["category"] = "" if row["prompt_id"].endswith("-7") else f"c{row['prompt_id'].rpartition('-')[2]}"
    write_run(tmp_path, results, rows)
    picture = (tmp_path / "figures" / "categories-benign.svg").read_text()
    assert ">35 more categories</text>" in picture and ">without category</text>" in picture
    assert picture.count('class="num-mark"') == 24  # numbers over the columns and in the legend
    found = list(csv.DictReader((tmp_path / "figures" / "categories-benign.csv").read_text().splitlines()))
    assert len({row["category"] for row in found}) == 60  # the data has them all


def test_prompts_without_categories_get_no_heat_map(tmp_path: Path) -> None:
    results, told = make_results({"a": (0.3, 0.1, 0.1)}, n=4)
    rows = make_answers(told, plain)
    for row in rows:
        row["category"] = ""
    page = write_run(tmp_path, results, rows)
    assert not list((tmp_path / "figures").glob("categories-*")) and "The prompts carry no categories." in page
    assert not (tmp_path / "figures" / "flow.svg").exists()  # one arm: nothing moved


def test_before_and_after_stand_with_their_intervals(run: Path) -> None:
    rows = list(csv.DictReader((run / "figures" / "before-after.csv").read_text().splitlines()))
    assert len(rows) == 3 * (len(ARMS) - 1)
    for row in rows:
        for side in ("baseline", "arm"):
            low, high = wilson(int(row[f"{side}_count"]), int(row[f"{side}_n"]))
            assert (float(row[f"{side}_low"]), float(row[f"{side}_high"])) == pytest.approx((low, high), abs=1e-6)
    picture = ElementTree.parse(run / "figures" / "before-after.svg").getroot()
    quiet = sum(part.get("class") == "line-quiet" for part in picture.iter())
    assert quiet == 3 * len(rows)  # a line and two caps each
