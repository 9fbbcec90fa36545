"""`recusa train`: an adapter folder from prompt files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from recusa.errors import ConfigError
from recusa.jobs.answer_file import CHUNK, builtin_training, check_writable
from recusa.jobs.prompts import file_or_hub
from recusa.jobs.train import MANIFEST, Adapter, ensure_adapter
from recusa.judges import DEFAULT
from recusa.protocols import Listener
from recusa.registry import Spec, build
from recusa.split import merge_repeated
from recusa.store import Store
from recusa.types import Prompt


def train_file(
    engine: Spec,
    harmful: Path,
    out: Path,
    workspace: Path,
    listener: Listener,
    *,
    benign: Path | None = None,
    recipe: Spec = "balanced",
    builtin: bool = True,
    judge: Spec = DEFAULT,
) -> Adapter:
    """Train an adapter into `out`, whole or not at all; raises InputError, TrainingError or ConfigError first.

    Recipes that use harmless rows also get the built-in training prompts (twins, ordinary) in the languages of the
    files, unless told not to.
    """
    if out.is_file():
        raise ConfigError(f"`{out}` is a file", "name a new folder with --out")
    check_writable(out / MANIFEST)
    if any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise ConfigError(f"`{out}` exists and is no adapter folder", "name a new folder with --out")
    prompts: list[Prompt] = list(file_or_hub(harmful, kind="harmful").prompts())
    if benign is not None:
        prompts += file_or_hub(benign, kind="benign").prompts()
    if builtin:
        spoken = {prompt.language for prompt in prompts}
        known = builtin_training().training
        prompts += [prompt for prompt in known if prompt.kind != "harmful" and prompt.language in spoken]
    merged, _ = merge_repeated(prompts)
    made: Any = build("engines", engine)
    with Store(workspace) as store:
        adapter = ensure_adapter(
            build("recipes", recipe),
            made,
            merged,
            build("judges", judge),
            chunk=CHUNK,
            store=store,
            listener=listener,
            name=out.name,
        )
    _copied(adapter.folder, out)
    return adapter


def _copied(folder: Path, out: Path) -> None:
    draft = out.with_name(f"{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(folder, draft, ignore=shutil.ignore_patterns(".lock", "checkpoints"))
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)
