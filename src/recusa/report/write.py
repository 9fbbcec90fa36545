"""Writing a report: pictures as SVG, PNG and CSV, then the page, each whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path

import resvg_py
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recusa.report.charts import before_after, outcomes, rates
from recusa.report.checks_chart import checks
from recusa.report.clean import clean
from recusa.report.compare_charts import cost, differences, four_way, loss
from recusa.report.format import Locale
from recusa.report.frontier_chart import frontier
from recusa.report.layout import Frame, kind_name
from recusa.report.summary import Summary, summarise
from recusa.report.svg import DARK, LIGHT, Figure, stylesheet, variables
from recusa.report.text import ENGLISH
from recusa.report.trade_chart import trade
from recusa.results import load_results

PAGE = "report.html"
FIGURES = "figures"
OURS = re.compile(
    r"(harmful-outcomes|harmless-outcomes|rates|before-after|differences|four-way|trade|cost|frontier|(loss|checks)-\d+)\.(svg|png|csv)"
)
PAGE_FONT = "var(--sans)"


def write_report(folder: Path) -> Path:
    """Write `report.html` and `figures/` beside a run's results; returns the page, raises InputError."""
    locale = Locale(ENGLISH)
    summary = summarise(load_results(folder), folder, locale)
    figures = draw(summary, locale)
    place = folder / FIGURES
    place.mkdir(exist_ok=True)
    written = {name for figure in figures for name in _write_figure(figure, place)}
    for old in place.iterdir():
        if OURS.fullmatch(old.name) and old.name not in written:  # from an earlier run with more to show
            old.unlink()
    page = folder / PAGE
    _write(page, render(summary, figures, locale).encode())
    return page


def draw(summary: Summary, locale: Locale) -> tuple[Figure, ...]:
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
        before_after(rows, asked, frame) if asked and len(arms) > 1 else None,
        differences(summary.changes, summary.kinds, frame) if summary.changes else None,
        four_way(summary.four_way, frame) if summary.four_way else None,
        trade(rows, frame),
        frontier(summary.frontier.raw if summary.frontier else None, frame),
        cost(paid, frame) if paid else None,
    ]
    losses = [loss(note.raw, number, frame) if note.figure else None for number, note in enumerate(summary.training, 1)]
    checked = [checks(note.raw, number, frame) for number, note in enumerate(summary.training, 1)]
    return tuple(figure for figure in (*figures, *losses, *checked) if figure is not None)


def render(summary: Summary, figures: tuple[Figure, ...], locale: Locale) -> str:
    """The page as one self-contained HTML text; a name the template misses is an error."""
    style = (
        f":root {{ {variables(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
        f"@media print {{ :root {{ {variables(LIGHT)} }} }}\n"
        f"{stylesheet(None, PAGE_FONT, 'svg.chart ')}"
    )
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            s=summary,
            figures={figure.name: figure for figure in figures},
            svg=lambda figure: Markup(figure.inline()),
            style=Markup(style),
            say=locale.say,
            locale=locale,
            kind_name=lambda kind: kind_name(kind, locale),
        )
    )


def environment() -> Environment:
    """Templates that escape everything, spell out hidden characters, and raise on a name they do not know."""
    templates = Environment(
        loader=PackageLoader("recusa.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    templates.filters["grouped"] = _grouped
    return templates


def png(figure: Figure) -> bytes:
    """The picture in pixels, twice its size, in Lato where that is installed."""
    fonts = _lato()
    if not fonts:
        return resvg_py.svg_to_bytes(svg_string=figure.file(), zoom=2, background=LIGHT["paper"])
    return resvg_py.svg_to_bytes(
        svg_string=figure.file(),
        zoom=2,
        background=LIGHT["paper"],
        font_files=fonts,
        sans_serif_family="Lato",
        skip_system_fonts=True,
    )


def _grouped(rows: Iterable[object], path: str) -> list[tuple[object, list[object]]]:
    """Rows that share an attribute, in the order they come."""
    groups: dict[object, list[object]] = {}
    for row in rows:
        groups.setdefault(attrgetter(path)(row), []).append(row)
    return list(groups.items())


def _lato() -> list[str]:
    """The font files of the package `font-lato`, found without importing it."""
    spec = find_spec("font_lato")
    folders = spec.submodule_search_locations if spec else None
    names = ("Lato-Regular.ttf", "Lato-Bold.ttf")
    files = [Path(folder, "files", name) for folder in folders or () for name in names]
    return [str(file) for file in files if file.is_file()]


def _write_figure(figure: Figure, place: Path) -> tuple[str, ...]:
    """Write one picture's three files; returns their names."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(figure.columns)
    writer.writerows([clean(cell) if isinstance(cell, str) else cell for cell in row] for row in figure.rows)
    contents = {"csv": table.getvalue().encode(), "svg": figure.file().encode(), "png": png(figure)}
    for ending, content in contents.items():
        _write(place / f"{figure.name}.{ending}", content)
    return tuple(f"{figure.name}.{ending}" for ending in contents)


def _write(path: Path, content: bytes) -> None:
    """Write under a new name, then rename: a killed run leaves the old file or the new one."""
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
