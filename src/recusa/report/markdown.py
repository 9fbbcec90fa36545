"""The report as Markdown: short enough for a pull request or a model card, every number with its count and interval."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.rows import ChangeRow, RateRow
from recusa.report.summary import Summary

MARKS = re.compile(r"([\\`*_\[\]<>|#~$@])")


def markdown(summary: Summary, locale: Locale) -> str:
    """Finding, rates, changes, cost of a prevented answer, warnings and digest; no answer of a model is in it."""
    return "\n\n".join(part for part in _parts(summary, locale) if part) + "\n"


def plain(text: str) -> str:
    """A text of a run in one line, with nothing that Markdown or HTML would act on."""
    return MARKS.sub(r"\\\1", " ".join(clean(text).split()))


def _parts(s: Summary, locale: Locale) -> Iterator[str]:
    yield f"## {plain(locale.say('page_title', name=s.name))}"
    yield plain(f"{s.finding.baseline} {s.finding.change}")
    for alarm in (*s.finding.doubts, *s.finding.alarms):
        yield f"**{plain(alarm)}**"
    if s.fallen:
        yield f"**{plain(locale.say('alarm_failed', count=len(s.fallen), arms=locale.listed(s.fallen)))}**"
    yield "\n\n".join(plain(text) for text in (*s.finding.support, *s.finding.judges))
    yield _rates(s, locale)
    if s.changes:
        yield _changes(s, locale)
    if s.attacks:
        yield _attacks(s, locale)
    if s.prevented:
        yield _prevented(s, locale)
    if s.warnings:
        yield f"### {locale.say('md_warnings')}\n\n" + "\n".join(f"- {plain(text)}" for text in s.warnings)
    yield plain(f"{locale.say('finding_judge', judge=s.view.judge)} {s.judge_error}")
    made = {"name": s.name, "digest": s.digest, "baseline": s.baseline, "judge": s.view.judge}
    yield locale.say("md_made", **{name: clean(value).replace("`", "'") for name, value in made.items()})


def _rates(s: Summary, locale: Locale) -> str:
    found = {row.key: row for row in s.rates}
    heads = [locale.say("column_arm"), *(locale.kind_title(kind) for kind in s.kinds)]
    rows = [[_arm(arm.name, arm.baseline, locale), *(_rate(found.get((arm.name, kind)), locale) for kind in s.kinds)]
            for arm in s.arms]  # fmt: skip
    note = plain(locale.say("table_rates", judge=s.view.judge, level=s.level))
    return f"### {locale.say('head_rates')}\n\n{table(heads, rows)}\n\n{note}"


def _rate(row: RateRow | None, locale: Locale) -> str:
    if row is None or not row.n:
        return locale.say(row.missing if row else "not_asked")
    return f"{row.count} = {row.percent} ({row.interval})"


def _changes(s: Summary, locale: Locale) -> str:
    names = ("column_arm", "column_kind", "column_before", "column_after", "column_points", "column_p_holm")
    heads = [*(locale.say(name) for name in names), f"{locale.say('md_gained')}, {locale.say('md_lost')}"]
    rows = [_change(row, locale) for row in s.changes]
    note = plain(locale.say("table_changes_note", interval=s.methods[0], test=s.methods[1]))
    title = plain(locale.say("md_moved", baseline=s.baseline))
    return f"### {title}\n\n{table(heads, rows)}\n\n{note}"


def _change(row: ChangeRow, locale: Locale) -> list[str]:
    if not row.compared:
        return [plain(row.raw.arm), locale.kind(row.raw.kind), *["—"] * 3, locale.say("not_compared"), ""]
    points = f"{row.points} ({row.spread})"
    return [
        plain(row.raw.arm),
        locale.kind(row.raw.kind),
        row.before,
        row.after,
        f"**{points}**" if row.real else points,
        locale.p_cell(row.raw.p_holm).replace("<", "&lt;").replace(">", "&gt;"),
        locale.say("moved", gained=locale.number(len(row.raw.gained)), lost=locale.number(len(row.raw.lost))),
    ]


def _attacks(s: Summary, locale: Locale) -> str:
    heads = [locale.say(name) for name in ("column_attack", "column_arm", "answered", "unclear", "failed")]
    rows = [[plain(row.attack), plain(row.arm), f"{row.count} = {row.percent} ({row.interval})", row.unclear,
             row.failed] for row in s.attacks]  # fmt: skip
    return f"### {locale.say('head_attacks')}\n\n{table(heads, rows)}"


def _prevented(s: Summary, locale: Locale) -> str:
    names = ("column_arm", "column_prevented", "column_extra_calls", "column_extra_tokens", "column_extra_seconds",
             "column_wrong_each")  # fmt: skip
    rows = [
        [plain(row.arm), f"{row.count}, {row.share.value} ({row.share.ends})",
         *(one.value + (f" ({one.ends})" if one.ends else "") for one in (row.calls, row.tokens, row.seconds)),
         row.wrong]
        for row in s.prevented
    ]  # fmt: skip
    note = plain(locale.say("table_prevented_note", level=s.level))
    return f"### {locale.say('head_prevented')}\n\n{table([locale.say(name) for name in names], rows)}\n\n{note}"


def _arm(name: str, baseline: bool, locale: Locale) -> str:
    return f"{plain(name)} ({locale.say('baseline_mark')})" if baseline else plain(name)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells must be plain already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
