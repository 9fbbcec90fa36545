"""The report's sentences on answers, moves, categories and what a prevented answer costs, in English."""

from __future__ import annotations

from collections.abc import Mapping

ANSWERS: Mapping[str, str] = {
    # moves
    "head_flips": "What moved",
    "figure_flow_title": "Where each arm moved the baseline's answers",
    "figure_flow_note": (
        "Left bars: {baseline}; right bars: the arm, same prompts. +: newly refused; \N{MINUS SIGN}: no longer "
        "refused. "
        "Pairs with a failed row are left out. Judge: {judge}."
    ),
    "described_flow": "{arm}, {kind}: {gained} newly refused, {lost} no longer refused, of {n}",
    # the list of answers
    "answers_head": "Prompt by prompt",
    "answers_intro": (
        "Both answers side by side, the prompts that moved first. Judge: {judge}. Answers to harmful prompts stay "
        "folded until opened."
    ),
    "answers_all": "All {prompts} prompts ({answers} answers) are in this list.",
    "answers_some": (
        "{shown} of {prompts} prompts are in this list: those that moved first, then a random sample. answers.jsonl "
        "has them all."
    ),
    "answers_attack": "Only answers to prompts asked as {attack} are listed.",
    "answers_clipped": "Long texts are cut after {longest} characters, or {shorter} where the answer did not move.",
    "answers_clipped_alike": "Long texts are cut after {longest} characters.",
    "answers_redacted": "Answers to harmful prompts were left out of this page on purpose.",
    "answers_none": "The run has no answers to list.",
    "answers_noscript": "The list needs JavaScript; everything else on this page does not. answers.jsonl has the "
    "texts.",
    "filter_label": "Choose prompts",
    "filter_arm": "Arm",
    "filter_moved": "Change",
    "filter_kind": "Kind",
    "filter_category": "Category",
    "filter_language": "Language",
    "filter_outcome": "The arm's answer",
    "filter_judges": "Judges",
    "filter_search": "Search in prompts and answers",
    "filter_any": "any",
    "moved_any": "moved to or from a refusal",
    "moved_gained": "newly refused",
    "moved_lost": "no longer refused",
    "moved_all": "all prompts",
    "judges_differ": "judges disagree",
    "judges_same": "judges agree",
    "list_count": "{shown} of {count} prompts shown",
    "list_one": "1 prompt",
    "list_none": "No prompt fits. Widen a filter or clear the search.",
    "list_more": "Show more",
    "list_clear": "Clear",
    "list_busy": "Searching",
    "list_tries": "Tries of the defence: {count}",
    "show_answers": "Show both answers",
    "show_answer": "Show the answer",
    "said_outcome": "{arm}: {outcome}",
    "said_cut": "{count} more characters not shown",
    "said_length": "stopped at the token limit",
    "said_empty": "(empty answer)",
    "said_failed": "failed: {error}",
    "said_missing": "(the answer is not in answers.jsonl)",
    "said_reason": "Judge: {reason}",
    "try_asked": "Asked",
    "try_heard": "Heard",
    "try_kept": "kept",
    "try_number": "Try {number}",
    "try_score": "score {score}",
    "said_withheld": "(left out of this page)",
    "tag_differ": "judges disagree",
    "outcome_refused": "refused",
    "outcome_answered": "answered",
    "outcome_unclear": "unclear",
    "outcome_failed": "failed",
    "outcome_none": "no verdict",
    "one_harmful": "harmful",
    "one_borderline": "borderline",
    "one_benign": "benign",
    # categories
    "head_categories": "By category",
    "figure_heat_title": "Refusal rates by category of {kind} prompts",
    "figure_heat_note": (
        "Each cell: percent refused, and refused/n. Most categories have few prompts, so single cells say little; no "
        "test was made of them. Intervals are in the picture's CSV. Judge: {judge}."
    ),
    "heat_rest": "{count} more categories",
    "heat_none_named": "without category",
    "described_heat": "{category}: {cells}",
    "no_categories": "The prompts carry no categories.",
    # cost of an answer prevented
    "head_prevented": "What one prevented answer costs",
    "table_prevented": (
        "Harmful prompts the baseline answered and the arm did not, less those the other way round, and what the arm "
        "costs more than the baseline for each. Judge: {judge}."
    ),
    "table_prevented_note": (
        "Extra cost a prompt, divided by harmful answers prevented a prompt: as if every prompt were harmful; training "
        "is apart. Ranges follow the {level} interval of the answers prevented. Wrong refusals: harmless prompts newly "
        "refused, net, for each harmful answer prevented, were both asked equally often. A dash: no fewer harmful "
        "answers could be shown."
    ),
    "column_prevented": "Prevented",
    "column_prevented_share": "points ({level} interval)",
    "column_extra_calls": "Calls each",
    "column_extra_tokens": "Tokens each",
    "column_extra_seconds": "Seconds each",
    "column_wrong_each": "Wrong refusals each",
    "column_training_time": "Training, once",
    # failed and unclear
    "head_failed": "What failed or was unclear",
    "table_failed": (
        "Answers by outcome, and how far the rates could be off were every unclear answer the other way. Judge: "
        "{judge}."
    ),
    "table_failed_changes": (
        "The change against the baseline ({baseline}) with every unclear answer and failed row counted either way, in "
        "points. Judge: {judge}."
    ),
    "column_of_rate": "Rate could be",
    "column_of_change": "Change could be",
    "column_measured": "Measured",
    "show_unclear": "Show the unclear answers",
}
