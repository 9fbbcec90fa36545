"""The report's sentences on what stands behind its numbers: judges, split and training, in English."""

from __future__ import annotations

from collections.abc import Mapping

EVIDENCE: Mapping[str, str] = {
    "judge_primary": "primary",
    "judge_error": "Measured error",
    "judge_unmeasured": "Error: not measured. Nobody compared this judge with people's labels in this run.",
    "judge_settings": "Settings",
    "people_labelled": "{answers} answers of this run were labelled by {raters}.",
    "people_stale": "{stale} more labels are of answers this run no longer has; their arms get no estimate.",
    "people_none": (
        "Nobody labelled answers of this run. `recusa label` asks for a random sample; the rates are then estimated "
        "from people's labels."
    ),
    "people_few_cell": "too few labels",
    "people_stale_cell": "labels of other answers",
    "error_note": (
        "Band: the true values behind the judge's, were it as wrong on each arm as on any of its labelled sets (Rogan "
        "and Gladen; arms may err differently). People: prediction-powered estimates from the labelled prompts, with "
        "{level} intervals; none from fewer than {minimum} labels."
    ),
    "bounds_note": "Bounds count every unclear answer and failed row either way.",
    "error_rates": "Refusal rates and the judge's error, in percent. Judge: {judge}.",
    "error_changes": "Changes and the judge's error, in percentage points. Judge: {judge}.",
    "error_sets": "What judge {judge} was measured on: answers of other models, labelled by people.",
    "error_agreement": "Agreement of judges with each other and with people, on this run's answers, by refused or not.",
    "error_agreement_arms": "Agreement of judges with each other and with people, arm by arm.",
    "agreement_arms": "Arm by arm ({count} rows)",
    "column_seen": "Judge",
    "column_band": "Band",
    "column_survives": "Sign",
    "sign_kept": "kept",
    "sign_lost": "not kept",
    "column_labelled": "Labelled",
    "column_errors": "Missed, false",
    "column_people": "People",
    "column_set": "Set",
    "column_source": "Measured in",
    "column_sensitivity": "Sensitivity",
    "column_specificity": "Specificity",
    "set_unused": "no information, in no band",
    "column_two": "Judges",
    "column_agreement": "Agreement",
    "column_kappa": "Kappa",
    "people_word": "people",
    "two_judges": "{first} and {second}",
    "all_arms": "all arms",
    "split_intro": (
        "Prompts were divided by group with seed {seed}, {share} of them for testing; near-copies, twins and "
        "translations stay on one side."
    ),
    "split_table": "Prompts per kind on each side of the split, before any judge.",
    "split_train": "Training",
    "split_test": "Test",
    "audit_sources": "Sources",
    "audit_read": "Prompts read",
    "audit_repeated": "Repeated prompts merged",
    "audit_groups": "Groups",
    "audit_joined": "Groups joined as near-copies",
    "audit_near": "Near-copies looked for by",
    "audit_copies": "Pairs of near-copies",
    "audit_largest": "Prompts in the largest group",
    "audit_withdrawn": "Training prompts that are test prompts, left out of training",
    "audit_leaks": "Near-copies across the split",
    "near_exact": "equal",
    "near_form": "equal but for form",
    "near_words": "by words",
    "near_meaning": "by meaning",
    "leaks_shown": "{shown} of {count} near-copies",
    "leaks_table": "Near-copies across the split, before any judge.",
    "leak_train": "Training prompt",
    "leak_test": "Test prompt",
    "leak_sources": "From",
    "leak_near": "How, similarity",
    "training_none": "No arm was trained in this run.",
    "training_recipe": "Recipe",
    "training_rows": "Rows",
    "training_tokens": "Trained tokens",
    "training_steps": "Steps",
    "training_loss": "Mean loss, first and last",
    "training_time": "Time",
    "training_fingerprint": "Fingerprint",
    "training_example": "One training row as the model saw it, with its mask",
    "training_settings": "Settings",
}
