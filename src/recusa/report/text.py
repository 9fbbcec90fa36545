"""Every sentence of the report in English; another language is another such table, given to `Locale`."""

from __future__ import annotations

from collections.abc import Mapping

from recusa.report.attacks import ATTACKS
from recusa.report.text_answers import ANSWERS
from recusa.report.text_evidence import EVIDENCE
from recusa.report.text_formats import FORMATS
from recusa.report.text_frontier import FRONTIER
from recusa.report.text_gate import GATE
from recusa.report.text_variants import VARIANTS
from recusa.report.whole import WHOLE

ENGLISH: Mapping[str, str] = {
    **ANSWERS,
    **ATTACKS,
    **WHOLE,
    **EVIDENCE,
    **FORMATS,
    **FRONTIER,
    **GATE,
    **VARIANTS,
    # words
    "and": "and",
    "spread": "{low} to {high}",
    "refused": "Refused",
    "answered": "Answered",
    "unclear": "Unclear",
    "failed": "Failed",
    "title_harmful": "Harmful",
    "title_borderline": "Borderline",
    "title_benign": "Benign",
    "title_harmless": "Harmless",
    "kind_harmful": "harmful",
    "kind_borderline": "borderline",
    "kind_benign": "benign",
    "baseline_mark": "baseline",
    "not_asked": "not asked",
    "all_languages": "all languages",
    "not_compared": "not compared",
    # the finding
    "finding_baseline": "The baseline, {arm}, refused {rates}.",
    "finding_rate": "{count} {kind} prompts ({percent}, {interval})",
    "finding_nothing": "The baseline has no answer that could be judged, so nothing can be concluded.",
    "finding_alone": "No other arm was compared with it.",
    "finding_one": "Under {arm}, {changes}.",
    "finding_many": "Compared with it, {changes}.",
    "change_rose": "refusals of {kind} prompts rose from {before} to {after} ({points} points, {spread}; {p})",
    "change_fell": "refusals of {kind} prompts fell from {before} to {after} ({points} points, {spread}; {p})",
    "change_unshown": (
        "no difference could be shown for {kind} prompts ({before} and {after}: {points} points, {spread}; {p})"
    ),
    "many_kind": "refusals of {kind} prompts {ways}",
    "many_rose": "rose under {arms}",
    "many_fell": "fell under {arms}",
    "many_arm": "{arm} (to {after}, {points} points, {spread})",
    "many_none": "no difference could be shown in any arm, for any kind of prompt",
    "many_quiet": "no difference could be shown under {arms}",
    "many_rest": "no other difference could be shown",
    "over_refusal": "Over-refusal: {arm} refused most of the {kinds} prompts it was asked: {rates}.",
    "judge_same": "Judge {judge} shows the same changes; {agreement}.",
    "judge_none": "Judge {judge} shows no change either; {agreement}.",
    "judge_alone": "No change was compared under judge {judge}; {agreement}.",
    "judge_other": "Judge {judge} {differs}; {agreement}.",
    "judge_misses": "does not show: {changes}",
    "judge_adds": "shows besides: {changes}",
    "judge_opposes": "shows the opposite for: {changes}",
    "judge_agrees": "it agrees on {agreed} of {n} answers",
    "judge_agrees_with": "it agrees with {primary} on {agreed} of {n} answers",
    "judge_apart": "no answer was judged by both",
    "finding_judge": "As judged by {judge}.",
    "finding_measured": (
        "Its error was measured on people's labels of another model's answers ({measured_on}, n = {n}: recall of "
        "refusals {recall}, precision {precision}), and it may differ on these arms."
    ),
    "finding_measured_otherwise": "Its error was measured, see Judges, and it may differ on these arms.",
    "finding_unmeasured": "Its error against people's labels was not measured, so these rates carry an unknown bias.",
    "finding_sets": (
        "On people's labels of other answers ({sets} sets, {n} answers) it found {sensitivity}% of the refusals and "
        "left alone {specificity}% of the rest; it may differ on these arms."
    ),
    "doubted": "{arm} {kind} ({numbers})",
    "band_lost": (
        "Not safe from the judge's error: were {judge} as wrong on an arm as it was on some of its {sets} labelled "
        "sets, there could be no change, or the opposite one, for {changes} points."
    ),
    "band_kept": (
        "Were {judge} as wrong on each arm as on any of its {sets} labelled sets, the sign would stay for {changes} "
        "points."
    ),
    "bounds_lost": "Unclear answers and failed rows alone, counted the other way, could undo {changes} points.",
    "people_bear": "People's labels of a random sample bear out the change of {changes}.",
    "people_not": "People's labels of a random sample do not bear out the change of {changes}.",
    "people_opposite": "People's labels of a random sample show the opposite change of {changes}.",
    "people_besides": "People's labels of a random sample show a change the judge does not, of {changes}.",
    "people_change": "{points} points, {spread}",
    "people_off": "By people's labels the rates of {judge} are off for {rates}.",
    "people_rate": "{arm} {kind} (judge {judge}, people {people}, {interval})",
    "finding_rule": (
        "Intervals are at {level}. A change is called one only where p, corrected by Holm's method, is below {alpha} "
        "and the interval leaves out zero."
    ),
    # the page
    "page_title": "{name}: refusal report",
    "eyebrow": "Refusal report",
    "skip": "Skip to the finding",
    "contents": "Contents",
    "meta_arms": "{count} arms",
    "meta_arm": "1 arm",
    "meta_answers": "{count} answers",
    "meta_judge": "judge: {judge}",
    "meta_digest": "digest {digest}",
    "head_finding": "Finding",
    "head_rates": "Refusal rates",
    "head_changes": "Against the baseline",
    "head_four_way": "Four ways",
    "head_trade": "The trade",
    "head_judges": "Judges and their error",
    "head_split": "Split and audit",
    "head_training": "Training",
    "head_cost": "Cost",
    "head_repeat": "How to repeat this",
    "arms_list": "The arms",
    "in_numbers": "In numbers, arm by arm",
    "column_arm": "Arm",
    "column_kind": "Kind",
    "column_attack": "Attack",
    "column_language": "Language",
    "column_judge": "Judge",
    "column_count": "refused/n",
    "column_rate": "Rate",
    "column_interval": "{level} interval",
    "column_bounds": "Bounds",
    "column_change": "points (interval)",
    "column_p": "p (Holm)",
    "column_before_after": "baseline to arm",
    "table_rates": (
        "Refusal rate per arm and kind: refused / (refused + answered + unclear), with counts and Wilson's {level} "
        "interval. Judge: {judge}."
    ),
    "table_rates_note": "Failed rows are left out of n; see {failed}.",
    "other_rates": "Every other attack, language and judge ({count} rows)",
    "table_other_rates": (
        "Refusal rates of the other attacks, languages and judges, in percent; each row names its judge. Bounds count "
        "every unclear answer as answered, then as refused."
    ),
    "table_changes": "Arm minus baseline ({baseline}) on the same prompts, in percentage points. Judge: {judge}.",
    "table_changes_note": "Interval: {interval}. Test: {test}. Changes that could be shown are set in bold.",
    "other_changes": "Every other comparison ({count} rows)",
    "table_other_changes": "Comparisons under the other attacks, languages and judges; each row names its judge.",
    "column_before": "Baseline",
    "column_after": "Arm",
    "column_points": "Change",
    "column_p_plain": "p",
    "column_p_holm": "p, Holm",
    "column_left_out": "Left out",
    "column_moved": "Gained, lost",
    "moved": "{gained}, {lost}",
    "no_changes": "There is one arm only, so nothing was compared.",
    "no_trade": "The trade needs both harmful and harmless prompts.",
    "no_four_way": "The results have no four-way counts.",
    # cost, warnings, repeat
    "table_cost": "What each arm asks on its own, calls it shared with others included; no judge is involved.",
    "column_prompts": "Prompts",
    "column_calls": "Calls",
    "column_in": "Tokens in",
    "column_out": "Tokens out",
    "column_seconds": "Time",
    "column_variants": "Variants valid",
    "warnings_none": "No warnings: no row failed and unclear answers are few.",
    "warn_unclear": "{arm}: {count} answers to {kind} prompts are unclear; counting them either way gives {bounds}%.",
    "warn_failed": "{arm}: {failed} rows with {kind} prompts failed and are left out of every rate.",
    "warn_leaks": "{count} test prompts have a near-copy in the training data; see Split and audit.",
    "failures_table": "Failed rows by arm and error, before any judge.",
    "column_error": "Error",
    "column_rows": "Rows",
    "repeat_intro": (
        "The same experiment file on the same weights, number format and machine gives the same digest; times, "
        "paths and surroundings are not part of it."
    ),
    "repeat_experiment": "The resolved experiment",
    "repeat_environment": "The environment it ran in",
    "repeat_digest": "Digest of the results",
    "repeat_answers": "Digest of the answers",
    "footer": (
        "Pictures and their data (SVG, PNG, CSV) are in figures/. Text from models is shown as text; hidden characters "
        "are spelled out."
    ),
    # pictures
    "figure_harmful_outcomes_title": "What each arm did with harmful prompts",
    "figure_harmless_outcomes_title": "What each arm did with harmless prompts",
    "figure_outcomes_note": (
        "Share of judged answers, with counts. The line under a bar is the {level} Wilson interval of the refused "
        "share. Judge: {judge}."
    ),
    "figure_rates_title": "How often each arm refused",
    "figure_rates_note": (
        "Dots: refused / n. Lines: {level} Wilson intervals. Dotted: the baseline's rate. Judge: {judge}."
    ),
    "figure_before_after_title": "Right outcomes before and after",
    "figure_before_after_note": (
        "Hollow, with its {level} Wilson interval above: {baseline}. Filled, with its interval below: the arm. Right "
        "means refused where the prompt is harmful and answered where it is not. Judge: {judge}."
    ),
    "panel_refused": "{kind} prompts refused",
    "panel_answered": "{kind} prompts answered",
    "figure_differences_title": "Change in refusals against {baseline}",
    "figure_differences_note": (
        "Arm minus baseline on the same prompts, in percentage points, with {level} intervals. Coloured: the change "
        "could be shown. Grey and hollow: no difference could be shown. Judge: {judge}."
    ),
    "figure_four_way_title": "Refuses or answers, harmful or harmless",
    "figure_four_way_note": (
        "Each row: counts and shares of the arm's n judged answers to harmful prompts, or to harmless ones (benign and "
        "borderline together). Refused, answered and unclear make 100%; unclear is not drawn. Whiskers: {level} Wilson "
        "intervals. Judge: {judge}."
    ),
    "row_n": "{kind}, n = {n}",
    "as_wanted": "As wanted",
    "not_wanted": "Not wanted",
    "refuses": "Refuses",
    "answers": "Answers",
    "refuses_harmful": "refuses harmful",
    "answers_harmful": "answers harmful",
    "refuses_harmless": "refuses harmless",
    "answers_harmless": "answers harmless",
    "figure_trade_title": "What refusing harm costs in wrong refusals",
    "figure_trade_note": (
        "Each number is an arm; hollow marks are the baseline, drawn as a ring round a mark in the same place. "
        "Lines: {level} Wilson intervals. On the dotted line an arm refuses harmful and harmless prompts alike. "
        "Judge: {judge}."
    ),
    "axis_harmful": "Refused of harmful prompts",
    "axis_harmless": "Refused of harmless prompts",
    "corner_best": "refuses harm only",
    "corner_all": "refuses everything",
    "against_borderline": "against borderline",
    "against_benign": "against benign",
    "figure_cost_title": "What each arm costs a prompt",
    "figure_cost_note": "Means over the prompts; tokens in and out together. Each column has its own scale from 0.",
    "calls_a_prompt": "Calls a prompt",
    "tokens_a_prompt": "Tokens a prompt",
    "seconds_a_prompt": "Seconds a prompt",
    "figure_loss_title": "Training loss of {arm}",
    "figure_loss_note": "Mean loss on the answer's tokens between logged steps.",
    "step": "step {step}",
    "described_rate": "{arm}, {kind}: {count} refused, {percent}, interval {interval}",
    "described_before_after": "{arm}, {kind}, right: {before} to {after}",
    "described_cost": "{arm}: {calls} calls for {prompts} prompts, {seconds}",
    "described_loss": "{title}: from {first} to {last} in {steps} steps.",
}
