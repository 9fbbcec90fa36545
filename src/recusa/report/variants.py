"""What the defences that ask variants made of the prompts: counts per arm, and prompts with every try."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from recusa.report.format import Locale
from recusa.report.told import retell
from recusa.results import Cost, Results


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One arm's variants, with every number written out; `failed` is why its rows do not count, empty where they do."""

    arm: str
    attack: str
    valid: str
    whole: str
    itself: str
    rejected: str
    calls: str
    tokens: str
    writer_calls: str
    writer_tokens: str
    failed: str


def variant_rows(results: Results, locale: Locale) -> tuple[VariantRow, ...]:
    """One row per arm and attack that wanted variants, in the order of the costs."""
    reasons = {failed.arm: retell(failed.reason, locale) for failed in results.failed_arms}
    return tuple(_row(cost, reasons.get(cost.arm, ""), locale) for cost in results.cost if cost.variants_wanted)


def _row(cost: Cost, failed: str, locale: Locale) -> VariantRow:
    def each(total: int) -> str:
        return locale.number(total / max(1, cost.prompts), 1)

    most = Counter(cost.rejected).most_common()
    return VariantRow(
        arm=cost.arm,
        attack=cost.attack,
        valid=locale.count(cost.variants_valid, cost.variants_wanted),
        whole=locale.count(cost.whole, cost.prompts),
        itself=locale.count(cost.kept_itself, cost.prompts),
        rejected=", ".join(f"{locale.number(count)} {retell(name, locale)}" for name, count in most),
        calls=each(cost.calls),
        tokens=each(cost.prompt_tokens + cost.answer_tokens),
        writer_calls=each(cost.writer_calls) if cost.writer_calls else "",
        writer_tokens=each(cost.writer_prompt_tokens + cost.writer_answer_tokens) if cost.writer_calls else "",
        failed=failed,
    )
