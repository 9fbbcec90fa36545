"""Names, tables, entry points and components from a file."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from recusa.component import Component
from recusa.engines.scripted import Scripted
from recusa.errors import ConfigError, MissingPackage, RecusaError
from recusa.judges.expressions import Expressions
from recusa.registry import TABLES, Group, build, catalogue, component, names

EVERY = [(group, name) for group, table in TABLES.items() for name in table]
MINE = '''
"""A judge of my own."""
from __future__ import annotations
from typing import ClassVar
from pydantic import Field
from recusa.component import Component
from recusa.types import Verdict

NUMBER = 3

class MyJudge(Component):
    """Calls every answer unclear."""
    name: ClassVar[str] = "mine"
    strength: int = Field(1, ge=0, description="how much")

    def judge(self, exchanges):
        for exchange in exchanges:
            yield Verdict(exchange.key, self.name, "unclear")
'''
Offer = Callable[..., None]


JUDGES = "there are: detector, embedding, expressions, guard, rubric"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file `mine.py` in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Other packages' entry points: `offer("judges", name="module:Class")`."""
    offered: list[EntryPoint] = []

    def entry_points(*, group: str) -> Iterable[EntryPoint]:
        return [entry for entry in offered if entry.group == group]

    def more(group: str, **values: str) -> None:
        offered.extend(EntryPoint(name, value, f"recusa.{group}") for name, value in values.items())

    monkeypatch.setattr("recusa.registry.entry_points", entry_points)
    return more


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_the_name_you_type_is_the_file_you_open(group: Group, name: str) -> None:
    """Every name in a table leads to a file of that name, in the folder of its kind, with a class that says so."""
    module, _, attribute = TABLES[group][name].partition(":")
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).stem == name.replace("-", "_")
    kind = component(group, name)
    assert issubclass(kind, Component)
    assert (kind.__name__, kind.__module__, kind.name) == (attribute, module, name)


def test_the_catalogue_lists_every_component_with_a_sentence() -> None:
    """Nothing is left out, and every setting tells its default and what it is."""
    listed = catalogue()
    assert [(entry.group, entry.name) for entry in listed] == sorted(EVERY, key=lambda e: (list(TABLES).index(e[0]), e))
    for entry in listed:
        assert entry.sentence.endswith((".", "?", "!")), entry
        assert all(default and description for _, default, description in entry.settings), entry
    scripted = next(entry for entry in listed if entry.name == "scripted")
    assert ("share", "1.0", "part of the matching prompts that it refuses") in scripted.settings
    file = next(entry for entry in listed if (entry.group, entry.name) == ("sources", "file"))
    assert file.settings[-1][:2] == ("path", "required")


def test_a_component_is_built_from_a_name_settings_or_itself() -> None:
    """The three ways of saying it give equal components."""
    made = Scripted(share=0.5)
    assert build("engines", "scripted") == Scripted()
    assert build("engines", {"name": "scripted", "share": 0.5}) == made
    assert build("engines", made) is made


def test_building_leaves_the_settings_alone() -> None:
    """A mapping from an experiment file can be built twice."""
    spec = {"name": "scripted", "share": 0.5}
    assert build("engines", spec) == build("engines", spec)
    assert spec == {"name": "scripted", "share": 0.5}


@pytest.mark.parametrize(
    ("group", "spec", "message", "hint"),
    [
        ("engines", "scriptd", "here: there is no engine `scriptd`", "did you mean `scripted`?"),
        ("recipes", "zzz", "here: there is no recipe `zzz`", "there are: balanced, probe, recovery, refusal, reroute"),
        ("judges", {"where": "start"}, "here: `name` is missing", JUDGES),
        ("judges", {"name": 3}, "here: `name` is missing", JUDGES),
        ("engines", {"name": "scripted", "shar": 1}, "here.shar: there is no such setting", "did you mean `share`?"),
        (
            "engines",
            {"name": "scripted", "share": 2},
            "here.share: should be less than or equal to 1, not 2",
            "part of the matching prompts that it refuses; the default is 1.0",
        ),
        (
            "judges",
            "./absent.py:Judge",
            "here: `./absent.py:Judge` names no class in a file",
            "write ./mine.py:MyClass",
        ),
        ("judges", "mine.py", "here: `mine.py` names no class in a file", "write ./mine.py:MyClass"),
        ("judges", "./mine.py:", "here: `./mine.py:` names no class in a file", "write ./mine.py:MyClass"),
        ("judges", "./mine.py:MyJuge", "here: `./mine.py` has no class `MyJuge`", "classes: Component, MyJudge"),
        ("judges", "./mine.py:NUMBER", "here: `./mine.py` has no class `NUMBER`", "classes: Component, MyJudge"),
        ("judges", {"name": "./mine.py:MyJudge", "strenth": 1}, "here.strenth: there", "did you mean `strength`?"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_what_cannot_be_built_says_why(group: Group, spec: str | dict[str, Any], message: str, hint: str) -> None:
    """The message names the place or the name, the hint what to write instead."""
    with pytest.raises(ConfigError) as caught:
        build(group, spec, "here")
    assert caught.value.message.startswith(message)
    assert caught.value.hint == hint


@pytest.mark.parametrize("where", ["./mine.py", "mine.py", "{folder}/mine.py"], ids=["dot", "plain", "absolute"])
def test_a_judge_from_a_file_works_like_any_other(mine: Path, where: str) -> None:
    """Its settings are checked, it has a fingerprint, and building it twice gives the same identity."""
    name = where.format(folder=mine.parent) + ":MyJudge"
    made = build("judges", {"name": name, "strength": 2})
    identity = made.identity()
    assert len(identity.pop("code")) == 16, "an edited file is another judge"
    assert identity == {"name": "mine", "version": 1, "strength": 2}
    assert made.fingerprint() == build("judges", {"name": name, "strength": 2}).fingerprint()
    assert made.fingerprint() != build("judges", name).fingerprint()


@pytest.mark.parametrize(
    "content",
    ["def broken(:\n", "import absent_package_zzz\n", "class MyJudge:\n    pass\n"],
    ids=["syntax", "import", "no component"],
)
def test_a_file_that_does_not_work_is_the_users_mistake(mine: Path, content: str) -> None:
    """A file that cannot be imported, or whose class is no component, is an error in a line, not a traceback."""
    mine.write_text(content)
    with pytest.raises(RecusaError, match="mine"):
        build("judges", "./mine.py:MyJudge")


def test_another_package_adds_a_name(offer: Offer) -> None:
    """An entry point of the group is found, listed and suggested; the group of another kind is not."""
    offer("judges", strict="recusa.judges.expressions:Expressions")
    assert names("judges")["strict"] == "recusa.judges.expressions:Expressions"
    assert "strict" not in names("engines")
    assert build("judges", {"name": "strict", "where": "start"}) == Expressions(where="start")
    assert ("judges", "strict") in [(entry.group, entry.name) for entry in catalogue()]
    with pytest.raises(ConfigError) as caught:
        component("judges", "stritc")
    assert caught.value.hint == "did you mean `strict`?"


def test_another_package_cannot_replace_a_built_in_name(offer: Offer) -> None:
    """What `expressions` means does not depend on what else is installed."""
    offer("judges", expressions="recusa.engines.scripted:Scripted")
    assert component("judges", "expressions") is Expressions


def test_a_missing_package_is_named_and_listed(offer: Offer) -> None:
    """The error says what to install, and the catalogue goes on past it."""
    offer("judges", far="absent_package_zzz.judge:Judge")
    with pytest.raises(MissingPackage, match="judge `far` needs a package that is not installed: `absent_package_zzz`"):
        component("judges", "far")
    entry = next(entry for entry in catalogue() if entry.name == "far")
    assert "absent_package_zzz" in entry.sentence
    assert entry.settings == ()


def test_an_entry_point_without_its_class_is_an_error_in_a_line(offer: Offer) -> None:
    """Another package's mistake names the component, not an attribute of a module."""
    offer("judges", wrong="recusa.judges.expressions:Absent")
    with pytest.raises(RecusaError, match="wrong"):
        component("judges", "wrong")


def test_cosmetic_settings_are_no_part_of_a_fingerprint() -> None:
    """What changes speed only gives the same fingerprint; what changes answers another."""
    assert Scripted(seconds=1).fingerprint() == Scripted().fingerprint() != Scripted(share=0.5).fingerprint()
