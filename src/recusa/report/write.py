"""Writing a report beside a run's results, or elsewhere: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from recusa.errors import ConfigError
from recusa.report.data_files import as_csv, as_json
from recusa.report.junit import junit
from recusa.report.languages import DEFAULT, locale_of
from recusa.report.markdown import markdown
from recusa.report.page import render
from recusa.report.pictures import FIGURES, draw, write_pictures
from recusa.report.summary import summarise
from recusa.report.whole_file import write_whole
from recusa.results import load_results

FILES = {
    "html": "report.html",
    "md": "report.md",
    "json": "report.json",
    "csv": "report.csv",
    "junit": "report.xml",
}


def write_report(
    folder: Path, *, language: str = DEFAULT, format: str = "html", redact: bool = False, out: Path | None = None
) -> Path:
    """Write a run's report into its folder, or into `out`; returns the file.

    A page comes with its pictures in `figures/`. With `redact`, no answer to a harmful prompt is in any of them.
    Raises InputError, ConfigError for a language or a format that there is not.
    """
    locale = locale_of(language)
    name = FILES.get(format)
    if name is None:
        raise ConfigError(f"no report format `{format}`", f"formats: {', '.join(FILES)}")
    results = load_results(folder)
    summary = summarise(results, folder, locale, redact=redact)
    place = out or folder
    place.mkdir(parents=True, exist_ok=True)
    if format == "html":
        figures = draw(summary, locale, results.alpha)
        write_pictures(figures, place / FIGURES)
        content = render(summary, figures, locale).encode()
    elif format == "md":
        content = markdown(summary, locale).encode()
    elif format == "json":
        content = as_json(summary, results, locale).encode()
    elif format == "csv":
        content = as_csv(results).encode()
    else:
        content = junit(summary, locale)
    write_whole(place / name, content)
    return place / name
