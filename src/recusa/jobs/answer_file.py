"""`recusa answer`: each row of a prompt file back with its answer."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recusa.config import SplitSettings
from recusa.errors import ConfigError, InputError
from recusa.jobs.answer import Answering
from recusa.jobs.arms import chats_for, check_attacks, defended, engine_with, given
from recusa.jobs.keeping import Keeping
from recusa.jobs.prompts import file_or_hub
from recusa.protocols import Given, Listener
from recusa.registry import Spec, build, spec_of
from recusa.sources.rows import to_prompt
from recusa.split import divide
from recusa.store import Store
from recusa.types import Answer, Failure, Prompt, Sampling

CHUNK = 128


def answer_file(
    engine: Spec,
    prompts: Path,
    out: Path,
    workspace: Path,
    listener: Listener,
    *,
    adapter: str | None = None,
    defence: str | None = None,
    attack: str = "direct",
    system: str | None = None,
    prompt_column: str = "prompt",
    sampling: Sampling | None = None,
    limit: int | None = None,
) -> Counter[str]:
    """Answer a file; rows keep their order and columns. Returns counts of `answered` and `failed` rows.

    Raises InputError naming the row before anything is loaded; finished chunks are kept in the workspace.
    """
    check_writable(out, [prompts])
    # 1. rows and prompts; repeated prompts are asked once
    source = file_or_hub(prompts, prompt_column=prompt_column, kind="harmful")
    rows: list[tuple[Mapping[str, Any], Prompt]] = []
    for number, row in enumerate(source.rows(), start=1):
        rows.append((row, to_prompt(row, source, str(prompts), number)))
        if number == limit:
            break
    if not rows:
        raise InputError("holds no rows", file=prompts, hint="each row is one prompt")
    distinct = list({prompt.id: prompt for _, prompt in rows}.values())
    if len(distinct) < len(rows):
        listener("answer", 0, 0, f"{len(rows) - len(distinct)} of {len(rows)} rows repeat a prompt and are asked once")
    # 2. the arm
    lent = builtin_training()
    spec = spec_of("defences", defence) if defence is not None else None
    if spec is not None:
        build("defences", spec).check(distinct, lent)
    bare = engine_with(engine, adapter, "engine")
    asking = (spec_of("attacks", attack),)
    check_attacks(bare, asking, "engine")
    # 3. answers, finished chunks skipped
    with Store(workspace) as store, Keeping(store, again=True) as keeping:
        made = defended(bare, spec, keeping.lent(lent), "defence")
        chats = chats_for(distinct, "", asking, system, every=True)
        answering = Answering(made, chats, sampling or Sampling(), CHUNK, store, keeping)
        answering.finish(listener, "answer", again=True)  # rows that failed before are asked again
        results = {result.key.prompt_id: result for result in answering.results("")}
    # 4. every row back, in its place
    write_rows(
        out, [{**_without(row, "error", "prefill"), **_columns(prompt, results[prompt.id])} for row, prompt in rows]
    )
    return Counter("answered" if isinstance(results[p.id], Answer) else "failed" for _, p in rows)


def _columns(prompt: Prompt, result: Answer | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {
            "prompt_id": prompt.id, "response": None, "finish_reason": None, "answer_tokens": None,
            "error": f"{result.error}: {result.detail}".rstrip(": "),
        }  # fmt: skip
    return {
        "prompt_id": prompt.id, **({"prefill": result.prefill} if result.prefill else {}), "response": result.text,
        "finish_reason": result.stop, "answer_tokens": result.answer_tokens,
    }  # fmt: skip


def _without(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in columns}


def check_writable(out: Path, inputs: Sequence[Path] = ()) -> None:
    """Raise ConfigError before anything is computed when a file could not be written, or is one of the inputs."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"`{out}` cannot be written: {error.strerror}", "name another file with --out") from None
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        what = "is a folder" if out.is_dir() else "is in a folder that cannot be written"
        raise ConfigError(f"`{out}` {what}", "name a file to write with --out")
    if out.exists() and not out.is_file():
        raise ConfigError(f"`{out}` is no file that could be written", "name another file with --out")
    if any(path.exists() and out.exists() and path.samefile(out) for path in inputs):
        raise ConfigError(
            f"`{out}` is what would be read", "name another file with --out: an input is never overwritten"
        )


def write_rows(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write JSONL whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f"{out.name}.part")
    with draft.open(
        "w", encoding="utf-8", errors="backslashreplace"
    ) as lines:  # half a surrogate pair becomes JSON's \\udXXX
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    draft.replace(out)


def builtin_training() -> Given:
    """What a defence is lent outside an experiment: the training half of the built-in prompts."""
    split = SplitSettings()
    divided = divide(list(build("sources", "builtin").prompts()), {}, test_share=split.test, seed=split.seed)
    return given(divided.train)
