"""`recusa whole`: one adapter against its base."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recusa.errors import ConfigError
from recusa.jobs.answer_file import CHUNK, check_writable
from recusa.jobs.arms import engine_with
from recusa.jobs.prompts import builtin_test, file_or_hub
from recusa.jobs.tasks import check_tasks
from recusa.jobs.whole import Bench, measurable, wholeness
from recusa.models.causal import check_adapter
from recusa.protocols import Listener
from recusa.registry import Spec
from recusa.store import Store
from recusa.types import Prompt, Sampling
from recusa.wholeness import Wholeness, WholeSettings


def whole_file(
    engine: Spec,
    adapter: str,
    out: Path | None,
    workspace: Path,
    listener: Listener,
    *,
    prompts: Path | None = None,
    languages: Sequence[str] = ("en",),
    sampling: Sampling | None = None,
    settings: WholeSettings | None = None,
    alpha: float = 0.05,
) -> Wholeness:
    """Measure an adapter against its base and write the result as JSON; what was answered before is read.

    Without `prompts`, the benign test half of the built-in ones in `languages`. Raises ConfigError, InputError or
    ModelError before anything is computed.
    """
    chosen = settings or WholeSettings()
    if out is not None:
        check_writable(out, [prompts] if prompts is not None else [])
    check_tasks(chosen)
    tuned: Any = engine_with(engine, adapter, "engine")
    if not measurable(tuned):
        raise ConfigError(
            f"engine `{tuned.name}` holds no weights to compare", "measure with engine `hf`, where the base is at hand"
        )
    check_adapter(adapter)
    asked = (
        _read(prompts)
        if prompts is not None
        else [prompt for prompt in builtin_test(languages) if prompt.kind == "benign"]
    )
    with Store(workspace) as store:
        bench = Bench(
            store=store,
            listener=listener,
            chunk=CHUNK,
            sampling=sampling or Sampling(),
            settings=chosen,
            alpha=alpha,
        )
        found = wholeness(Path(adapter).name, tuned, asked, bench)
    if out is not None:
        draft = out.with_name(f"{out.name}.part")
        draft.write_text(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(out)
    return found


def _read(prompts: Path) -> list[Prompt]:
    """The benign prompts of a file, each once; rows that say no kind are benign."""
    asked = {prompt.id: prompt for prompt in file_or_hub(prompts, kind="benign").prompts() if prompt.kind == "benign"}
    if not asked:
        raise ConfigError(f"`{prompts}` holds no benign prompt", "give harmless prompts, or leave --prompts out")
    return list(asked.values())
