"""The sentences of the reports that are no page, in English."""

from __future__ import annotations

from collections.abc import Mapping

FORMATS: Mapping[str, str] = {
    "md_made": "Run `{name}`, digest {digest}, baseline `{baseline}`, judge `{judge}`.",
    "md_moved": "Refusals gained and lost against {baseline}",
    "md_gained": "gained",
    "md_lost": "lost",
    "md_warnings": "Warnings",
    "junit_changes": "refusals against {baseline}",
    "junit_case": "{arm}, {kind}",
    "junit_failed_arm": "failed arm",
    "junit_split": "split",
    "junit_leaks": "no near-copies across the split",
    "junit_wrong_way": "{kind} prompts: the change goes the wrong way, from {before} to {after}",
    "junit_not_compared": "nothing could be compared",
    "junit_told": "{before} to {after}: {points} points ({spread}), {p}; judge {judge}",
}
