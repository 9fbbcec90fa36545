"""Writing a report beside a run's results, or elsewhere: whole or not at all."""

from __future__ import annotations

from hashlib import file_digest
from os import SEEK_END
from pathlib import Path

from recusa.component import digest
from recusa.errors import ConfigError
from recusa.report.data_files import as_csv, as_json
from recusa.report.junit import junit
from recusa.report.languages import DEFAULT, locale_of
from recusa.report.markdown import markdown
from recusa.report.page import render
from recusa.report.pictures import FIGURES, draw, write_pictures
from recusa.report.summary import summarise
from recusa.report.whole_file import write_whole
from recusa.results import ANSWERS, FILE, load_results

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
        content = f"{render(summary, figures, locale)}\n{_stamp(folder, language, redact)}\n".encode()
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


def is_current(folder: Path, language: str = DEFAULT) -> bool:
    """Whether a run's folder holds its page as `write_report` would write it now, with its pictures."""
    page, stamp = folder / FILES["html"], _stamp(folder, language, False).encode()
    if not page.is_file() or not (folder / FIGURES).is_dir():
        return False
    with page.open("rb") as file:
        file.seek(-min(page.stat().st_size, len(stamp) + 1), SEEK_END)
        return file.read().rstrip() == stamp


def _stamp(folder: Path, language: str, redact: bool) -> str:
    """A comment that ends the page: what it was made of, and by what."""
    parts = [*sorted(Path(__file__).parent.glob("*.*")), folder / FILE, folder / ANSWERS]
    made_of = [[part.name, _hash(part)] for part in parts if part.is_file()]
    return f"<!-- made of {digest([made_of, language, redact])} -->"


def _hash(part: Path) -> str:
    with part.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
