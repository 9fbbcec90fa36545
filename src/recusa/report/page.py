"""The page: one self-contained HTML text, whose only script is its own, named by its hash."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from operator import attrgetter

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recusa.report.answers import FAILED, OUTCOMES, WITHHELD
from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.judge_lines import as_json
from recusa.report.listing import CODES
from recusa.report.summary import Summary
from recusa.report.svg import DARK, LIGHT, Figure, stylesheet, variables

PAGE_FONT = "var(--sans)"
# the sentences the list's script says
SAID = (
    "said_outcome", "said_length", "said_missing", "said_withheld", "said_failed", "said_empty", "said_cut",
    "said_reason", "list_tries", "try_number", "try_score", "try_kept", "try_rejected", "try_writing", "try_asked",
    "try_heard", "tag_differ", "moved_gained", "moved_lost", "show_answer", "show_answers", "list_busy", "list_none",
    "list_one", "list_count",
)  # fmt: skip


def render(summary: Summary, figures: tuple[Figure, ...], locale: Locale) -> str:
    """The page; a name the template misses is an error."""
    style = (
        f":root {{ {variables(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
        f"@media print {{ :root {{ {variables(LIGHT)} }} }}\n"
        f"{stylesheet(None, PAGE_FONT, 'svg.chart ')}"
    )
    outcomes = [(name, locale.say(f"outcome_{name}")) for name in (*OUTCOMES, FAILED)]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            s=summary,
            figures={figure.name: figure for figure in figures},
            heats=[figure.name for figure in figures if figure.name.startswith("categories-")],
            svg=lambda figure: Markup(figure.inline()),
            style=Markup(style),
            script=Markup(script()),
            script_hash=f"sha256-{b64encode(sha256(script().encode()).digest()).decode()}",
            setup=Markup(_embedded(_setup(summary, locale))),
            compared=_arms(summary),
            kind_options=[(kind, locale.kind_title(kind)) for kind in summary.listing.kinds],
            outcome_options=outcomes,
            say=locale.say,
            locale=locale,
            kind_name=locale.kind_title,
        )
    )


@cache  # templates are compiled once, not for each report
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
    templates.filters["twice"] = lambda text: (text, text)
    templates.filters["as_is"] = Markup  # JSON whose `<` are escaped already
    return templates


@cache
def script() -> str:
    """The script of the list of answers, as it stands in the page."""
    return (files("recusa.report") / "listing.js").read_text(encoding="utf-8").strip()


def _setup(summary: Summary, locale: Locale) -> Mapping[str, object]:
    """What the list's script must know: words, names of arms, kinds and outcomes."""
    names = {code: name for name, code in CODES.items()} | {"": "none"}
    return {
        "language": locale.code,
        "arms": [clean(arm.name) for arm in summary.arms],
        "baseline": next((place for place, arm in enumerate(summary.arms) if arm.baseline), 0),
        "folded": WITHHELD,
        "kinds": {kind: locale.words.get(f"one_{kind}", kind) for kind in summary.listing.kinds},
        "outcomes": {code: {"name": name, "word": locale.say(f"outcome_{name}")} for code, name in names.items()},
        "words": {name: locale.words[name] for name in SAID},
    }


def _arms(summary: Summary) -> list[tuple[str, str]]:
    """The arms by their place, those compared with the baseline first."""
    places = [(str(place), arm.name) for place, arm in enumerate(summary.arms)]
    return sorted(places, key=lambda one: summary.arms[int(one[0])].baseline)


def _embedded(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    return as_json(value, indent=None).replace("<", "\\u003c")


def _grouped(rows: Iterable[object], path: str) -> list[tuple[object, list[object]]]:
    """Rows that share an attribute, in the order they come."""
    groups: dict[object, list[object]] = {}
    for row in rows:
        groups.setdefault(attrgetter(path)(row), []).append(row)
    return list(groups.items())
