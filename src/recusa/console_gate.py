"""A gate's verdict, and what a number of prompts can show, in the terminal: at most 80 columns of plain letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from rich.markup import escape

from recusa.console import line, out
from recusa.gating import Gate, Limit
from recusa.jobs.power import Planned, Showing
from recusa.report.format import Locale
from recusa.report.gate_words import bounds, decision, level, notes, points, refused, shown_p, verdict

WIDTH = 80


def told(gate: Gate, locale: Locale) -> None:
    """The verdict, a line a limit, and what to know besides."""
    say = locale.say
    _print(say("gate_title", verdict=verdict(gate, locale)), bold=True)
    _print(f"{say('gate_baseline'):<11}{line(gate.baseline)}")
    _print(f"{say('gate_candidate'):<11}{line(gate.candidate)}")
    _print(say("gate_judged", judge=line(gate.judge), level=level(gate, locale)))
    _print("")
    heads = ("kind", "limit", "before", "after", "worse", "bounds")
    _print(_columns([*(say(f"gate_{name}") for name in heads), "p", say("gate_decision")]))
    for limit in gate.limits:
        _print(_row(limit, locale))
    _print("")
    for note in notes(gate, locale):
        _print(note)


def _row(limit: Limit, locale: Locale) -> str:
    p = limit.p_broken if limit.decision == "broken" else limit.p_held
    return _columns(
        [
            locale.kind(limit.kind),
            locale.plain(100 * limit.limit),
            *refused(limit, locale),
            points(limit.worse, locale, "-"),
            bounds(limit, locale, "-"),
            shown_p(p, locale, "-"),
            decision(limit.decision, locale),
        ]
    )


def _columns(cells: Sequence[str]) -> str:
    """A row of the table of limits."""
    kind, limit, before, after, worse, between, p, decided = cells
    return f"{kind:<10}{limit:>6}{before:>10}{after:>10}{worse:>7}  {between:<15}{p:>8}  {decided}"


def power(found: Showing) -> None:
    """What pairs can show, or how many are needed."""
    for sentence in power_lines(found):
        _print(sentence)


def power_lines(found: Showing) -> Iterator[str]:
    """Each number with what it takes for granted."""
    level = f"two-sided, {100 * found.alpha:.2g} %"
    if found.comparisons > 1:
        level += f" after Holm over {found.comparisons} comparisons at its strictest"
    yield f"with a power of {100 * found.wanted:g} % ({level}):"
    for row in found.rows:
        moved = "nothing moves the other way" if not row.back else f"{100 * row.back:g} % of prompts move the other way"
        if row.change is None:
            yield f"  {row.pairs} pairs show no change at all, if {moved}"
        elif row.pairs is None:
            yield f"  no number of pairs shows a change of {100 * row.change:.1f} points, if {moved}"
        else:
            yield f"  {row.pairs:,} pairs show a change of {100 * row.change:.1f} points, if {moved}"


def planned(found: Mapping[str, Planned], comparisons: int, alpha: float) -> None:
    """How small a change the prompts of an experiment would show, a line a kind."""
    if not found:
        return
    over = f", Holm over {comparisons} comparisons" if comparisons > 1 else ""
    _print(f"smallest change, in points, shown with 80 % power (McNemar, {100 * alpha:g} %{over}):")
    backs = {row.back for row in found.values()}
    _print(f"  {'kind':<11}{'prompts':>8}{'groups':>8}{'one way':>9}{f'{100 * max(backs):g} % go back':>14}")
    for kind, row in found.items():
        _print(f"  {kind:<11}{row.pairs:>8}{row.groups:>8}{_change(row.one_way):>9}{_change(row.both_ways):>14}")


def _change(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f}"


def _print(text: str, *, bold: bool = False) -> None:
    """A line of a table as it is, a sentence wrapped."""
    for one in wrap(text, WIDTH, subsequent_indent="  ", replace_whitespace=False) or [""]:
        out.print(f"[bold]{escape(one)}[/]" if bold else escape(one), soft_wrap=True)
