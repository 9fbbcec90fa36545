"""Step 5: from answers and verdicts to `results.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recusa.config import Experiment
from recusa.frontier import Frontier
from recusa.jobs.arms import Outcome
from recusa.jobs.compare import ALL, Judged, comparisons, four_way, judged_rows, rates
from recusa.jobs.frontier import frontier
from recusa.jobs.harm import harm_changes, harm_rates, harm_rows
from recusa.jobs.judge import about_harm
from recusa.jobs.prompts import Asked
from recusa.judging import JudgeNote
from recusa.models.machine import environment
from recusa.registry import build
from recusa.results import Cost, FailedArm, Results, Training
from recusa.types import KINDS, Answer, Failure, Key, Prompt, Spent, Try, Verdict

ENOUGH_VARIANTS = 0.8  # an arm with all its variants for a smaller share of the prompts did not do what its name says


def conclude(
    experiment: Experiment,
    asked: Asked,
    outcomes: Sequence[Outcome],
    judges: Sequence[Any],
    *,
    answers_digest: str,
    inputs: str,
) -> Results:
    """The numbers; the digests are of the answers and of what was asked."""
    prompts = {prompt.id: prompt for prompt in asked.test}
    arms = [outcome.settings.name for outcome in outcomes]
    failed = tuple(failed_arms(outcomes, prompts, experiment.max_failed))
    nothing: dict[Key, Verdict | Failure] = {}  # a failed arm's answers are judged and kept, but count as failed rows
    fallen = {arm.arm for arm in failed}
    rows: list[Judged] = [
        row
        for judge in judges
        if not about_harm(judge)
        for outcome in outcomes
        for verdicts in [nothing if outcome.settings.name in fallen else outcome.verdicts[judge.name]]
        for row in judged_rows((a.key for a in outcome.answers), prompts, judge.name, verdicts)
    ]
    standing = [outcome for outcome in outcomes if outcome.settings.name not in fallen]
    harm = [row for judge in judges if about_harm(judge) for row in harm_rows(judge, standing, prompts)]
    costs = [cost for outcome in outcomes if not outcome.failed for cost in costs_of(outcome)]
    return Results(
        name=experiment.name,
        experiment=experiment.resolved(),
        baseline=experiment.compared_with,
        arms=tuple(arms),
        kinds=tuple(kind for kind in KINDS if any(p.kind == kind for p in asked.test)),
        languages=tuple(sorted({p.language for p in asked.test})),
        primary_judge=judges[0].name,
        alpha=experiment.alpha,
        models={outcome.settings.name: described(outcome) for outcome in outcomes},
        audit=asked.audit,
        rates=tuple(rates(rows, arms, experiment.alpha)),
        four_way=tuple(four_way(rows, arms)),
        comparisons=tuple(comparisons(rows, arms, experiment.compared_with, experiment.alpha)),
        harm_rates=tuple(harm_rates(harm, arms, experiment.alpha)),
        harm_changes=tuple(harm_changes(harm, arms, experiment.compared_with, experiment.alpha)),
        judges=tuple(_note(judge, primary=place == 0) for place, judge in enumerate(judges)),
        training=tuple(_training(outcome) for outcome in outcomes if outcome.adapter),
        cost=tuple(costs),
        failed_arms=failed,
        frontier=swept(experiment, rows, failed, judges[0].name),
        answers_digest=answers_digest,
        warnings=tuple(warnings_of(experiment, asked, outcomes, failed)),
        environment={
            **environment(),
            "engines": {outcome.settings.name: outcome.identity for outcome in outcomes},
            "inputs": inputs,
        },
    )


def _note(judge: Any, *, primary: bool) -> JudgeNote:
    settings, error = judge.model_dump(mode="json"), getattr(judge, "measured", None)
    return JudgeNote(judge=judge.name, primary=primary, settings=settings, error=error)


def swept(experiment: Experiment, rows: Sequence[Judged], failed: Sequence[FailedArm], judge: str) -> Frontier | None:
    """The frontier, where the experiment is a sweep."""
    if experiment.sweep is None:
        return None
    return frontier(
        rows,
        [arm.name for arm in experiment.arms],
        {arm.arm: arm.reason for arm in failed},
        baseline=experiment.compared_with,
        judge=judge,
        alpha=experiment.alpha,
        settings=experiment.sweep,
    )


def described(outcome: Outcome) -> str:
    """What answers under an arm's name, in words: the model, and what is round it or on it."""
    arm = outcome.settings
    parts = [outcome.origin]
    if arm.train is not None:
        parts.append(f"LoRA adapter, recipe {_name(arm.train)}")
    if arm.adapter is not None:
        parts.append(f"adapter {Path(arm.adapter).name}")
    if arm.defence is not None:
        settings = build("defences", arm.defence).model_dump(mode="json")
        inner = ", ".join(f"{key} {_name(settings[key])}" for key in ("operator", "selector", "k") if key in settings)
        parts.append(f"defence {_name(arm.defence)}" + (f" ({inner})" if inner else ""))
    if arm.system is not None:
        parts.append("own system prompt")
    return "; ".join(parts)


def _name(spec: Any) -> str:
    return str(spec["name"]) if isinstance(spec, dict) else str(spec)


def _training(outcome: Outcome) -> Training:
    assert outcome.adapter is not None and outcome.settings.train is not None
    recipe = build("recipes", outcome.settings.train)
    made = outcome.adapter.made
    return Training(
        arm=outcome.settings.name,
        recipe=recipe.name,
        fingerprint=outcome.adapter.fingerprint,
        settings=recipe.model_dump(mode="json"),
        **made,
    )


def costs_of(outcome: Outcome) -> Iterator[Cost]:
    """Calls and tokens of an arm under each attack; the calls of a defence are counted, not its kept answer twice."""
    for attack in dict.fromkeys(a.key.attack for a in outcome.answers):
        results = [a for a in outcome.answers if a.key.attack == attack]
        tries = [t for a in results for t in a.tries]
        spoken = [t.result for t in tries] + [a for a in results if not a.tries]
        calls = [r for r in spoken if not (isinstance(r, Failure) and r.stage == "variant")]
        answered = [r for r in calls if isinstance(r, Answer)]
        variants = [t for t in tries if t.result.key.attempt > 1]
        writing = Spent()
        for t in tries:
            writing = writing.plus(t.writing)
        yield Cost(
            arm=outcome.settings.name,
            attack=attack,
            prompts=len(results),
            calls=len(calls),
            prompt_tokens=sum(r.prompt_tokens for r in answered),
            answer_tokens=sum(r.answer_tokens for r in answered),
            seconds=round(outcome.seconds * len(results) / len(outcome.answers), 3),
            variants_wanted=len(variants),
            variants_valid=sum(map(_made, variants)),
            whole=sum(all(map(_made, a.tries)) for a in results if a.tries),
            writer_calls=writing.calls,
            writer_prompt_tokens=writing.prompt_tokens,
            writer_answer_tokens=writing.answer_tokens,
            rejected=dict(sorted(sum((Counter(dict(t.rejected)) for t in tries), Counter[str]()).items())),
            kept_itself=sum(bool(a.tries) and a.tries[0].chosen for a in results),
        )


def _made(one: Try) -> bool:
    """Whether there was a variant to ask, whatever came of asking it."""
    return not (isinstance(one.result, Failure) and one.result.stage == "variant")


def failed_arms(outcomes: Sequence[Outcome], prompts: Mapping[str, Prompt], most: float) -> Iterator[FailedArm]:
    """Arms that could not be made, and those with all their variants for too few prompts, or with none for more than
    `most` of those of a kind."""
    for outcome in outcomes:
        if outcome.failed:
            yield FailedArm(arm=outcome.settings.name, reason=outcome.failed)
            continue
        rows = [a for a in outcome.answers if a.tries]
        whole = sum(all(map(_made, a.tries)) for a in rows)
        asked = Counter(prompts[a.key.prompt_id].kind for a in rows)
        bare = Counter(prompts[a.key.prompt_id].kind for a in rows if isinstance(a, Failure) and a.stage == "variant")
        worst = next((kind for kind in KINDS if bare[kind] > most * asked[kind]), None)
        reason = ""
        if rows and whole < ENOUGH_VARIANTS * len(rows):
            wanted = max(len(a.tries) - 1 for a in rows)
            reason = (
                f"only {whole} of {len(rows)} prompts had all {wanted} of their variants, "
                f"fewer than {ENOUGH_VARIANTS:.0%}"
            )
        elif worst is not None:
            reason = f"{bare[worst]} of {asked[worst]} {worst} prompts had no variant at all, more than {most:.0%}"
        if reason:
            reasons = sum((Counter(dict(t.rejected)) for a in rows for t in a.tries), Counter[str]())
            why = ", ".join(f"{count} x {name}" for name, count in reasons.most_common(4))
            yield FailedArm(arm=outcome.settings.name, reason=f"{reason} (drafts rejected: {why or 'none'})")


def warnings_of(
    experiment: Experiment, asked: Asked, outcomes: Sequence[Outcome], fallen: Sequence[FailedArm]
) -> Iterator[str]:
    """What a reader must know before believing the numbers."""
    if asked.audit.leaks:
        yield (
            f"{len(asked.audit.leaks)} training prompts are near-copies of test prompts: "
            "trained arms look better than they are"
        )
    reasons = {arm.arm: arm.reason for arm in fallen}
    for outcome in outcomes:
        name = outcome.settings.name
        failed = sum(isinstance(a, Failure) for a in outcome.answers)
        if name in reasons:
            yield f"arm {name} failed: {reasons[name]}; its rows are in no rate and no comparison"
            continue
        if failed:
            yield f"arm {name}: {failed} of {len(outcome.answers)} rows failed and are left out"
        tried = [a for a in outcome.answers if a.tries]
        part = sum(not all(map(_made, a.tries)) for a in tried)
        if part:
            yield f"arm {name}: {part} of {len(tried)} prompts were asked in fewer variants than the arm says"
    if experiment.sampling.samples > 1:
        yield "several samples of a prompt are counted as if they were independent: intervals are too narrow"


def too_many_failed(experiment: Experiment, results: Results) -> str | None:
    """The first arm and kind of which so many rows failed that nothing may be concluded; None when all are fine.

    An arm that is shown as failed, with its reason, takes nothing from the others: it counts when no arm is left.
    """
    fallen = {arm.arm: arm.reason for arm in results.failed_arms}
    if fallen and fallen.keys() >= set(results.arms):
        return f"every arm failed; `{results.arms[0]}`: {fallen[results.arms[0]]}"
    if results.frontier is not None and results.frontier.recommended is None:
        return f"every arm but the baseline failed; `{results.failed_arms[0].arm}`: {results.failed_arms[0].reason}"
    for rate in results.rates:
        if rate.arm in fallen:
            continue
        asked = rate.n + rate.failed
        shown = rate.judge == results.primary_judge and rate.language == ALL
        if shown and rate.failed > experiment.max_failed * asked:
            share = f"more than {experiment.max_failed:.0%}"
            return f"arm `{rate.arm}`: {rate.failed} of {asked} {rate.kind} rows failed, {share}"
    return None
