"""The public names, and what importing them costs."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import recusa

HEAVY = {"torch", "transformers", "numpy", "scipy"}
LISTED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, away from the working folder."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=Path(sys.prefix), env=os.environ
    )


def imported(report: str) -> set[str]:
    """The top-level packages in what `-X importtime` writes."""
    lines = (line for line in report.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_names_are_sorted_and_complete() -> None:
    """The list is what the documentation promises."""
    promised = "answer audit calibrate compare explain export gate judge label power run sweep train whole write_report"
    assert recusa.__all__ == promised.split()
    assert sorted(recusa.__all__) == recusa.__all__


def test_no_name_is_also_a_module() -> None:
    """Importing a submodule puts it in place of the function of its name: `recusa.report()` would fail after a run."""
    modules = {path.stem for path in Path(recusa.__file__).parent.iterdir()}
    assert {"api", "types"} <= modules
    assert set(recusa.__all__) & modules == set()


@pytest.mark.parametrize("name", recusa.__all__)
def test_name_is_importable_and_documented(name: str) -> None:
    """Each is a function with a sentence and typed parameters."""
    function = getattr(recusa, name)
    signature = inspect.signature(function)
    assert (inspect.getdoc(function) or "").splitlines()[0].rstrip().endswith((".", ";"))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_unknown_name_is_an_attribute_error() -> None:
    """The lazy package behaves like any other."""
    with pytest.raises(AttributeError, match="no attribute 'sing'"):
        _ = recusa.sing


def test_importing_the_package_is_free() -> None:
    """`import recusa` loads none of the heavy packages, nor any module of its own."""
    loaded = python("-c", f"import recusa; {LISTED}").stdout.split()
    assert set(loaded) & (HEAVY | {"pydantic", "typer", "rich"}) == set()
    assert "recusa" in loaded


def test_using_the_scripted_engine_loads_no_model_library() -> None:
    """A settings check of a light experiment waits for neither torch nor transformers."""
    text = "from recusa.config import parse_experiment as p; p('engine = \"scripted\"\\n[[arms]]\\nname = \"a\"', 'x');"
    loaded = python("-c", f"{text} {LISTED}").stdout.split()
    assert set(loaded) & {"torch", "transformers"} == set()
    assert "pydantic" in loaded


def test_help_is_quick() -> None:
    """`python -m recusa --help` imports none of the heavy packages, by the interpreter's own account."""
    done = python("-X", "importtime", "-m", "recusa", "--help")
    found = imported(done.stderr)
    assert "Usage:" in done.stdout
    assert "recusa" in found and "typer" in found
    assert found & HEAVY == set()


def test_help_writes_to_stdout_only() -> None:
    """Help is data: it can be piped, and nothing else is said."""
    done = python("-m", "recusa", "--help")
    assert done.stdout.startswith("Usage:")
    assert done.stderr == ""
