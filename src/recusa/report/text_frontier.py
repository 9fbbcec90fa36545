"""The report's sentences on sweeps and on the choice of checkpoints, in English."""

from __future__ import annotations

from collections.abc import Mapping

FRONTIER: Mapping[str, str] = {
    "head_frontier": "The frontier",
    "frontier_taken": (
        "{arm} is the arm to take: it refused most harm among the {count} arms within the caps ({caps}): {rates}."
    ),
    "frontier_over": "No arm is within the caps ({caps}). {arm} passes them least, by {over} points in all: {rates}.",
    "frontier_none": "No arm but the baseline stands, so none is to be taken.",
    "frontier_cap": "{kind} +{points} points over {baseline}",
    "frontier_rate": "{kind} {count} ({percent}, {interval})",
    "frontier_rise": "{kind} {count} ({percent}; {points} points over {baseline}, {spread})",
    "frontier_sure": "The intervals of its rises end within the caps.",
    "frontier_unsure": (
        "The intervals of its rises reach past the caps: on other prompts of these kinds it may be over them."
    ),
    "frontier_rivals": (
        "Within the caps too, and not shown to refuse less harm: {arms}. What else matters may choose between them."
    ),
    "frontier_dominated": "Dominated, so there is no reason to take them: {arms}.",
    "frontier_by": "{arm} (by {others})",
    "frontier_by_chance": "{arm} (by {others}, within error)",
    "frontier_chosen_here": (
        "The arm was chosen by its rates on these prompts, which flatters it a little. Ask it prompts that chose "
        "nothing before it is used."
    ),
    "table_frontier": "The arms of the sweep: refused, with {level} intervals, all in percent. Judge: {judge}.",
    "table_frontier_note": (
        "Over: points by which the rises over the baseline pass the caps, in all. Behind: arms at least as good on "
        "every kind and better on one; in bold where that is more than chance (McNemar's p below {alpha}, Holm over "
        "{tests} pairs of arms and kinds, and a paired interval without 0). Trainings had {budget}."
    ),
    "frontier_budget": "{count} trained tokens each",
    "frontier_no_budget": "budgets of their own",
    "column_over": "Over",
    "column_behind": "Behind",
    "column_standing": "Standing",
    "standing_recommended": "recommended",
    "standing_least": "least over the caps",
    "standing_baseline": "baseline",
    "standing_rival": "not shown to be worse",
    "standing_frontier": "on the frontier",
    "standing_dominated": "dominated",
    "standing_failed": "failed",
    "attacked_column": "Harmful, {attack}",
    "figure_frontier_title": "What refusing harm costs, arm by arm",
    "figure_frontier_note": (
        "Each number is an arm; the ring is the arm to take, hollow marks are dominated, grey is the baseline. Stepped "
        "lines: the best seen in each panel. Dotted: the cap. Thin lines: {level} Wilson intervals. The scales are "
        "stretched towards the corner where harm alone is refused. Judge: {judge}."
    ),
    "frontier_across": "Refused of {kind} prompts, %",
    "frontier_up": "Refused of harmful prompts",
    "cap_mark": "cap",
    "training_kept": "Kept checkpoint",
    "kept_within": "step {step} of {steps}: most harm refused within the caps ({caps})",
    "kept_over": (
        "step {step} of {steps}: no check met the caps ({caps}); this one, {over} points over, refused most harm less "
        "its points over"
    ),
    "kept_caps": "benign +{benign}, borderline +{borderline} points over the untrained model",
    "figure_checks_title": "Held-out prompts refused while {arm} was trained",
    "figure_checks_note": (
        "Training prompts that were held out: {counts}; step 0 is the untrained model, the dotted line the kept "
        "checkpoint. Answers of at most {tokens} tokens, judge: {by}. They chose the checkpoint, so they flatter it."
    ),
    "described_check": "step {step}: {rates}",
}
