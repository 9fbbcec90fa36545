"""A gate's verdict for other programs: Markdown for a pull request, JUnit XML for a build server."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from recusa.gating import Gate, Limit, explained, said, shown_p
from recusa.report.clean import clean


def markdown(gate: Gate) -> str:
    """A summary that fits a pull request or a build's page: verdict, one row a limit, and what to know besides."""
    level = f"{100 * (1 - gate.alpha):g} %"
    lines = [
        f"## recusa gate: {gate.verdict}",
        "",
        f"Baseline {_code(gate.baseline)}, candidate {_code(gate.candidate)}, judge {_code(gate.judge)}.",
        "",
        f"| limit | pairs | refused before | after | worse, points | {level} bounds | p held | p broken | decision |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *map(_row, gate.limits),
        "",
        *(f"- {limit.kind}: {sentence}." for limit in gate.limits for sentence in explained(limit)),
        *([f"- {gate.unpaired} answers have no partner on the other side."] if gate.unpaired else []),
        f"- Each bound is one-sided at {level}. Test: {gate.test}. A limit holds if p held is at most {gate.alpha:g}, "
        f"and is broken if p broken (Holm over the limits) is.",
        f"- Judge {_code(gate.judge)}: "
        + ("its error was never measured." if gate.judge_error is None else "its measured error is in the JSON."),
    ]
    return "\n".join(lines) + "\n"


def _row(limit: Limit) -> str:
    cells = [
        said(limit),
        _pairs(limit),
        f"{limit.baseline_refused}/{limit.n}",
        f"{limit.candidate_refused}/{limit.n}",
        _points(limit.worse),
        "" if limit.low is None else f"{_points(limit.low)} to {_points(limit.high)}",
        shown_p(limit.p_held),
        shown_p(limit.p_broken),
        f"**{limit.decision}**",
    ]
    return f"| {' | '.join(cells)} |"


def _pairs(limit: Limit) -> str:
    groups = f" in {limit.groups} groups" if limit.groups < limit.n else ""
    return f"{limit.n}{groups}"


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:+.1f}"


def _code(text: str) -> str:
    """A name as code; what is not printable, and what would end the code or a table's cell, is left out."""
    return f"`{' '.join(clean(text).replace('`', ' ').replace('|', ' ').split())}`"


def junit(gate: Gate) -> str:
    """One test case a limit: a broken one failed, an open one is an error, so that a build does not pass over it."""
    broken, still_open = (sum(limit.decision == one for limit in gate.limits) for one in ("broken", "open"))
    counts = f'tests="{len(gate.limits)}" failures="{broken}" errors="{still_open}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'<testsuite name="recusa gate" {counts} skipped="0">',
        f'<properties><property name="verdict" value={_quoted(gate.verdict)}/></properties>',
        *map(_case, gate.limits),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(limit: Limit) -> str:
    head = f'<testcase classname="recusa.gate" name={_quoted(said(limit))}'
    if limit.decision == "held":
        return f"{head}/>"
    message = "; ".join([numbers(limit), *explained(limit)])
    if limit.decision == "broken":
        return f'{head}><failure type="broken" message={_quoted(message)}/></testcase>'
    return f'{head}><error type="not enough evidence" message={_quoted(message)}/></testcase>'


def numbers(limit: Limit) -> str:
    """A limit's counts, difference and bounds in a line."""
    if limit.worse is None:
        return f"{limit.kind}: nothing to compare"
    return (
        f"{limit.kind}: refused {limit.baseline_refused}/{limit.n}, then {limit.candidate_refused}/{limit.n}; "
        f"worse by {_points(limit.worse)} points ({_points(limit.low)} to {_points(limit.high)})"
    )


def _quoted(text: str) -> str:
    return quoteattr(clean(text))
