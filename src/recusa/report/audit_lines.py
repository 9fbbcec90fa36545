"""What was read, divided and found across the split, every number written out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recusa.report.format import Locale
from recusa.report.told import retell
from recusa.results import Audit, Leak

LEAKS_SHOWN = 20
NEAR = {"exact": "near_exact", "form": "near_form", "words": "near_words", "meaning": "near_meaning"}


@dataclass(frozen=True, slots=True)
class LeakRow:
    """A training prompt, the test prompt it copies, where both are from, and how alike they are."""

    train: str
    test: str
    sources: str
    how: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """The audit: how near-copies were looked for, how many pairs were found in what way, and the first leaks."""

    raw: Audit
    near: str
    copies: str
    leaks: tuple[LeakRow, ...]


def audit_view(audit: Audit, locale: Locale) -> AuditView:
    """What the page says of the split."""
    copies = (f"{locale.number(count)} {locale.say(NEAR[how])}" for how, count in audit.copies.items())
    return AuditView(
        raw=audit,
        near=retell(audit.near, locale),
        copies=", ".join(copies) or locale.number(0),
        leaks=tuple(_leak(leak, locale) for leak in audit.leaks[:LEAKS_SHOWN]),
    )


def _leak(leak: Leak, locale: Locale) -> LeakRow:
    sources = " / ".join(Path(source).name for source in (leak.train_source, leak.test_source) if source)
    how = f"{locale.say(NEAR[leak.how])}, {locale.number(leak.similarity, 2)}"
    return LeakRow(leak.train_text, leak.test_text, sources, how)
