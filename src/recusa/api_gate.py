"""The part of the Python API that decides: the gate, and what a number of prompts can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recusa.gating import Gate, GateSettings
from recusa.judges import DEFAULT
from recusa.protocols import Listener, silent
from recusa.registry import Spec
from recusa.types import Sampling

if TYPE_CHECKING:
    from recusa.jobs.power import Showing


def gate(
    baseline: str,
    candidate: str,
    *,
    settings: GateSettings | None = None,
    judge: Spec = DEFAULT,
    kind: str | None = None,
    prompts: Path | str | None = None,
    prompt_column: str = "prompt",
    languages: Sequence[str] = ("en",),
    engine: str = "hf",
    sampling: Sampling | None = None,
    limit: int | None = None,
    out: Path | str | None = None,
    junit: Path | str | None = None,
    markdown: Path | str | None = None,
    language: str = "en",
    workspace: Path | str = ".recusa",
    listener: Listener = silent,
) -> Gate:
    """Decide whether a candidate may replace a baseline: `pass`, `fail` or `not enough evidence` (`.verdict`).

    Each side is an answer file, RUN:ARM, MODEL or MODEL+ADAPTER; models are asked with `engine`. `out`, `junit` and
    `markdown` get the result, the latter two in `language` (`en` or `pt-BR`). Raises ConfigError, InputError or
    ModelError before anything is asked.
    """
    from recusa.jobs.answer_file import check_writable
    from recusa.jobs.gate import Asking, decide
    from recusa.jobs.sides import parse_side
    from recusa.report import gate as written
    from recusa.report.languages import locale_of

    locale = locale_of(language)
    files = {name: Path(file) for name, file in (("out", out), ("junit", junit), ("markdown", markdown)) if file}
    sides = parse_side(baseline), parse_side(candidate)
    for file in files.values():
        check_writable(file, [Path(side) for side in (baseline, candidate)])
    asking = Asking(
        engine, Path(prompts) if prompts else None, prompt_column, tuple(languages), limit, sampling or Sampling()
    )
    found = decide(*sides, settings or GateSettings(), judge, asking, Path(workspace), listener, kind=kind)
    texts: dict[str, Callable[[], str]] = {
        "out": found.text,
        "junit": lambda: written.junit(found, locale),
        "markdown": lambda: written.markdown(found, locale),
    }
    for name, file in files.items():
        draft = file.with_name(f"{file.name}.part")
        draft.write_text(texts[name](), encoding="utf-8")
        draft.replace(file)
    return found


def power(
    *,
    pairs: int | None = None,
    change: float | None = None,
    back: float | None = None,
    alpha: float = 0.05,
    wanted: float = 0.8,
    comparisons: int = 1,
) -> Showing:
    """The smallest change (a share) that so many pairs show, or the pairs needed for a change; give one of the two.

    `back` is the share of pairs that moves the other way (None: both none and 5 %). Raises ConfigError.
    """
    from recusa.jobs.power import showing

    return showing(pairs=pairs, change=change, back=back, alpha=alpha, wanted=wanted, comparisons=comparisons)
