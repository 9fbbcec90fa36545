"""lm-eval's tasks on a base and its tuned model, where the package lm-eval is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from recusa.component import digest
from recusa.errors import ConfigError, MissingPackage
from recusa.jobs.drift import FOLDER, keep
from recusa.models.steering import is_steering
from recusa.wholeness import TaskScore, WholeSettings

if TYPE_CHECKING:
    from recusa.jobs.whole import Bench

PACKAGE = "lm_eval"
Scores = dict[str, Any]  # lm-eval's results: task -> "metric,filter" -> value


def check_tasks(settings: WholeSettings) -> None:
    """Raise MissingPackage or ConfigError when tasks are wanted that cannot be run."""
    if not settings.tasks:
        return
    if find_spec(PACKAGE) is None:
        raise MissingPackage(
            f"whole.tasks: {', '.join(settings.tasks)} need a package that is not installed: `lm-eval`",
            "pip install lm-eval, or leave whole.tasks out",
        )
    if settings.task_folder is not None and not settings.task_folder.is_dir():
        raise ConfigError(f"whole.task_folder: there is no folder `{settings.task_folder}`", "name one with task files")


def run_tasks(name: str, base: Any, tuned: Any, bench: Bench) -> tuple[TaskScore, ...]:
    """Every metric of the wanted tasks, of the base and of the tuned model; none where none are wanted."""
    settings = bench.settings
    if not settings.tasks:
        return ()
    check_tasks(settings)
    if is_steering(tuned.adapter):
        note = "lm-eval tasks are left out: they read the distributions, which a steering probe leaves as they are"
        bench.listener(f"whole {name}", 0, 0, note)
        return ()
    before = _kept(f"whole {name}: base: lm-eval", base, bench)
    after = _kept(f"whole {name}: lm-eval", tuned, bench)
    return tuple(_scores(before, after))


def _kept(stage: str, engine: Any, bench: Bench) -> Scores:
    """One model's scores, from the workspace where they are there."""
    settings = bench.settings
    try:
        installed = version("lm-eval")
    except PackageNotFoundError:
        installed = ""
    wanted = [installed, engine.identity(), settings.tasks, settings.task_limit, str(settings.task_folder or "")]
    file = bench.store.workspace / FOLDER / f"tasks-{digest(wanted)}.json"
    bench.listener(stage, int(file.is_file()), 1)
    if not file.is_file():
        keep(file, _evaluated(engine, settings))
        bench.listener(stage, 1, 1)
    scores: Scores = json.loads(file.read_text(encoding="utf-8"))
    return scores


def _evaluated(engine: Any, settings: WholeSettings) -> Scores:
    """Ask lm-eval, through its own wrapper of a loaded transformers model, with the model's chat template."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from recusa.models.causal import load_causal

    loaded = load_causal(**engine.trainable(), adapter=engine.adapter)
    found = lm_eval.simple_evaluate(
        model=HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=8),
        tasks=list(settings.tasks),
        limit=settings.task_limit,
        task_manager=TaskManager(include_path=str(settings.task_folder) if settings.task_folder else None),
        apply_chat_template=True,
        log_samples=False,
        bootstrap_iters=1000,
        random_seed=0,
        numpy_random_seed=0,
        torch_random_seed=0,
        fewshot_random_seed=0,
    )
    counts = found.get("n-samples", {})
    return {
        task: {
            "version": str(found.get("versions", {}).get(task, "")),
            "n": counts.get(task, {}).get("effective"),
            "metrics": {key: value for key, value in metrics.items() if isinstance(value, int | float)},
        }
        for task, metrics in found["results"].items()
    }


def _scores(before: Scores, after: Scores) -> Iterator[TaskScore]:
    """Metrics that both have; lm-eval files a metric as `name,filter` and its error as `name_stderr,filter`."""
    for task, first in before.items():
        own, others = first["metrics"], after.get(task, {}).get("metrics", {})
        for key in own:
            metric, _, rule = key.partition(",")
            if metric.endswith("_stderr") or not rule or key not in others:
                continue
            error = f"{metric}_stderr,{rule}"
            yield TaskScore(
                task=task,
                metric=metric if rule == "none" else f"{metric} ({rule})",
                version=first["version"],
                n=first["n"],
                before=own[key],
                after=others[key],
                before_error=_number(own, error),
                after_error=_number(others, error),
            )


def _number(metrics: Mapping[str, Any], key: str) -> float | None:
    value = metrics.get(key)
    return float(value) if isinstance(value, int | float) else None
