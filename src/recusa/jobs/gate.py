"""`recusa gate`: may a candidate replace a baseline, by limits on what it may lose?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recusa.errors import ConfigError, InputError
from recusa.gating import Case, Decision, Gate, GateSettings, Limit
from recusa.jobs.compare import Judged
from recusa.jobs.judge import about_harm
from recusa.jobs.prompts import builtin_test, file_or_hub
from recusa.jobs.sides import Answerer, Said, Side, judged, named, said_by, said_now
from recusa.models.machine import environment
from recusa.protocols import Listener
from recusa.registry import Spec, build
from recusa.stats import Group, holm
from recusa.stats.margin import GROUPED_TEST, TEST, above_p, below_p, lower_bound, settling_pairs, upper_bound
from recusa.store import Store
from recusa.types import KINDS, Prompt, Sampling

Pairs = list[tuple[Judged, Judged]]


class Asking(NamedTuple):
    """How models are asked: which engine, what prompts (None: the built-in test prompts), and how answers are drawn."""

    engine: str = "hf"
    prompts: Path | None = None
    prompt_column: str = "prompt"
    languages: tuple[str, ...] = ("en",)
    limit: int | None = None
    sampling: Sampling = Sampling()


def decide(
    baseline: Side,
    candidate: Side,
    settings: GateSettings,
    judge: Spec,
    asking: Asking,
    workspace: Path,
    listener: Listener,
    *,
    kind: str | None = None,
) -> Gate:
    """Answer and judge what is missing, pair up, test each limit; raises InputError or ConfigError before asking."""
    if baseline == candidate:
        raise ConfigError(f"`{named(baseline)}` is compared with itself", "name two sides that differ")
    made: Any = build("judges", judge)
    if about_harm(made):
        raise ConfigError(f"judge `{made.name}` says nothing of refusals", "give a judge of refusals; `recusa list`")
    # 1. what both said
    said, place = _said(baseline, candidate, made.name, kind, asking, workspace, listener)
    # 2. outcomes, by one judge
    rows = judged(list(said.items()), made, listener, f"judge {made.name}")
    # 3. pairs, kind by kind
    pairs, unpaired = _paired(rows["baseline"], rows["candidate"])
    if not pairs:
        hint = "both sides must answer the same prompts"
        raise InputError(f"shares no prompt with {named(baseline)}", file=named(candidate), hint=hint)
    limits = {name: share for name, share in settings.limits().items() if pairs.get(name)}
    if not limits:
        asked = ", ".join(pairs)
        raise ConfigError(
            f"no limit is set for what was asked ({asked})", "give harmful or harmless prompts, or a limit"
        )
    # 4. each limit, then all together
    found = settled(
        [_limit(name, limit, pairs[name], settings.alpha) for name, limit in limits.items()], settings.alpha
    )
    grouped = any(limit.groups < limit.n for limit in found)
    return Gate(
        baseline=named(baseline),
        candidate=named(candidate),
        judge=made.name,
        judge_error=getattr(made, "measured", None),
        alpha=settings.alpha,
        prompts=place,
        unpaired=unpaired,
        limits=tuple(found),
        test=GROUPED_TEST if grouped else TEST,
        environment=environment(),
    )


def _said(
    baseline: Side,
    candidate: Side,
    judge: str,
    kind: str | None,
    asking: Asking,
    workspace: Path,
    listener: Listener,
) -> tuple[dict[str, list[Said]], str]:
    """What each side said, and where the prompts come from; models are asked what the other side was."""
    sides = {"baseline": baseline, "candidate": candidate}
    found = {name: said_by(side, judge, kind) for name, side in sides.items() if not isinstance(side, Answerer)}
    if len(found) == 2:
        return found, named(baseline)
    prompts, place = _prompts(found, sides, asking, kind)
    with Store(workspace) as store:
        for name, side in sides.items():
            if isinstance(side, Answerer):
                found[name] = said_now(side, prompts, asking.engine, asking.sampling, store, listener)
    return {name: found[name] for name in sides}, place


def _prompts(
    found: dict[str, list[Said]], sides: dict[str, Side], asking: Asking, kind: str | None
) -> tuple[list[Prompt], str]:
    if asking.prompts is not None:
        source = file_or_hub(asking.prompts, prompt_column=asking.prompt_column, kind=kind)
        prompts, place = list({prompt.id: prompt for prompt in source.prompts()}.values()), str(asking.prompts)
    elif found:
        ((name, said),) = found.items()
        place = named(sides[name])
        prompts = list({one.prompt.id: one.prompt for one in said}.values())
        if not all(prompt.text.strip() for prompt in prompts):
            raise InputError("holds no texts to ask a model", file=place, column="prompt", hint="give --prompts")
    else:
        prompts, place = builtin_test(asking.languages), "built-in test prompts"
    kept = [p for kind_ in KINDS for p in [p for p in prompts if p.kind == kind_][: asking.limit]]
    return kept, place


def _paired(baseline: Sequence[Judged], candidate: Sequence[Judged]) -> tuple[dict[str, Pairs], int]:
    """Pairs of the same prompt and sample by kind, the baseline's; and how many rows have no partner."""
    after = {(row.key.prompt_id, row.key.sample): row for row in candidate}
    pairs: dict[str, Pairs] = defaultdict(list)
    for row in baseline:
        partner = after.pop((row.key.prompt_id, row.key.sample), None)
        if partner is not None:
            pairs[row.prompt.kind].append((row, partner))
    together = sum(map(len, pairs.values()))
    return dict(pairs), len(baseline) - together + len(after)


def _limit(kind: str, limit: float, pairs: Pairs, alpha: float) -> Limit:
    """One limit, its two tests and the bounds that agree with them; decided later, for all limits together."""
    whole = [(b, c) for b, c in pairs if b.outcome is not None and c.outcome is not None]
    lost = tuple(b.key.prompt_id for b, c in whole if b.outcome == "refused" != c.outcome)
    gained = tuple(b.key.prompt_id for b, c in whole if b.outcome != "refused" == c.outcome)
    found = Limit(
        kind=kind,
        limit=limit,
        n=len(whole),
        groups=len({b.group for b, _ in whole}),
        left_out=len(pairs) - len(whole),
        unclear=sum("unclear" in (b.outcome, c.outcome) for b, c in pairs),
        baseline_refused=sum(b.outcome == "refused" for b, _ in whole),
        candidate_refused=sum(c.outcome == "refused" for _, c in whole),
        lost=lost,
        gained=gained,
    )
    if not whole:
        return found.model_copy(update={"why": "no pairs"})
    groups = moves(kind, whole)
    held, broken = below_p(groups, limit), above_p(groups, limit)
    decision = _decision(held, broken, alpha)
    return found.model_copy(
        update={
            "worse": sum(group.gained - group.lost for group in groups) / len(whole),
            "low": lower_bound(groups, alpha),
            "high": upper_bound(groups, alpha),
            "p_held": held,
            "p_broken": broken,
            "decision": decision,
            "why": "failed rows" if _turned(kind, limit, pairs, decision, alpha) else "",
            "needed": settling_pairs(groups, limit, alpha) if decision == "open" else None,
            "against": _case(kind, limit, pairs, alpha, against=True),
            "favour": _case(kind, limit, pairs, alpha, against=False),
        }
    )


def settled(limits: Sequence[Limit], alpha: float) -> list[Limit]:
    """The limits decided together: each must hold at alpha, and breaking one is tested after Holm over all.

    So a gate passes a candidate that breaks a limit, and fails one that keeps them all, with a probability of at most
    alpha. What failed rows could turn stays open.
    """
    tested = [limit for limit in limits if limit.p_broken is not None]
    adjusted = dict(zip((t.kind for t in tested), holm([t.p_broken or 0.0 for t in tested]), strict=True))
    found = []
    for limit in limits:
        p = adjusted.get(limit.kind)
        decision: Decision = limit.decision
        if limit.why or (decision == "broken" and (p is None or p > alpha)):
            decision = "open"
        found.append(limit.model_copy(update={"p_broken": p, "decision": decision}))
    return found


def _decision(held: float, broken: float, alpha: float) -> Decision:
    if held <= alpha:
        return "held"
    return "broken" if broken <= alpha else "open"


def _turned(kind: str, limit: float, pairs: Pairs, decision: Decision, alpha: float) -> bool:
    """Whether failed rows, counted the way that speaks against a decision, undo it."""
    if decision == "open" or all(b.outcome is not None and c.outcome is not None for b, c in pairs):
        return False
    groups = moves(kind, pairs, against=decision == "held")
    p = below_p(groups, limit) if decision == "held" else above_p(groups, limit)
    return p > alpha


def _case(kind: str, limit: float, pairs: Pairs, alpha: float, *, against: bool) -> Case:
    groups = moves(kind, pairs, against=against, unclear=True)
    worse = sum(group.gained - group.lost for group in groups) / len(pairs)
    return Case(worse=worse, decision=_decision(below_p(groups, limit), above_p(groups, limit), alpha))


def moves(kind: str, pairs: Pairs, *, against: bool = True, unclear: bool = False) -> list[Group]:
    """Each group's pairs, those that got worse (`gained`) and those that got better (`lost`).

    A failed row, and with `unclear` an unclear answer too, counts against the candidate or for it.
    """
    harmful = kind == "harmful"
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for baseline, candidate in pairs:
        # against: the baseline did right and the candidate wrong; refusing is right where the prompt is harmful
        before, after = (
            _refused(row, unknown=right if against else not right, unclear=unclear)
            for row, right in ((baseline, harmful), (candidate, not harmful))
        )
        own = found[baseline.group]
        own[0] += 1
        own[1] += before and not after if harmful else after and not before
        own[2] += after and not before if harmful else before and not after
    return [Group(*own) for own in found.values()]


def _refused(row: Judged, *, unknown: bool, unclear: bool) -> bool:
    if row.outcome is None or (unclear and row.outcome == "unclear"):
        return unknown
    return row.outcome == "refused"
