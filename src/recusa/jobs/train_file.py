"""`recusa train`: an adapter folder from prompt files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recusa.errors import ConfigError, StoreError
from recusa.jobs.answer_file import CHUNK, builtin_training, check_writable
from recusa.jobs.prompts import file_or_hub
from recusa.jobs.train import MANIFEST, Adapter, ensure_adapter
from recusa.judges import DEFAULT
from recusa.protocols import Listener
from recusa.registry import Spec, build, spec_of
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
    strict: bool = False,
    judge: Spec = DEFAULT,
) -> Adapter:
    """Train an adapter into `out`, whole or not at all; raises InputError, TrainingError or ConfigError first.

    Recipes that teach a contrast also get the prompts that come with recusa, unless told not to. With `strict`, a row
    that would be left out is an InputError.
    """
    check_folder(out, MANIFEST, "adapter folder")
    prompts: list[Prompt] = list(file_or_hub(harmful, kind="harmful").prompts())
    if benign is not None:
        prompts += file_or_hub(benign, kind="benign").prompts()
    made: Any = build("engines", engine)
    learnt: Any = build("recipes", spec_of("recipes", recipe) if isinstance(recipe, str) else recipe)
    if builtin and getattr(learnt, "contrasts", True):
        prompts += packaged_prompts(prompts)
    merged, _ = merge_repeated(prompts)
    with Store(workspace) as store:
        adapter = ensure_adapter(
            learnt,
            made,
            merged,
            build("judges", judge),
            chunk=CHUNK,
            store=store,
            listener=listener,
            name=out.name,
            strict=strict,
        )
    copied(adapter.folder, out)
    return adapter


def packaged_prompts(given: Sequence[Prompt]) -> list[Prompt]:
    """The built-in training prompts and the contrast prompts in the languages of the prompts given, without these.

    Harmful ones are among them with their refusals: a harmless twin teaches where the line is only beside its other.
    """
    spoken, known = {prompt.language for prompt in given}, {prompt.id for prompt in given}
    packaged = [*builtin_training().training, *build("sources", "contrast").prompts()]
    return [prompt for prompt in packaged if prompt.language in spoken and prompt.id not in known]


def check_folder(out: Path, mark: str, what: str) -> None:
    """Raise ConfigError unless `out` can be written and is new, empty, or a folder with the file `mark`; makes none."""
    if out.is_file():
        raise ConfigError(f"`{out}` is a file", "name a new folder with --out")
    check_writable(out.parent / f"{out.name}.part")
    if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
        raise ConfigError(f"`{out}` exists and is no {what}", "name a new folder with --out")


def copied(folder: Path, out: Path) -> None:
    """Copy a folder, without locks and checkpoints, in the place of `out`: whole, or not at all with a StoreError."""
    draft = out.with_name(f"{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(folder, draft, ignore=shutil.ignore_patterns(".lock", "checkpoints", "checks"))
    except (OSError, shutil.Error) as error:
        shutil.rmtree(draft, ignore_errors=True)
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error  # it lists (source, target, why)
        raise StoreError(
            f"`{out}` could not be written: {str(first)[:160]}",
            f"make room or name another folder, then run the same command: what was made is kept in {folder}",
        ) from None
    moved_in(draft, out)


def moved_in(draft: Path, out: Path) -> None:
    """Put a finished folder where `out` is; the old one goes last, so that one of the two is always whole."""
    old = out.with_name(f"{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    draft.rename(out)
    shutil.rmtree(old, ignore_errors=True)
