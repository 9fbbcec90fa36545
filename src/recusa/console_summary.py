"""What was found, in the terminal: the same for a run and for two answer files, in at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from rich.markup import escape

from recusa.console import line, out, plain
from recusa.jobs.compare import ALL
from recusa.results import Comparison, Rate, Results
from recusa.types import KINDS

WIDTH = 80
NAME = 18  # columns of an arm's name; a longer one keeps its ends


@dataclass(frozen=True, slots=True)
class Seen:
    """Rates and comparisons as one judge sees them, asked one way."""

    arms: tuple[str, ...]
    baseline: str
    judge: str
    alpha: float
    rates: tuple[Rate, ...]
    comparisons: tuple[Comparison, ...]

    def rate(self, arm: str, kind: str) -> Rate | None:
        """An arm's rate over all languages."""
        return next((r for r in self.rates if (r.arm, r.kind) == (arm, kind)), None)

    def change(self, arm: str, kind: str) -> Comparison | None:
        """An arm against the baseline over all languages."""
        return next((c for c in self.comparisons if (c.arm, c.kind) == (arm, kind)), None)


def summary(results: Results, folder: Path) -> None:
    """What a run found, and where its report is."""
    attacks = [rate.attack for rate in results.rates]
    shown = "direct" if "direct" in attacks or not attacks else attacks[0]
    main = (results.primary_judge, ALL, shown)
    seen = Seen(
        arms=results.arms,
        baseline=results.baseline,
        judge=results.primary_judge,
        alpha=results.alpha,
        rates=tuple(r for r in results.rates if (r.judge, r.language, r.attack) == main),
        comparisons=tuple(c for c in results.comparisons if (c.judge, c.language, c.attack) == main),
    )
    show(told(seen))
    show(attacked(results))
    for warning in results.warnings:
        out.print(f"[yellow]note:[/] {escape(plain(warning))}", soft_wrap=True)
    out.print(f"report  {escape(str(folder / 'report.html'))}", soft_wrap=True)
    out.print(f"digest  {results.digest}", soft_wrap=True)


def compared(rates: Sequence[Rate], comparisons: Sequence[Comparison], alpha: float = 0.05) -> None:
    """What two answer files show."""
    arms = tuple(dict.fromkeys(rate.arm for rate in rates))
    seen = Seen(
        arms=arms,
        baseline=arms[0],
        judge=rates[0].judge,
        alpha=alpha,
        rates=tuple(r for r in rates if r.language == ALL),
        comparisons=tuple(c for c in comparisons if c.language == ALL),
    )
    show(told(seen))


def show(lines: Iterator[str]) -> None:
    """Print lines as they are; none is cut or wrapped by the terminal."""
    for one in lines:
        out.print(escape(one), soft_wrap=True)


def told(seen: Seen) -> Iterator[str]:
    """A block a kind of prompt: each arm's count, rate and paired change, in words that say no more than they do."""
    level = f"{100 * (1 - seen.alpha):g} %"
    yield from _wrapped(f"refused, by judge {seen.judge} ({level} intervals; change in points against {seen.baseline})")
    for kind in KINDS:
        rows = [(arm, rate) for arm in seen.arms if (rate := seen.rate(arm, kind)) is not None]
        if not rows:
            continue
        yield f"{kind}:"
        for arm, rate in rows:
            yield _row(arm, rate, None if arm == seen.baseline else seen.change(arm, kind), seen.alpha).rstrip()
        yield from _not_counted(kind, rows, [c for arm, _ in rows if (c := seen.change(arm, kind))])
    if seen.comparisons:
        yield from _wrapped(
            f"more, fewer: p after Holm is below {seen.alpha:g} and the interval leaves out 0; "
            "not shown: a change may be there, these prompts do not show it"
        )
    yield from _wrapped("; ".join(_methods(seen)))


def _row(arm: str, rate: Rate, change: Comparison | None, alpha: float) -> str:
    count = f"{rate.refused}/{rate.n}" if rate.n else "-"
    share = "-"
    if rate.rate is not None and rate.low is not None and rate.high is not None:
        share = f"{100 * rate.rate:.0f}% ({100 * rate.low:.0f}-{100 * rate.high:.0f})"
    moved, word = "", ""
    if change is not None and change.difference is not None and change.low is not None and change.high is not None:
        moved = f"{100 * change.difference:+.1f} ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
        word = verdict(change, alpha)
    elif change is not None:
        word = "no pair was judged"
    return f"  {_fit(arm):<{NAME}} {count:>9} {share:>13}  {moved:<24} {word}"


def verdict(change: Comparison, alpha: float) -> str:
    """One or two words for a comparison: `more` or `fewer` refusals, or `not shown`."""
    if not change.is_real(alpha):
        return "not shown"
    return "more" if (change.difference or 0) > 0 else "fewer"


def _not_counted(kind: str, rows: Sequence[tuple[str, Rate]], changes: Sequence[Comparison]) -> Iterator[str]:
    parts = []
    for what in ("unclear", "failed"):
        counts = [f"{_fit(arm)} {count}" for arm, rate in rows if (count := getattr(rate, what))]
        if counts:
            how = "counted as not refused" if what == "unclear" else "left out"
            parts.append(f"{what} ({how}): {', '.join(counts)}")
    grouped = [rate for _, rate in rows if rate.groups < rate.n]
    if grouped:
        parts.append(f"{grouped[0].n} prompts in {grouped[0].groups} groups, which are taken whole")
    for text in parts:
        yield from _wrapped(text, indent="  ")


def _methods(seen: Seen) -> list[str]:
    """The names of the methods used, each once."""
    tests = dict.fromkeys(c.test.partition(", Holm")[0] for c in seen.comparisons)
    found = [f"rates: {name}" for name in dict.fromkeys(r.interval for r in seen.rates)]
    found += [f"changes: {name}" for name in dict.fromkeys(c.interval for c in seen.comparisons)]
    return found + ([f"tests: {' or '.join(tests)}, Holm"] if tests else [])


def attacked(results: Results) -> Iterator[str]:
    """Harmful prompts answered, for each way of asking; nothing where there is one only."""
    found = {
        (r.arm, r.attack): r
        for r in results.rates
        if (r.judge, r.language, r.kind) == (results.primary_judge, ALL, "harmful")
    }
    attacks = list(dict.fromkeys(attack for _, attack in found))
    if len(attacks) < 2:
        return
    yield "harmful prompts answered, by attack:"
    for arm in results.arms:
        for attack in attacks:
            r = found.get((arm, attack))
            counts = f"{f'{r.answered}/{r.n}':>9} {100 * r.answered / r.n:>5.0f}%" if r is not None and r.n else "-"
            yield f"  {_fit(arm):<{NAME}} {_fit(attack):<{NAME}} {counts}"


def _fit(name: str) -> str:
    """A name on one line, in NAME columns."""
    plain_name = line(name)
    half = (NAME - 2) // 2
    return plain_name if len(plain_name) <= NAME else f"{plain_name[:half]}..{plain_name[-half:]}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(line(text), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
