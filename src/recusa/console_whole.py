"""What tuning cost besides refusals, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from recusa.console import line, out
from recusa.jobs.compare import ALL
from recusa.jobs.whole_arms import Work
from recusa.results import Results
from recusa.wholeness import Exact, Paired, Wholeness


def kept(results: Results) -> None:
    """One line a tuned arm: exact answers, drift, broken output."""
    for found in results.whole:
        out.print(f"whole   {escape(line(found.arm))}: {escape(_short(found))}", soft_wrap=True)


def planned(works: Sequence[Work]) -> None:
    """What measuring will cost, a line a tuned arm."""
    for work in works:
        out.print(
            f"whole {escape(line(work.arm))}: {work.rows} benign rows through both models, {work.items} exact items, "
            f"at most {work.answer_tokens:,} tokens to write",
            soft_wrap=True,
        )


def told(found: Wholeness) -> None:
    """Everything measured of one adapter, in at most 80 columns."""
    table = Table(box=None, pad_edge=False)
    for name in ("", "before", "after", "change", "interval"):
        table.add_column(name, justify="left" if not name else "right", overflow="fold")
    for row in found.exact:
        if row.category == ALL:
            table.add_row(f"exact answers right ({row.language})", *_shares(row.right))
            table.add_row("  wrong by refusing", str(row.refused_before), str(row.refused_after))
    if found.broken is not None:
        table.add_row("broken answers", *_shares(found.broken))
    if found.lengths is not None:
        size = found.lengths
        ends = "" if size.low is None or size.high is None else f"{size.low:+.1f} to {size.high:+.1f}"
        table.add_row(
            "tokens an answer", f"{size.mean_before:.1f}", f"{size.mean_after:.1f}", f"{size.change:+.1f}", ends
        )
        table.add_row("  cut at the limit", str(size.cut_before), str(size.cut_after))
    if found.drift is not None:
        drift = found.drift
        table.add_row(
            "perplexity", f"{drift.before:.3f}", f"{drift.after:.3f}", f"x{drift.ratio:.3f}",
            _ends(drift.ratio_low, drift.ratio_high),
        )  # fmt: skip
        table.add_row("KL, nats a token", "", f"{drift.kl:.4f}", "", _ends(drift.kl_low, drift.kl_high, 4))
    for task in found.tasks:
        table.add_row(
            escape(line(f"{task.task} {task.metric}")), f"{task.before:.3f}", f"{task.after:.3f}",
            f"{task.after - task.before:+.3f}",
        )  # fmt: skip
    out.print(table)
    same = f"{found.unchanged} of {found.rows} answers to benign prompts are the same word for word"
    out.print(same + (f"; {found.failed} failed and are left out" if found.failed else ""), soft_wrap=True)
    if found.no_drift:
        out.print(f"no drift: {escape(line(found.no_drift))}", soft_wrap=True)
    _categories([row for row in found.exact if row.category != ALL and row.right.gained + row.right.lost])


def _categories(rows: Sequence[Exact]) -> None:
    """The kinds of items whose count of right answers moved."""
    if not rows:
        return
    moved = ", ".join(f"{row.category} {row.right.before} to {row.right.after} of {row.right.n}" for row in rows)
    out.print(f"exact answers by kind: {escape(line(moved))}", soft_wrap=True)


def _short(found: Wholeness) -> str:
    parts = []
    for row in found.exact:
        if row.category == ALL:
            ends = f"{100 * row.right.low:+.1f} to {100 * row.right.high:+.1f}"
            parts.append(
                f"exact answers {row.right.before}/{row.right.n} to {row.right.after}/{row.right.n}"
                f"{'' if row.language == 'en' else f' ({row.language})'}, "
                f"{100 * row.right.difference:+.1f} points ({ends})"
            )
    if found.drift is not None:
        parts.append(f"KL {found.drift.kl:.3f} nats, perplexity x{found.drift.ratio:.2f}")
    if found.broken is not None:
        parts.append(f"broken {found.broken.before}/{found.broken.n} to {found.broken.after}/{found.broken.n}")
    return "; ".join(parts) or "nothing could be measured"


def _shares(row: Paired) -> tuple[str, str, str, str]:
    return (
        f"{row.before}/{row.n}",
        f"{row.after}/{row.n}",
        f"{100 * row.difference:+.1f} pts",
        f"{100 * row.low:+.1f} to {100 * row.high:+.1f}",
    )


def _ends(low: float | None, high: float | None, digits: int = 3) -> str:
    return "" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"
