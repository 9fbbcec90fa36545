"""The sentences of a gate's verdict, in English."""

from __future__ import annotations

from collections.abc import Mapping

GATE: Mapping[str, str] = {
    "gate_title": "gate: {verdict}",
    "gate_verdict_pass": "pass",
    "gate_verdict_fail": "fail",
    "gate_verdict_not_enough_evidence": "not enough evidence",
    "gate_decision_held": "held",
    "gate_decision_broken": "broken",
    "gate_decision_open": "open",
    "gate_baseline": "baseline",
    "gate_candidate": "candidate",
    "gate_level": "{level} %",
    "gate_tiny_p": "<.001",
    "gate_judged": "judge {judge}; points; one-sided bounds at {level}",
    "gate_sides": "Baseline {baseline}, candidate {candidate}, judge {judge}.",
    # columns
    "gate_kind": "kind",
    "gate_limit": "limit",
    "gate_pairs": "pairs",
    "gate_refused_before": "refused before",
    "gate_before": "before",
    "gate_after": "after",
    "gate_worse": "worse",
    "gate_worse_points": "worse, points",
    "gate_bounds": "bounds",
    "gate_bounds_at": "{level} bounds",
    "gate_p_held": "p held",
    "gate_p_broken": "p broken",
    "gate_decision": "decision",
    # limits
    "gate_lost": "{kind} refusals lost: at most {points} points",
    "gate_added": "{kind} refusals added: at most {points} points",
    "gate_grouped": "{n} in {groups} groups",
    "gate_numbers": "{kind}: refused {before}, then {after}; worse by {points} points ({spread})",
    "gate_nothing": "{kind}: nothing to compare",
    # what to know beside the numbers
    "gate_note": "{kind}: {sentence}",
    "gate_no_pairs": "no {kind} prompt was judged on both sides",
    "gate_could_turn": "{count} pairs with a failed row could turn it",
    "gate_could_not_turn": "{count} pairs with a failed row could not turn it",
    "gate_needed": "about {needed} such prompts would settle it, were outcomes to stay as in these {n}",
    "gate_never": "no number of prompts would settle it, were the outcomes to stay as they are",
    "gate_against": "it would be {decision} if unclear and failed rows counted against the candidate",
    "gate_favour": "it would be {decision} if unclear and failed rows counted for the candidate",
    "gate_unpaired": "{count} answers have no partner on the other side",
    "gate_rule": (
        "Each bound is one-sided at {level}. Test: {test}. A limit holds if p held is at most {alpha}, and is broken "
        "if p broken (Holm over the limits) is."
    ),
    "gate_measured": "Judge {judge}: its measured error is in the JSON.",
    "gate_unmeasured": "Judge {judge}: its error was never measured.",
}
