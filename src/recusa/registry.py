"""From names to components: the tables of each package, entry points of other packages, and `./mine.py:Class`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from recusa.attacks import ATTACKS
from recusa.component import Component
from recusa.defences import DEFENCES, OPERATORS, SELECTORS
from recusa.engines import ENGINES
from recusa.errors import ConfigError, MissingPackage
from recusa.judges import JUDGES
from recusa.sources import SOURCES
from recusa.training import RECIPES

Group = Literal["sources", "engines", "defences", "operators", "selectors", "attacks", "judges", "recipes"]
TABLES: dict[Group, dict[str, str]] = {
    "sources": SOURCES,
    "engines": ENGINES,
    "defences": DEFENCES,
    "operators": OPERATORS,
    "selectors": SELECTORS,
    "attacks": ATTACKS,
    "judges": JUDGES,
    "recipes": RECIPES,
}
METHODS: dict[Group, str] = {
    "sources": "prompts",
    "engines": "answer",
    "defences": "around",
    "operators": "vary",
    "selectors": "scores",
    "attacks": "rewrite",
    "judges": "judge",
    "recipes": "examples",
}
Spec = str | dict[str, Any]


def names(group: Group) -> dict[str, str]:
    """Name -> `module:Class` of a group, other packages' entry points (`recusa.GROUP`) included."""
    others = {entry.name: entry.value for entry in entry_points(group=f"recusa.{group}")}
    return {**others, **TABLES[group]}


def component(group: Group, name: str) -> type[Any]:
    """The class behind a name; raises ConfigError with the nearest name, MissingPackage when its import fails."""
    if name.endswith(".py") or ".py:" in name:
        return _from_file(name)
    table = TABLES[group] if name in TABLES[group] else names(group)  # entry points take milliseconds to look up
    if name not in table:
        near = get_close_matches(name, table, 1)
        raise ConfigError(
            f"there is no {group.removesuffix('s')} `{name}`",
            f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(table))}",
        )
    module, _, attribute = table[name].partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
    except AttributeError:
        raise ConfigError(
            f"{group.removesuffix('s')} `{name}` is offered as {table[name]}, which is not there",
            "update or remove the package that offers it",
        ) from None
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"{group.removesuffix('s')} `{name}` needs a package that is not installed: `{error.name}`",
            "pip install 'recusa[local]'",
        ) from None


def build(group: Group, spec: Spec | Component, where: str = "") -> Any:
    """A component from a name or from settings with a `name`; raises ConfigError naming the setting.

    `where` is the place in the experiment file, for the message.
    """
    if isinstance(spec, Component):
        return spec
    settings = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = settings.pop("name", None)
    place = where or group
    if not isinstance(name, str):
        raise ConfigError(f"{place}: `name` is missing", f"there are: {', '.join(sorted(names(group)))}")
    try:
        kind = component(group, name)
        if not hasattr(kind, METHODS[group]):
            raise ConfigError(
                f"`{name}` is no {group.removesuffix('s')}: it has no method `{METHODS[group]}`", "see protocols.py"
            )
        made = kind(**settings)
        if hasattr(made, "lend"):  # a component that holds others, and may not import them
            made.lend(build)
        return made
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", error.hint) from None
    except ValidationError as error:
        raise ConfigError(*explained(error, kind, place)) from None


def label_of(made: Any) -> str:
    """What rows of an attack or a judge are filed under: its name, or a label that tells its settings apart."""
    return str(getattr(made, "label", made.name))


def spec_of(group: Group, said: str) -> Spec:
    """A component from the command line: a name, `name:value` for the setting it calls brief, or a TOML file.

    Raises ConfigError when the file cannot be read or the component has no such setting.
    """
    if said.endswith(".toml"):
        try:
            return tomllib.loads(Path(said).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{group.removesuffix('s')} file `{said}` cannot be read: {error}",
                f'write name = "{next(iter(TABLES[group]))}" and its settings',
            ) from None
    name, colon, value = said.partition(":")
    if not colon or ".py:" in said:
        return said
    brief = getattr(component(group, name), "brief", None)
    if brief is None:
        raise ConfigError(
            f"{group.removesuffix('s')} `{name}` takes no value after a colon", "write its settings into a TOML file"
        )
    return {"name": name, brief: int(value) if value.isdecimal() else value}


def explained(error: ValidationError, model: type[Any], place: str) -> tuple[str, str]:
    """One line and a hint for pydantic's first complaint; a misspelt key gets the nearest name."""
    first = error.errors()[0]
    named = [str(part) for part in first["loc"] if str(part) != "str" and "[" not in str(part)]  # not a union's types
    *path, key = named or [""]
    dotted = ".".join(filter(None, (*path, key)))
    dotted = (": " if place.endswith(".toml") else ".").join(filter(None, (place, dotted)))
    if first["type"] == "extra_forbidden":
        known = _fields(model, path)
        near = get_close_matches(key, known, 1, 0.5)
        return f"{dotted}: there is no such setting", (
            f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known) or 'none'}"
        )
    if first["type"] == "missing":
        return f"{dotted}: is missing", "see `recusa list` for what each component needs"
    message = first["msg"].removeprefix("Value error, ")
    field = _fields(model, path).get(key)
    if message.startswith("Input should "):
        message = f"{message.replace('Input should', 'should', 1)}, not {first['input']!r:.60}"
    return f"{dotted}: {message}", _meaning(field) if field else ""


def _meaning(field: FieldInfo) -> str:
    if not field.description or field.is_required():
        return field.description or ""
    return f"{field.description}; the default is {field.get_default(call_default_factory=True)!r}"


class Entry(NamedTuple):
    """A component as `recusa list` shows it; settings are (name, default, description)."""

    group: str
    name: str
    sentence: str
    settings: tuple[tuple[str, str, str], ...]


def catalogue(only: str | None = None) -> list[Entry]:
    """Every component of a group, or of all, with its settings; one whose package is not installed says so.

    Raises ConfigError when there is no such group.
    """
    if only is not None and only not in TABLES:
        raise ConfigError(f"there is no group `{only}`", f"there are: {', '.join(TABLES)}")
    found = []
    for group in [name for name in TABLES if only in (None, name)]:
        for name in sorted(names(group)):
            try:
                kind = component(group, name)
            except MissingPackage as error:
                found.append(Entry(group, name, error.message, ()))
                continue
            sentence = (kind.__doc__ or "").strip().splitlines()[0]
            settings = tuple(
                (
                    field,
                    "required" if info.is_required() else repr(info.get_default(call_default_factory=True)),
                    info.description or "",
                )
                for field, info in kind.model_fields.items()
            )
            found.append(Entry(group, name, sentence, settings))
    return found


def _fields(model: type[Any], path: list[str]) -> dict[str, FieldInfo]:
    for part in path:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        inner = [a for a in _arguments(field.annotation) if hasattr(a, "model_fields")] if field else []
        model = inner[0] if inner else model
    return dict(getattr(model, "model_fields", {}))


def _arguments(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _arguments(argument)


def _from_file(name: str) -> type[Any]:
    file, _, attribute = name.rpartition(":")
    path = Path(file)
    if not path.is_file() or not attribute:
        raise ConfigError(f"`{name}` names no class in a file", "write ./mine.py:MyClass")
    module_name = f"recusa_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"`{file}` cannot be imported", "give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises is the user's to see in one line
        raise ConfigError(
            f"`{file}` cannot be imported: {type(error).__name__}: {error}", "run it with python to see the whole error"
        ) from None
    found = getattr(module, attribute, None)
    if isinstance(found, type) and not issubclass(found, Component):
        raise ConfigError(f"`{file}`: `{attribute}` is no component", "derive it from recusa.component.Component")
    if not isinstance(found, type):
        raise ConfigError(f"`{file}` has no class `{attribute}`", f"classes: {', '.join(_classes(module.__dict__))}")
    kind: type[Component] = found
    kind.code = sha256(path.read_bytes()).hexdigest()[:16]
    return kind


def _classes(names: Mapping[str, object]) -> list[str]:
    return [name for name, value in names.items() if isinstance(value, type) and issubclass(value, Component)]
