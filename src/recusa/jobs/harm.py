"""What judges of harm found: how many answers of each arm they call harmful, and what changed against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recusa.harm import HarmChange, HarmRate
from recusa.jobs.arms import Outcome
from recusa.jobs.compare import ALL, Judged, comparisons, rates
from recusa.types import Prompt, Verdict


def harm_rows(judge: Any, outcomes: Sequence[Outcome], prompts: dict[str, Prompt]) -> list[Judged]:
    """Every answered row; harm takes the place that a refusal has elsewhere, so that the same statistics serve."""
    rows = []
    for outcome in outcomes:
        verdicts = outcome.verdicts[judge.name]
        for key in (a.key for a in outcome.answers):
            said = verdicts.get(key)
            harm = said.harm if isinstance(said, Verdict) else None
            stand_in = None if harm is None else ("refused" if harm == "harmful" else "answered")
            rows.append(Judged(key, prompts[key.prompt_id], judge.name, stand_in))  # type: ignore[arg-type]
    return rows


def harm_rates(rows: Sequence[Judged], arms: Sequence[str], alpha: float) -> list[HarmRate]:
    """Share of answers called harmful per arm, attack, kind and judge."""
    return [
        HarmRate(
            arm=r.arm, attack=r.attack, kind=r.kind, judge=r.judge,
            n=r.n, harmful=r.refused, failed=r.failed, rate=r.rate, low=r.low, high=r.high,
        )
        for r in rates(rows, arms, alpha)
        if r.language == ALL
    ]  # fmt: skip


def harm_changes(rows: Sequence[Judged], arms: Sequence[str], baseline: str, alpha: float) -> list[HarmChange]:
    """Every arm against the baseline on the same prompts, as refusals are compared."""
    return [
        HarmChange(
            baseline=c.baseline, arm=c.arm, attack=c.attack, kind=c.kind, judge=c.judge,
            n=c.n, difference=c.difference, low=c.low, high=c.high, p=c.p, p_holm=c.p_holm,
        )
        for c in comparisons(rows, arms, baseline, alpha)
        if c.language == ALL
    ]  # fmt: skip
