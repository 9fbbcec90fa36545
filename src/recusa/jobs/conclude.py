"""Step 5: from answers and verdicts to `results.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.config import Experiment
from recusa.jobs.arms import Outcome
from recusa.jobs.compare import ALL, Judged, comparisons, four_way, judged_rows, rates
from recusa.jobs.harm import harm_changes, harm_rates, harm_rows
from recusa.jobs.judge import about_harm
from recusa.jobs.lines import answer_lines, result_of
from recusa.jobs.prompts import Asked
from recusa.models.machine import environment
from recusa.registry import build
from recusa.results import Cost, JudgeNote, Results, Training
from recusa.types import KINDS, Answer, Failure

ENOUGH_VARIANTS = 0.8  # an arm with all its variants for a smaller share of the prompts did not do what its name says


def conclude(
    experiment: Experiment, asked: Asked, outcomes: Sequence[Outcome], judges: Sequence[Any], inputs: str
) -> Results:
    """The numbers."""
    prompts = {prompt.id: prompt for prompt in asked.test}
    arms = [outcome.settings.name for outcome in outcomes]
    rows: list[Judged] = [
        row
        for judge in judges
        if not about_harm(judge)
        for outcome in outcomes
        for row in judged_rows((a.key for a in outcome.answers), prompts, judge.name, outcome.verdicts[judge.name])
    ]
    harm = [row for judge in judges if about_harm(judge) for row in harm_rows(judge, outcomes, prompts)]
    costs = [cost for outcome in outcomes for cost in costs_of(outcome)]
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
        judges=tuple(
            JudgeNote(
                judge=judge.name,
                primary=place == 0,
                settings=judge.model_dump(mode="json"),
                error=getattr(judge, "measured", None),
            )
            for place, judge in enumerate(judges)
        ),
        training=tuple(_training(outcome) for outcome in outcomes if outcome.adapter),
        cost=tuple(costs),
        answers_digest=digest([result_of(line) for line in answer_lines(asked, outcomes)]),
        warnings=tuple(warnings_of(experiment, asked, outcomes, costs)),
        environment={
            **environment(),
            "engines": {outcome.settings.name: outcome.identity for outcome in outcomes},
            "inputs": inputs,
        },
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
        yield Cost(
            arm=outcome.settings.name,
            attack=attack,
            prompts=len(results),
            calls=len(calls),
            prompt_tokens=sum(r.prompt_tokens for r in answered),
            answer_tokens=sum(r.answer_tokens for r in answered),
            seconds=round(outcome.seconds * len(results) / len(outcome.answers), 3),
            variants_wanted=len(variants),
            variants_valid=sum(isinstance(t.result, Answer) for t in variants),
        )


def warnings_of(
    experiment: Experiment, asked: Asked, outcomes: Sequence[Outcome], costs: Sequence[Cost]
) -> Iterator[str]:
    """What a reader must know before believing the numbers."""
    if asked.audit.leaks:
        yield (
            f"{len(asked.audit.leaks)} training prompts are near-copies of test prompts: "
            "trained arms look better than they are"
        )
    for outcome in outcomes:
        name = outcome.settings.name
        failed = sum(isinstance(a, Failure) for a in outcome.answers)
        if failed:
            yield f"arm {name}: {failed} of {len(outcome.answers)} rows failed and are left out"
        whole = [a for a in outcome.answers if a.tries]
        full = sum(all(isinstance(t.result, Answer) for t in a.tries) for a in whole)
        if whole and full < ENOUGH_VARIANTS * len(whole):
            yield (
                f"arm {name}: only {full} of {len(whole)} prompts had all their variants, fewer than "
                f"{ENOUGH_VARIANTS:.0%}: this arm is not a fair picture of the method"
            )
    if experiment.sampling.samples > 1:
        yield "several samples of a prompt are counted as if they were independent: intervals are too narrow"


def too_many_failed(experiment: Experiment, results: Results) -> str | None:
    """The first arm and kind of which so many rows failed that nothing may be concluded; None when all are fine."""
    for rate in results.rates:
        asked = rate.n + rate.failed
        shown = rate.judge == results.primary_judge and rate.language == ALL
        if shown and rate.failed > experiment.max_failed * asked:
            share = f"more than {experiment.max_failed:.0%}"
            return f"arm `{rate.arm}`: {rate.failed} of {asked} {rate.kind} rows failed, {share}"
    return None
