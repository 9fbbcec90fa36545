"""The report's sentences on variants and failed arms, in English."""

from __future__ import annotations

from collections.abc import Mapping

VARIANTS: Mapping[str, str] = {
    "all_failed": "all failed",
    "failed_arm": "failed arm",
    "arm_failed": "Failed arm: {reason}. Its rows are in no rate and no comparison.",
    "alarm_failed": (
        "Failed arms, {count}: {arms}. They could not make their variants; their rows are in no rate and no comparison."
    ),
    "try_rejected": "drafts thrown away: {rejected}",
    "try_writing": "writer: {calls} calls, {tokens} tokens",
    "head_variants": "Variants",
    "table_variants": "What the arms that ask variants made and asked, before any judge of this report.",
    "table_variants_note": (
        "Variants valid: of all that were wanted. Whole: prompts with all their variants. Prompt kept: answers that "
        "are the prompt's own. Calls and tokens are what the arm asks on its own, means a prompt; the run shared calls "
        "between arms. Rejected: drafts thrown away and drawn again, by reason."
    ),
    "column_whole": "Whole",
    "column_itself": "Prompt kept",
    "column_writer_calls": "Writer calls a prompt",
    "column_writer_tokens": "Writer tokens a prompt",
    "column_rejected": "Rejected",
    "tries_shown": "{shown} of {count} answers are listed with their tries; answers.jsonl has them all.",
}
