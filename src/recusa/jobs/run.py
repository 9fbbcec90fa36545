"""`recusa run`: the whole experiment, top to bottom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.config import ArmSettings, Experiment
from recusa.errors import Busy, ConfigError, InputError, RecusaError, StoreError
from recusa.jobs.answer import Answering
from recusa.jobs.arms import Outcome, bare_engine, chats_for, check_attacks, defended, given
from recusa.jobs.bands import calibration_sets, with_bands
from recusa.jobs.conclude import conclude
from recusa.jobs.judge import judge_missing
from recusa.jobs.keeping import Keeping
from recusa.jobs.label import finished, refreshed
from recusa.jobs.labels import LABELS, read_labels
from recusa.jobs.lines import write_answers
from recusa.jobs.prompts import Asked, divide_prompts, read_prompts
from recusa.jobs.train import ensure_adapter
from recusa.jobs.training_rows import check_template, whole_rows
from recusa.jobs.whole_arms import VERSIONS, check_whole, measured_arms
from recusa.models.adapters import check_trained_over
from recusa.models.causal import check_adapter
from recusa.models.weights import folder_digest, locate
from recusa.protocols import Given, Listener
from recusa.registry import Group, Spec, build, label_of
from recusa.results import ANSWERS, FILE, Results, load_results
from recusa.split import VERSION as DIVIDING
from recusa.store import Store, held
from recusa.types import Answer, Exchange, Failure


def run_experiment(
    experiment: Experiment, out: Path, workspace: Path, listener: Listener, *, retry_failed: bool = False
) -> Results:
    """Do what is left of an experiment and write its results; a finished one is only read.

    Raises RecusaError for a user's mistake, before anything is computed wherever it can be known.
    """
    read_labels(out / LABELS)  # what people wrote is checked before anything is computed
    read = read_prompts(experiment)
    sets = calibration_sets(build("judges", experiment.judges[0]), experiment.calibrations)
    measured = [one.model_dump(mode="json") for one in sets]
    inputs = digest([experiment.resolved(), read.digest(), model_digests(experiment), versions(experiment), measured])
    known = None if retry_failed else _finished(out, inputs)
    if known is not None:
        with held(out):
            listener("run", 0, 0, "finished before, nothing is left to do")
            return refreshed(known, out)
    asked = divide_prompts(experiment, read)  # 1. what is asked, audited
    lent = given(asked.train)
    check(experiment, asked, lent)
    with held(out), Store(workspace) as store:
        (out / "experiment.json").write_text(json.dumps(experiment.resolved(), indent=1), encoding="utf-8")
        judges = [build("judges", spec) for spec in experiment.judges]
        keeping = Keeping(store, again=retry_failed)
        outcomes = []
        for arm in experiment.arms:  # 2. training, 3. answers: arm by arm, finished chunks skipped
            outcomes.append(arm_outcome(experiment, arm, asked, judges[0], lent, keeping, listener))
        for judge in judges:  # 4. verdicts
            judge_arms(judge, outcomes, asked, store, listener, retry_failed)
        whole = tuple(measured_arms(experiment, asked, outcomes, store, listener))  # what tuning cost besides
        told, rows = write_answers(out, asked, outcomes)  # 5. the rows
        results = conclude(experiment, asked, outcomes, judges, answers_digest=told, inputs=inputs)  # 6. the numbers
        results = with_bands(results.model_copy(update={"whole": whole}), sets)  # 7. what the judges' errors do to them
        results = finished(results, rows, out)
        results.save(out)  # 8. written last
        return load_results(out)


def check(experiment: Experiment, asked: Asked, lent: Given) -> None:
    """Raise what can be known to go wrong before anything is loaded or computed."""
    calibration_sets(build("judges", experiment.judges[0]), experiment.calibrations)
    check_whole(experiment)
    if experiment.sweep is not None:
        check_sweep(experiment, asked)
    for arm in experiment.arms:
        engine: Any = bare_engine(experiment, arm)
        check_attacks(engine, experiment.attacks, f"arms.{arm.name}")
        if arm.defence is not None:
            build("defences", arm.defence).check(asked.test, lent)
        if arm.train is not None:
            if not hasattr(engine, "trainable"):
                raise ConfigError(
                    f"arms.{arm.name}.train: engine `{engine.name}` cannot be trained", "train with engine `hf`"
                )
            recipe = build("recipes", arm.train)
            recipe.examples(whole_rows(asked.train, recipe), lambda prompts, tokens: [])
            check_template(engine.model)


def model_digests(experiment: Experiment) -> dict[str, str]:
    """Digests of the weights and adapters the arms start from, without loading them."""
    found = {}
    engines: list[Any] = [bare_engine(experiment, arm) for arm in experiment.arms]
    engines += [build("engines", spec) for arm in experiment.arms if (spec := writer_of(arm)) is not None]
    for engine in engines:
        if hasattr(engine, "trainable"):
            found[engine.model] = folder_digest(locate(engine.model).folder)
            if engine.adapter:
                check_adapter(engine.adapter)
                check_trained_over(engine.adapter, found[engine.model])
                found[engine.adapter] = folder_digest(Path(engine.adapter))
    return found


def writer_of(arm: ArmSettings) -> Spec | None:
    """The engine that writes an arm's variants, if its operator has one."""
    operator = getattr(build("defences", arm.defence), "operator", None) if arm.defence is not None else None
    writer: Spec | None = getattr(build("operators", operator), "writer", None) if operator is not None else None
    return writer


def versions(experiment: Experiment) -> list[Any]:
    """Identities of the judges, their data included, and the version of every other component an arm is made of."""
    parts: list[Any] = [build("judges", spec).identity() for spec in experiment.judges]
    parts += [list(VERSIONS), DIVIDING]
    for arm in experiment.arms:
        specs: list[tuple[Group, Spec | None]] = [
            ("engines", arm.engine or experiment.engine),
            ("recipes", arm.train),
            ("defences", arm.defence),
        ]
        made = [build(group, spec) for group, spec in specs if spec is not None]
        for defence in made[-1:] if arm.defence is not None else []:
            inner: list[tuple[Group, str]] = [("operators", "operator"), ("selectors", "selector")]
            made += [build(group, getattr(defence, field)) for group, field in inner if hasattr(defence, field)]
        parts.append([(type(part).name, type(part).version, type(part).code) for part in made])
    return [*parts, *(build("attacks", spec).identity() for spec in experiment.attacks)]


def _finished(out: Path, inputs: str) -> Results | None:
    """The results of an earlier run, when the same was asked of the same models."""
    if not (out / FILE).is_file() or not (out / ANSWERS).is_file():
        return None
    try:
        results = load_results(out)
    except InputError:
        return None  # written by another version: made again from the store
    return results if results.environment.get("inputs") == inputs else None


def check_sweep(experiment: Experiment, asked: Asked) -> None:
    """Raise ConfigError where there would be nothing to trade."""
    kinds = {prompt.kind for prompt in asked.test}
    if "harmful" not in kinds or len(kinds) < 2:
        raise ConfigError(
            "a sweep needs harmful and harmless prompts to ask", "add a source with the kind that is missing"
        )
    if len(experiment.arms) < 2:
        raise ConfigError("a sweep needs arms beside the baseline", "add arms, or one with `each` for many")


def arm_outcome(
    experiment: Experiment,
    arm: ArmSettings,
    asked: Asked,
    judge: Any,
    lent: Given,
    keeping: Keeping,
    listener: Listener,
) -> Outcome:
    """The arm trained and asked; in a sweep, one that fails is kept as failed and the others go on."""
    try:
        outcome = train_arm(experiment, arm, asked, judge, keeping.store, listener)
        answer_arm(experiment, outcome, asked, lent, keeping, listener)
    except (StoreError, Busy):
        raise  # no arm could do better
    except Exception as error:
        if experiment.sweep is None or arm.name == experiment.compared_with:
            raise
        reason = error.message if isinstance(error, RecusaError) else f"{type(error).__name__}: {error}"
        outcome = Outcome(arm, origin_of(bare_engine(experiment, arm)), failed=" ".join(reason.split())[:300])
        chats = chats_for(asked.test, arm.name, experiment.attacks, arm.system, experiment.sampling.samples)
        outcome.answers = [Failure(chat.key, "answer", type(error).__name__, outcome.failed) for chat in chats]
        listener(f"arm {arm.name}", 0, 0, f"failed, and is shown as failed: {outcome.failed}")
    return outcome


def origin_of(engine: Any) -> str:
    """What answers, in words."""
    return engine.origin() if hasattr(engine, "origin") else str(engine.identity().get("model", engine.name))


def train_arm(
    experiment: Experiment, arm: ArmSettings, asked: Asked, judge: Any, store: Store, listener: Listener
) -> Outcome:
    """The arm with its adapter, trained when it says so."""
    engine: Any = bare_engine(experiment, arm)
    outcome = Outcome(arm, origin_of(engine))
    if arm.train is not None:
        recipe = build("recipes", arm.train)
        outcome.adapter = ensure_adapter(
            recipe, engine, asked.train, judge, chunk=experiment.chunk, store=store, listener=listener, name=arm.name
        )
    return outcome


def answer_arm(
    experiment: Experiment, outcome: Outcome, asked: Asked, lent: Given, keeping: Keeping, listener: Listener
) -> None:
    """All answers of an arm, from the store where they are there; arms that ask the same ask it once."""
    arm = outcome.settings
    adapter = str(outcome.adapter.folder) if outcome.adapter else None
    sampling, chunk = experiment.sampling.sampling(), experiment.chunk
    with keeping:
        bare = bare_engine(experiment, arm, adapter)
        engine = defended(bare, arm.defence, keeping.lent(lent), f"arms.{arm.name}.defence")
        chats = chats_for(asked.test, arm.name, experiment.attacks, arm.system, experiment.sampling.samples)
        answering = Answering(engine, chats, sampling, chunk, keeping.store, keeping)
        answering.finish(listener, f"answer {arm.name}", again=keeping.again)
        outcome.identity = engine.identity()
    order = [label_of(build("attacks", spec)) for spec in experiment.attacks]  # tables show attacks as they were named
    outcome.answers = sorted(answering.results(arm.name), key=lambda result: order.index(result.key.attack))
    outcome.seconds = answering.seconds()


def judge_arms(
    judge: Any, outcomes: Sequence[Outcome], asked: Asked, store: Store, listener: Listener, again: bool
) -> None:
    """One judge's verdicts on everything that was answered."""
    texts = {prompt.id: prompt.text for prompt in asked.test}
    exchanges = [
        Exchange(a.key, texts[a.key.prompt_id], a.text, a.stop)
        for outcome in outcomes
        for a in outcome.answers
        if isinstance(a, Answer)
    ]
    verdicts = judge_missing(judge, exchanges, store, listener, f"judge {judge.name}", again=again)
    for outcome in outcomes:
        outcome.verdicts[judge.name] = {a.key: verdicts[a.key] for a in outcome.answers if a.key in verdicts}
