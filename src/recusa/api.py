"""The Python API: what each command does, as a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recusa.api_gate import gate, power
from recusa.api_judging import calibrate, compare, explain, judge, label
from recusa.config import Experiment, load_experiment
from recusa.models.encoders import Encoder
from recusa.near import SIMILAR, SURE, Method, Search
from recusa.protocols import Listener, silent
from recusa.registry import Spec
from recusa.results import Results
from recusa.types import Kind, Sampling
from recusa.wholeness import Wholeness, WholeSettings

if TYPE_CHECKING:
    from recusa.jobs.audit import Leakage
    from recusa.jobs.export_card import Sample
    from recusa.jobs.train import Adapter

WORKSPACE = Path(".recusa")
__all__ = [
    "answer", "audit", "calibrate", "compare", "explain", "export", "gate", "judge", "label", "power", "run", "sweep",
    "train", "whole", "write_report",
]  # fmt: skip


def run(
    experiment: Experiment | Path | str | None = None,
    *,
    out: Path | str | None = None,
    workspace: Path | str = WORKSPACE,
    limit: int | None = None,
    retry_failed: bool = False,
    language: str = "en",
    listener: Listener = silent,
) -> Results:
    """Run an experiment, or what is left of it; results, report and pictures go into `out` (default `runs/NAME`).

    `language` is the report's: `en` or `pt-BR`. Raises RecusaError for a user's mistake; TooManyFailures after
    everything was written.
    """
    from recusa import report
    from recusa.errors import TooManyFailures
    from recusa.jobs.conclude import too_many_failed
    from recusa.jobs.run import run_experiment
    from recusa.report.languages import locale_of

    locale_of(language)  # before hours are spent
    asked = (
        experiment if isinstance(experiment, Experiment) else load_experiment(Path(experiment) if experiment else None)
    )
    asked = asked if limit is None else asked.model_copy(update={"limit": limit})
    folder = Path(out) if out is not None else Path("runs") / asked.name
    results = run_experiment(asked, folder, Path(workspace), listener, retry_failed=retry_failed)
    if not report.is_current(folder, language):
        write_report(folder, language=language)
    problem = too_many_failed(asked, results)
    if problem is not None:
        raise TooManyFailures(
            problem, f"see {folder / 'answers.jsonl'} for the errors; `--retry-failed` asks those rows again"
        )
    return results


def sweep(
    experiment: Experiment | Path | str,
    *,
    out: Path | str | None = None,
    workspace: Path | str = WORKSPACE,
    limit: int | None = None,
    retry_failed: bool = False,
    language: str = "en",
    listener: Listener = silent,
) -> Results:
    """Run an experiment as a sweep: its results have a `frontier`, also written as `sweep.json` and `sweep.csv`.

    `language` is the report's. An arm that fails is shown as failed, with its reason. Raises as `run` does;
    TooManyFailures when no arm but the baseline stands.
    """
    from recusa.errors import TooManyFailures
    from recusa.jobs.sweep import as_sweep, write_sweep
    from recusa.results import load_results

    asked = as_sweep(experiment if isinstance(experiment, Experiment) else load_experiment(Path(experiment)))
    folder = Path(out) if out is not None else Path("runs") / asked.name
    try:
        results = run(
            asked, out=folder, workspace=workspace, limit=limit, retry_failed=retry_failed, language=language,
            listener=listener,
        )  # fmt: skip
    except TooManyFailures:
        write_sweep(load_results(folder), folder)
        raise
    write_sweep(results, folder)
    return results


def write_report(
    folder: Path | str,
    *,
    language: str = "en",
    format: str = "html",
    redact: bool = False,
    out: Path | str | None = None,
) -> Path:
    """Write the report of a run's folder again, into it or into `out`; returns the file.

    `language` is `en` or `pt-BR`; `format` is `html` (a page, with `figures/`), `md`, `json`, `csv` or `junit`. With
    `redact`, every answer to a harmful prompt is left out. Raises InputError, or ConfigError for another language or
    format.
    """
    from recusa import report

    where = Path(out) if out is not None else None
    return report.write_report(Path(folder), language=language, format=format, redact=redact, out=where)


def answer(
    prompts: Path | str,
    out: Path | str,
    *,
    engine: Spec = "hf",
    adapter: str | None = None,
    defence: str | None = None,
    attack: str = "direct",
    system: str | None = None,
    prompt_column: str = "prompt",
    sampling: Sampling | None = None,
    limit: int | None = None,
    workspace: Path | str = WORKSPACE,
    listener: Listener = silent,
) -> Counter[str]:
    """Answer every row of a prompt file into a JSONL file; returns how many rows were `answered` and `failed`.

    Raises InputError naming file, row and column before a model is loaded.
    """
    from recusa.jobs.answer_file import answer_file

    return answer_file(
        engine,
        Path(prompts),
        Path(out),
        Path(workspace),
        listener,
        adapter=adapter,
        defence=defence,
        attack=attack,
        system=system,
        prompt_column=prompt_column,
        sampling=sampling,
        limit=limit,
    )


def train(
    harmful: Path | str,
    out: Path | str,
    *,
    benign: Path | str | None = None,
    engine: Spec = "hf",
    recipe: Spec = "balanced",
    builtin: bool = True,
    strict: bool = False,
    workspace: Path | str = WORKSPACE,
    listener: Listener = silent,
) -> Adapter:
    """Train a LoRA adapter into `out`; harmful rows need `chosen`, benign rows are answered by the model itself.

    Rows that would teach the opposite are left out and listed in `left_out.jsonl`; with `strict` they raise InputError.
    Raises InputError or TrainingError before the first step.
    """
    from recusa.jobs.train_file import train_file

    return train_file(
        engine,
        Path(harmful),
        Path(out),
        Path(workspace),
        listener,
        benign=Path(benign) if benign is not None else None,
        recipe=recipe,
        builtin=builtin,
        strict=strict,
    )


def export(
    adapter: Path | str,
    out: Path | str,
    *,
    model: str = "smollm2-135m",
    dtype: Literal["float32", "bfloat16"] = "float32",
    prompts: Path | str | None = None,
    sample: int = 24,
    tokens: int = 64,
    results: Path | str | None = None,
    listener: Listener = silent,
) -> Sample:
    """Merge an adapter into its base and save it, if it answers as the adapter does; returns the comparison.

    `results` is the folder of a run whose figures go on the card. Raises ModelError where answers differ in float32,
    and leaves nothing then.
    """
    from recusa.jobs.export import export_model

    return export_model(
        model,
        Path(adapter),
        Path(out),
        listener,
        dtype=dtype,
        prompts=Path(prompts) if prompts is not None else None,
        results=Path(results) if results is not None else None,
        sample=sample,
        tokens=tokens,
    )


def whole(
    adapter: Path | str,
    *,
    engine: Spec = "hf",
    prompts: Path | str | None = None,
    languages: Sequence[str] = ("en",),
    sampling: Sampling | None = None,
    settings: WholeSettings | None = None,
    out: Path | str | None = None,
    alpha: float = 0.05,
    workspace: Path | str = WORKSPACE,
    listener: Listener = silent,
) -> Wholeness:
    """Compare an adapter with its own base: exact answers, KL divergence, perplexity, length, broken output.

    Without `prompts`, on the built-in benign prompts that training leaves alone, in `languages`; `out` gets the result
    as JSON. Raises ConfigError, InputError, ModelError or MissingPackage before anything is computed.
    """
    from recusa.jobs.whole_file import whole_file

    return whole_file(
        engine,
        str(adapter),
        Path(out) if out is not None else None,
        Path(workspace),
        listener,
        prompts=Path(prompts) if prompts is not None else None,
        languages=languages,
        sampling=sampling,
        settings=settings,
        alpha=alpha,
    )


def audit(
    files: Sequence[Path | str],
    *,
    prompt_columns: Sequence[str] = ("prompt",),
    kind: Kind | None = None,
    method: Method | None = None,
    encoder: Encoder | None = None,
    similar: float = SIMILAR,
    sure: float = SURE,
    out: Path | str | None = None,
    listener: Listener = silent,
) -> Leakage:
    """Find near-copies within prompt files and across them; `out` gets everything found as JSON.

    Without `method` and `encoder`, the best at hand is used. Raises InputError naming file, row and column.
    """
    from recusa.jobs.audit import audit_files, best_search

    if encoder is not None:
        search = Search(method or "meaning", encoder, similar, sure)
    else:
        search = best_search(method, similar=similar, sure=sure)
    where = Path(out) if out is not None else None
    return audit_files(
        [Path(file) for file in files], listener, columns=prompt_columns, kind=kind, search=search, out=where
    )
