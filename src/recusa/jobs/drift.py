"""How far a tuned model's distributions are from its base's: computed in chunks, each kept the moment it ends."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recusa.component import digest
from recusa.jobs.arms import chats_for
from recusa.jobs.whole_numbers import groups_of
from recusa.models.steering import is_steering
from recusa.stats import ratio_interval
from recusa.store import make_folder
from recusa.types import Answer, Prompt
from recusa.wholeness import Drift

if TYPE_CHECKING:
    from recusa.jobs.whole import Bench
    from recusa.models.causal import Loaded
    from recusa.models.drift import Both, Forced
    from recusa.models.template import Row

VERSION = 2  # raised when the same rows would give other sums
FOLDER = "whole"
STEERED = "a steering probe changes how answers begin, by rule; it leaves the distributions as they are"
NO_ROWS = "no benign prompt was answered by both models"


def drift_of(
    name: str, tuned: Any, answered: Sequence[tuple[Prompt, Answer]], bench: Bench
) -> tuple[Drift | None, str, float]:
    """The drift on the base's answers, or why there is none, and the seconds it took when it was computed."""
    if is_steering(tuned.adapter):
        return None, STEERED, 0.0
    if not answered:
        return None, NO_ROWS, 0.0
    chunks = [answered[at : at + bench.chunk] for at in range(0, len(answered), bench.chunk)]
    files = [_file(tuned, chunk, bench.store.workspace) for chunk in chunks]
    missing = [place for place, file in enumerate(files) if not file.is_file()]
    stage = f"whole {name}: drift"
    bench.listener(stage, len(files) - len(missing), len(files))
    both = _both(tuned) if missing else None
    for place in missing:
        assert both is not None
        start = time.perf_counter()
        sums = _sums(both, chunks[place])
        keep(files[place], {"seconds": time.perf_counter() - start, "rows": sums})
        bench.listener(stage, sum(file.is_file() for file in files), len(files))
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    rows = [row for one in found for row in one["rows"]]
    kept = [(prompt, row) for (prompt, _), row in zip(answered, rows, strict=True) if row is not None]
    drift = summed(kept, bench.alpha) if kept else None
    return drift, "" if drift else NO_ROWS, sum(one["seconds"] for one in found)


def summed(rows: Sequence[tuple[Prompt, Sequence[float]]], alpha: float) -> Drift:
    """The means over all tokens of the answers, with intervals over groups of prompts."""
    sizes, divergences, before, after = ([float(row[at]) for _, row in rows] for at in range(4))
    groups = groups_of([prompt for prompt, _ in rows])
    tokens = sum(sizes)
    kl = ratio_interval(divergences, sizes, groups, alpha)
    surprise = [b - a for a, b in zip(before, after, strict=True)]
    ratio = ratio_interval(surprise, sizes, groups, alpha)
    return Drift(
        rows=len(rows),
        tokens=int(tokens),
        kl=sum(divergences) / tokens,
        kl_low=kl.low if kl else None,
        kl_high=kl.high if kl else None,
        before=math.exp(sum(before) / tokens),
        after=math.exp(sum(after) / tokens),
        ratio=math.exp(sum(surprise) / tokens),
        ratio_low=math.exp(ratio.low) if ratio else None,
        ratio_high=math.exp(ratio.high) if ratio else None,
    )


def keep(file: Path, content: object) -> None:
    """Write JSON whole or not at all."""
    make_folder(file.parent, "--workspace")
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(file)


def _file(tuned: Any, chunk: Sequence[tuple[Prompt, Answer]], workspace: Path) -> Path:
    """Where a chunk's sums are kept: named by all they depend on."""
    rows = [[prompt.text, answer.text, answer.stop] for prompt, answer in chunk]
    return workspace / FOLDER / f"{digest([VERSION, tuned.identity(), rows])}.json"


def _both(tuned: Any) -> Both:
    """The model with its adapter beside the weights, so that it can be switched off."""
    from recusa.models.causal import load_causal
    from recusa.models.drift import Both

    return Both(load_causal(**tuned.trainable(), adapter=tuned.adapter, merge=False))


def _sums(both: Both, chunk: Sequence[tuple[Prompt, Answer]]) -> list[Forced | None]:
    """Sums of every answer that fits the context; None for one that does not."""
    rows = [_row(both.loaded, prompt, answer) for prompt, answer in chunk]
    fitting = [row for row in rows if row is not None]
    sums = iter(both.drift(fitting))
    return [None if row is None else next(sums) for row in rows]


def _row(loaded: Loaded, prompt: Prompt, answer: Answer) -> Row | None:
    """The base's answer as it would be trained: with its end, where the answer came to one."""
    from recusa.models.template import training_row

    (chat,) = chats_for([prompt], "")
    row = training_row(loaded.tokenizer, chat, answer.text, loaded.ends)
    ids = row.ids if answer.stop == "end" or row.ids[-1] not in loaded.ends else row.ids[:-1]
    return row._replace(ids=ids) if row.start < len(ids) <= loaded.longest else None
