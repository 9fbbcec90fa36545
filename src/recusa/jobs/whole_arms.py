"""The tuned arms of an experiment, each measured against its own base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from recusa.component import digest
from recusa.config import ArmSettings, Experiment
from recusa.exact.items import VERSION as ITEMS
from recusa.jobs.arms import Outcome, bare_engine
from recusa.jobs.drift import VERSION as DRIFT
from recusa.jobs.tasks import check_tasks
from recusa.jobs.whole import EXACT_TOKENS, Bench, Said, chosen_items, chosen_rows, measurable, wholeness
from recusa.protocols import Listener
from recusa.registry import build
from recusa.store import Store
from recusa.wholeness import Wholeness, WholeSettings

if TYPE_CHECKING:
    from recusa.jobs.prompts import Asked

VERSIONS = (ITEMS, DRIFT)  # a finished run is looked at again when these change


class Work(NamedTuple):
    """What measuring a tuned arm asks for: benign rows, exact items, answer tokens at most, and tokens read."""

    arm: str
    rows: int
    items: int
    answer_tokens: int
    read_tokens: int


def settings_of(experiment: Experiment) -> WholeSettings:
    """The experiment's settings; its own limit holds here too."""
    settings, most = experiment.whole, experiment.limit
    if most is None:
        return settings
    each = most if settings.items is None else min(most, settings.items)
    return settings.model_copy(update={"limit": min(most, settings.limit), "items": each})


def tuned_arms(experiment: Experiment) -> list[ArmSettings]:
    """Arms that train, or answer with an adapter, on an engine that computes here; none when nothing is measured."""
    if not experiment.whole.measure:
        return []
    return [arm for arm in experiment.arms if _tuned(experiment, arm)]


def _tuned(experiment: Experiment, arm: ArmSettings) -> bool:
    engine: Any = bare_engine(experiment, arm)
    return measurable(engine) or (arm.train is not None and hasattr(engine, "trainable"))


def check_whole(experiment: Experiment) -> None:
    """Raise what can be known to go wrong before anything is computed."""
    if tuned_arms(experiment):
        check_tasks(experiment.whole)


def measured_arms(
    experiment: Experiment, asked: Asked, outcomes: Sequence[Outcome], store: Store, listener: Listener
) -> Iterator[Wholeness]:
    """Every tuned arm that was made; answers the experiment has are not asked again."""
    wanted = {arm.name for arm in tuned_arms(experiment)}
    bench = Bench(
        store=store,
        listener=listener,
        chunk=experiment.chunk,
        sampling=experiment.sampling.sampling(),
        settings=settings_of(experiment),
        alpha=experiment.alpha,
        known={digest(outcome.identity): _direct(outcome) for outcome in outcomes if _plain(outcome)},
    )
    for outcome in outcomes:
        if outcome.settings.name not in wanted or outcome.failed:
            continue
        adapter = str(outcome.adapter.folder) if outcome.adapter else None
        tuned: Any = bare_engine(experiment, outcome.settings, adapter)
        yield wholeness(outcome.settings.name, tuned, asked.test, bench)


def _plain(outcome: Outcome) -> bool:
    """Whether an arm's answers are those of its engine alone."""
    return outcome.settings.defence is None and outcome.settings.system is None and not outcome.failed


def _direct(outcome: Outcome) -> Said:
    """The first answers of an arm to the prompts as they are."""
    return {a.key.prompt_id: a for a in outcome.answers if a.key.attack == "direct" and a.key.sample == 0}


def work_of(experiment: Experiment, asked: Asked) -> list[Work]:
    """What measuring will ask for, arm by arm, at most: what an arm shares is counted with the first that needs it."""
    settings = settings_of(experiment)
    rows = chosen_rows(asked.test, settings.limit)
    items = chosen_items([prompt.language for prompt in asked.test], settings.items)
    most = experiment.sampling.max_new_tokens
    here = {_engine(experiment, arm) for arm in experiment.arms if arm.defence is None and arm.system is None}
    bases: set[str] = set()
    found = []
    for arm in tuned_arms(experiment):
        base = _engine(experiment, arm.model_copy(update={"adapter": None, "train": None}))
        models = 2 - (base in bases)
        bases.add(base)
        again = (_engine(experiment, arm) not in here) + (base not in here and models == 2)
        answers = models * len(items) * EXACT_TOKENS + again * len(rows) * most
        found.append(Work(arm.name, len(rows), len(items), answers, 2 * len(rows) * most))
    return found


def _engine(experiment: Experiment, arm: ArmSettings) -> str:
    """What answers for an arm: its engine and what tunes it, by their settings."""
    engine = build("engines", arm.engine or experiment.engine)
    return digest([engine.model_dump(mode="json"), arm.adapter, arm.train])
