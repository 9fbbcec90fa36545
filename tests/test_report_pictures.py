"""The pictures: three files each, drawn from any number of arms, no label cut off."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.report_run import make_answers, make_results, plain, write_run

from recusa.report.svg import WIDTH, text_width, wrap


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    results, told = make_results()
    write_run(folder, results, make_answers(told, plain))
    return folder


def test_figures_come_as_svg_png_and_csv(run: Path) -> None:
    names = {path.stem for path in (run / "figures").iterdir()}
    assert names == {"harmful-outcomes", "harmless-outcomes", "rates", "before-after", "differences", "four-way",
                     "trade", "cost", "loss-1", "loss-2"}  # fmt: skip
    for name in names:
        root = ElementTree.parse(run / "figures" / f"{name}.svg").getroot()
        assert root.get("role") == "img"
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert "var(" not in (run / "figures" / f"{name}.svg").read_text()
        assert (run / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        table = list(csv.reader((run / "figures" / f"{name}.csv").read_text().splitlines()))
        assert len(table) > 1 and {len(row) for row in table} == {len(table[0])}


def test_pictures_are_drawn_without_the_lato_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recusa.report.write.find_spec", lambda name: None)
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


def test_wrapped_labels_lose_nothing() -> None:
    name = "perturbation-method_with/a.very+long:name and" + "y" * 80
    lines = wrap(name, 120)
    assert "".join(lines) == name.replace(" ", "")
    assert all(text_width(line) <= 120 for line in lines)
