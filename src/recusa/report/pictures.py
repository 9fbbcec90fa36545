"""Every picture of a report, and how each is written: as SVG, as PNG and its data as CSV."""

from __future__ import annotations

import csv
import io
import re
from importlib.util import find_spec
from pathlib import Path

import resvg_py

from recusa.report.charts import before_after, outcomes, rates
from recusa.report.checks_chart import checks
from recusa.report.clean import clean
from recusa.report.compare_charts import cost, differences, four_way, loss
from recusa.report.flow_chart import flow
from recusa.report.format import Locale
from recusa.report.frontier_chart import frontier
from recusa.report.heat_chart import heat
from recusa.report.layout import Frame
from recusa.report.summary import Summary
from recusa.report.svg import LIGHT, Figure
from recusa.report.trade_chart import trade
from recusa.report.whole_file import write_whole

FIGURES = "figures"
OURS = re.compile(
    r"(harmful-outcomes|harmless-outcomes|rates|before-after|differences|four-way|flow|trade|cost|frontier"
    r"|categories-\w+|(loss|checks)-\d+)\.(svg|png|csv)"
)


def draw(summary: Summary, locale: Locale, alpha: float) -> tuple[Figure, ...]:
    """Every picture there is data for."""
    arms = tuple(arm.name for arm in summary.arms)
    frame = Frame(arms, summary.baseline, summary.view.judge, summary.level, locale)
    asked = [kind for kind in summary.kinds if any(row.n for row in summary.rates if row.raw.kind == kind)]
    harmful, harmless = [k for k in asked if k == "harmful"], [k for k in asked if k != "harmful"]
    rows = [row for row in summary.rates if row.raw.kind in asked]
    paid = [row for row in summary.cost if row.attack == summary.view.attack]
    figures: list[Figure | None] = [
        outcomes("harmful-outcomes", rows, harmful, frame) if harmful else None,
        outcomes("harmless-outcomes", rows, harmless, frame) if harmless else None,
        rates(rows, asked, frame) if asked else None,
        before_after(rows, asked, frame, alpha) if asked and len(arms) > 1 else None,
        differences(summary.changes, summary.kinds, frame) if summary.changes else None,
        four_way(summary.four_way, frame) if summary.four_way else None,
        flow(summary.moves, summary.kinds, frame),
        trade(rows, frame),
        frontier(summary.frontier.raw if summary.frontier else None, frame),
        *(heat(kind, summary.categories, frame, alpha) for kind in summary.kinds),
        cost(paid, frame) if paid else None,
    ]
    losses = [loss(note.raw, number, frame) if note.figure else None for number, note in enumerate(summary.training, 1)]
    checked = [checks(note.raw, number, frame) for number, note in enumerate(summary.training, 1)]
    return tuple(figure for figure in (*figures, *losses, *checked) if figure is not None)


def write_pictures(figures: tuple[Figure, ...], place: Path) -> None:
    """Write all files of all pictures, and take away those of an earlier report with more to show."""
    place.mkdir(parents=True, exist_ok=True)
    written = {name for figure in figures for name in _write(figure, place)}
    for old in place.iterdir():
        if OURS.fullmatch(old.name) and old.name not in written:
            old.unlink()


def png(drawn: str) -> bytes:
    """A picture's SVG in pixels, twice its size, in Lato where that is installed."""
    fonts = _lato()
    if not fonts:
        return resvg_py.svg_to_bytes(svg_string=drawn, zoom=2, background=LIGHT["paper"])
    return resvg_py.svg_to_bytes(
        svg_string=drawn,
        zoom=2,
        background=LIGHT["paper"],
        font_files=fonts,
        sans_serif_family="Lato",
        skip_system_fonts=True,
    )


def _lato() -> list[str]:
    """The font files of the package `font-lato`, found without importing it."""
    spec = find_spec("font_lato")
    folders = spec.submodule_search_locations if spec else None
    names = ("Lato-Regular.ttf", "Lato-Bold.ttf")
    files = [Path(folder, "files", name) for folder in folders or () for name in names]
    return [str(file) for file in files if file.is_file()]


def _write(figure: Figure, place: Path) -> tuple[str, ...]:
    """Write one picture's three files; returns their names."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(figure.columns)
    writer.writerows([clean(cell) if isinstance(cell, str) else cell for cell in row] for row in figure.rows)
    drawn = figure.file()
    contents = {"csv": table.getvalue().encode(), "svg": drawn.encode(), "png": png(drawn)}
    for ending, content in contents.items():
        write_whole(place / f"{figure.name}.{ending}", content)
    return tuple(f"{figure.name}.{ending}" for ending in contents)
