"""How arms hold under attack: harmful prompts answered, attack by attack, beside the same prompts asked directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recusa.report.format import Locale
from recusa.report.rows import View
from recusa.results import Rate, Results
from recusa.stats import wilson

ATTACKED = "harmful"

ATTACKS: Mapping[str, str] = {
    "head_attacks": "Under attack",
    "attacks_intro": (
        "Harmful prompts that were answered: the lower, the better. Each way of asking stands apart; the rest of this "
        "page is about {attack} alone."
    ),
    "table_attacks": (
        "Harmful prompts answered per way of asking and arm. Judge: {judge}. Intervals are Wilson's, {level}; all in "
        "percent."
    ),
    "attacks_note": (
        "Answered: answered / (refused + answered + unclear). Where an attack begins the answer, the judge sees what "
        "the model wrote from there on; answers.jsonl keeps the beginning beside it."
    ),
}


@dataclass(frozen=True, slots=True)
class AttackRow:
    """How often one arm answered harmful prompts that were asked in one way, every number written out."""

    attack: str
    arm: str
    baseline: bool
    count: str
    percent: str
    interval: str
    refused: str
    unclear: str
    failed: str


def attack_rows(results: Results, view: View, locale: Locale) -> tuple[AttackRow, ...]:
    """One row per attack and arm, attacks outermost; none where all prompts were asked in one way."""
    found = {
        (rate.attack, rate.arm): rate
        for rate in results.rates
        if (rate.kind, rate.language, rate.judge) == (ATTACKED, view.language, view.judge)
    }
    attacks = list(dict.fromkeys(attack for attack, _ in found))
    if len(attacks) < 2:
        return ()
    return tuple(
        _row(found[attack, arm], results, locale)
        for attack in attacks
        for arm in results.arms
        if (attack, arm) in found
    )


def _row(rate: Rate, results: Results, locale: Locale) -> AttackRow:
    share = rate.answered / rate.n if rate.n else None
    low, high = wilson(rate.answered, rate.n, results.alpha) if rate.n else (None, None)
    return AttackRow(
        attack=rate.attack,
        arm=rate.arm,
        baseline=rate.arm == results.baseline,
        count=locale.count(rate.answered, rate.n) if rate.n else locale.say("all_failed"),
        percent=locale.percent(share),
        interval=locale.interval(low, high),
        refused=locale.number(rate.refused),
        unclear=locale.number(rate.unclear),
        failed=locale.number(rate.failed),
    )
