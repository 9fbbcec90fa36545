"""A gate's limits and numbers in words, for the terminal, Markdown and JUnit alike."""

from __future__ import annotations

from recusa.gating import Decision, Gate, Limit
from recusa.report.format import MINUS, Locale


def verdict(gate: Gate, locale: Locale) -> str:
    """`pass`, `fail` or `not enough evidence`."""
    return locale.say(f"gate_verdict_{gate.verdict.replace(' ', '_')}")


def decision(one: Decision, locale: Locale) -> str:
    """`held`, `broken` or `open`."""
    return locale.say(f"gate_decision_{one}")


def level(gate: Gate, locale: Locale) -> str:
    """`95 %`: of the one-sided bounds."""
    return locale.say("gate_level", level=locale.plain(100 * (1 - gate.alpha)))


def said(limit: Limit, locale: Locale) -> str:
    """What a limit forbids."""
    name = "gate_lost" if limit.kind == "harmful" else "gate_added"
    return locale.say(name, kind=locale.kind(limit.kind), points=locale.plain(100 * limit.limit))


def points(share: float | None, locale: Locale, absent: str = "") -> str:
    """`+3.1`, signed in any case, with a hyphen for a minus: terminals and build servers take it for a number."""
    return absent if share is None else f"{100 * share:+.1f}".replace(".", locale.decimal)


def bounds(limit: Limit, locale: Locale, absent: str = "") -> str:
    """`-1.0 to +6.5`."""
    if limit.low is None or limit.high is None:
        return absent
    return locale.say("spread", low=points(limit.low, locale), high=points(limit.high, locale))


def refused(limit: Limit, locale: Locale) -> tuple[str, str]:
    """`120/160` of the baseline, then of the candidate."""
    before, after = limit.baseline_refused, limit.candidate_refused
    return locale.count(before, limit.n), locale.count(after, limit.n)


def shown_p(p: float | None, locale: Locale, absent: str = "") -> str:
    """A p-value in a few letters: its digits below a thousandth would say more than they know."""
    if p is None:
        return absent
    return locale.say("gate_tiny_p") if p < 0.001 else locale.plain(float(f"{p:.2g}")).replace(MINUS, "-")


def explained(limit: Limit, locale: Locale) -> list[str]:
    """What a reader must know beside the numbers of a limit, in sentences that say no more than they do."""
    if limit.why == "no pairs":
        return [locale.say("gate_no_pairs", kind=locale.kind(limit.kind))]
    found = []
    if limit.why == "failed rows" or limit.left_out:
        name = "gate_could_turn" if limit.why == "failed rows" else "gate_could_not_turn"
        found.append(locale.say(name, count=locale.number(limit.left_out)))
    if limit.decision == "open" and limit.why == "":
        numbers = {"needed": locale.number(limit.needed or 0), "n": locale.number(limit.n)}
        found.append(locale.say("gate_needed", **numbers) if limit.needed else locale.say("gate_never"))
    for case, name in ((limit.against, "gate_against"), (limit.favour, "gate_favour")):
        if case is not None and case.decision != limit.decision and limit.unclear:
            found.append(locale.say(name, decision=decision(case.decision, locale)))
    return found


def notes(gate: Gate, locale: Locale) -> list[str]:
    """What is explained of every limit, and answers without a partner."""
    found = [
        locale.say("gate_note", kind=locale.kind(limit.kind), sentence=sentence)
        for limit in gate.limits
        for sentence in explained(limit, locale)
    ]
    return [*found, locale.say("gate_unpaired", count=locale.number(gate.unpaired))] if gate.unpaired else found
