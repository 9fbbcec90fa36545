"""A gate's verdict for other programs: Markdown for a pull request, JUnit XML for a build server."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from recusa.gating import Gate, Limit
from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.gate_words import (
    bounds,
    decision,
    explained,
    level,
    notes,
    points,
    refused,
    said,
    shown_p,
    verdict,
)
from recusa.report.told import retell

RIGHT = "---:"
ALIGNED = ("---", *[RIGHT] * 7, "---")


def markdown(gate: Gate, locale: Locale) -> str:
    """A summary that fits a pull request or a build's page: verdict, one row a limit, and what to know besides."""
    at = level(gate, locale)
    names = {"baseline": _code(gate.baseline), "candidate": _code(gate.candidate), "judge": _code(gate.judge)}
    heads = [
        *(locale.say(f"gate_{name}") for name in ("limit", "pairs", "refused_before", "after", "worse_points")),
        locale.say("gate_bounds_at", level=at),
        *(locale.say(f"gate_{name}") for name in ("p_held", "p_broken", "decision")),
    ]
    rule = locale.say("gate_rule", level=at, test=retell(gate.test, locale), alpha=locale.plain(gate.alpha))
    measured = "gate_unmeasured" if gate.judge_error is None else "gate_measured"
    lines = [
        f"## recusa {locale.say('gate_title', verdict=verdict(gate, locale))}",
        "",
        locale.say("gate_sides", **names),
        "",
        _line(heads),
        _line(ALIGNED),
        *(_row(limit, locale) for limit in gate.limits),
        "",
        *(f"- {note}." for note in notes(gate, locale)),
        f"- {rule}",
        f"- {locale.say(measured, judge=names['judge'])}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(limit: Limit, locale: Locale) -> str:
    n, groups = locale.number(limit.n), locale.number(limit.groups)
    return _line(
        [
            said(limit, locale),
            locale.say("gate_grouped", n=n, groups=groups) if limit.groups < limit.n else n,
            *refused(limit, locale),
            points(limit.worse, locale),
            bounds(limit, locale),
            shown_p(limit.p_held, locale),
            shown_p(limit.p_broken, locale),
            f"**{decision(limit.decision, locale)}**",
        ]
    )


def _code(text: str) -> str:
    """A name as code; what is not printable, and what would end the code or a table's cell, is left out."""
    return f"`{' '.join(clean(text).replace('`', ' ').replace('|', ' ').split())}`"


def junit(gate: Gate, locale: Locale) -> str:
    """One test case a limit: a broken one failed, an open one is an error, so that a build does not pass over it."""
    broken, still_open = (sum(limit.decision == one for limit in gate.limits) for one in ("broken", "open"))
    counts = f'tests="{len(gate.limits)}" failures="{broken}" errors="{still_open}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'<testsuite name="recusa gate" {counts} skipped="0">',
        f'<properties><property name="verdict" value={_quoted(gate.verdict)}/></properties>',
        *(_case(limit, locale) for limit in gate.limits),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(limit: Limit, locale: Locale) -> str:
    head = f'<testcase classname="recusa.gate" name={_quoted(said(limit, locale))}'
    if limit.decision == "held":
        return f"{head}/>"
    message = "; ".join([numbers(limit, locale), *explained(limit, locale)])
    if limit.decision == "broken":
        return f'{head}><failure type="broken" message={_quoted(message)}/></testcase>'
    return f'{head}><error type="not enough evidence" message={_quoted(message)}/></testcase>'


def numbers(limit: Limit, locale: Locale) -> str:
    """A limit's counts, difference and bounds in a line."""
    kind = locale.kind(limit.kind)
    if limit.worse is None:
        return locale.say("gate_nothing", kind=kind)
    before, after = refused(limit, locale)
    told = {"points": points(limit.worse, locale), "spread": bounds(limit, locale)}
    return locale.say("gate_numbers", kind=kind, before=before, after=after, **told)


def _quoted(text: str) -> str:
    return quoteattr(clean(text))
