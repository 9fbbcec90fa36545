"""The report as JUnit XML, for programs that show tests: a case per arm and kind, failed where a change goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.rows import ChangeRow
from recusa.report.summary import Summary


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what it is about, `failure`, `error` or `skipped` with a message, and what was measured."""

    group: str
    name: str
    result: str = ""
    message: str = ""
    told: str = ""


def junit(summary: Summary, locale: Locale) -> bytes:
    """The suite: fewer harmful or more harmless refusals fail where that could be shown; failed arms are errors."""
    cases = list(_cases(summary, locale))
    results = [case.result for case in cases]
    counts = {
        "tests": len(cases), "failures": results.count("failure"), "errors": results.count("error"),
        "skipped": results.count("skipped"),
    }  # fmt: skip
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Element("testsuites", numbers)
    suite = SubElement(suites, "testsuite", {"name": clean(summary.name), **numbers})
    for case in cases:
        found = SubElement(suite, "testcase", {"classname": clean(case.group), "name": clean(case.name), "time": "0"})
        if case.result:
            SubElement(found, case.result, {"message": clean(case.message)})
        if case.told:
            SubElement(found, "system-out").text = clean(case.told)
    content: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _cases(s: Summary, locale: Locale) -> Iterator[Case]:
    group = locale.say("junit_changes", baseline=s.baseline)
    for arm, reason in s.fallen.items():
        yield Case(locale.say("junit_failed_arm"), arm, "error", reason)
    for row in s.changes:
        if row.raw.arm not in s.fallen:
            yield _change(row, group, s.view.judge, locale)
    leaks = len(s.audit.raw.leaks)
    message = locale.say("warn_leaks", count=locale.number(leaks)) if leaks else ""
    yield Case(locale.say("junit_split"), locale.say("junit_leaks"), "failure" if leaks else "", message)


def _change(row: ChangeRow, group: str, judge: str, locale: Locale) -> Case:
    name = locale.say("junit_case", arm=row.raw.arm, kind=locale.kind(row.raw.kind))
    if not row.compared:
        return Case(group, name, "skipped", locale.say("junit_not_compared"))
    numbers = {"before": row.before, "after": row.after}
    told = locale.say("junit_told", **numbers, points=row.points, spread=row.spread, p=row.p_holm, judge=judge)
    if row.real and row.risen != (row.raw.kind == "harmful"):
        return Case(
            group, name, "failure", locale.say("junit_wrong_way", kind=locale.kind(row.raw.kind), **numbers), told
        )
    return Case(group, name, told=told)
