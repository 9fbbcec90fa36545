"""The documentation is complete, current and true where that can be tested."""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import typer.main

import recusa
from recusa import config
from recusa.cli import app

ROOT = Path(__file__).parents[1]
ENGLISH, PORTUGUESE = ROOT / "README.md", ROOT / "README.pt-BR.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READ = [page for page in PAGES if page.name != "CHANGELOG.md"]
GROUP: Any = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|\b(?:href|src|srcset)=\"([^\"\s]+)")
SHELL = {"bash", "sh", "shell", "console"}
TEXTS = {".md", ".py", ".js", ".mjs", ".toml", ".txt", ".j2", ".tsv", ".jsonl", ".json", ".css", ".svg", ".yml", ""}
PRIVATE = ("/" + "work/", "/" + "root/", "../" + "shared")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def relative(value: object) -> str:
    """How a parameter is named in a test's id."""
    page = value.page if isinstance(value, Block) else value
    return str(page.relative_to(ROOT)) if isinstance(page, Path) else str(page)


@cache
def read(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(page, found[2], found[3]) for found in FENCE.finditer(read(page))]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", read(page))


def headings(page: Path) -> list[str]:
    """The headings of a page with their marks."""
    return re.findall(r"^#{1,6} .+$", prose(page), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may name: GitHub's rule for plain headings."""
    titles = (heading.lstrip("#").strip().lower() for heading in headings(page))
    named = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", read(page))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles} | set(named)


def shell_lines(block: Block) -> list[str]:
    """The commands of a block, continued lines joined, comments and prompts left out."""
    joined = block.text.replace("\\\n", " ")
    lines = (" ".join(shlex.split(line.removeprefix("$ "), comments=True)) for line in joined.splitlines())
    return [line for line in lines if line]


def links(page: Path) -> list[str]:
    """Where a page's relative links point."""
    found = (one or other for one, other in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))))
    return [link for link in found if not re.match(r"[a-z][a-z+.-]*:|//", link)]


def problem(page: Path, link: str) -> str | None:
    """Why a relative link leads nowhere; None when it is good."""
    file, _, anchor = unquote(link).partition("#")
    target = page.parent / file if file else page
    if not target.exists():
        return f"{link}: there is no {file}"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{link}: {target.name} has no heading #{anchor}"
    return None


def generator() -> ModuleType:
    """docs/make_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_documented(command: str) -> None:
    """The reference has a section for it, the README says what it is for."""
    assert f"### recusa {command}\n" in read(ROOT / "docs" / "reference.md")
    assert re.search(rf"\brecusa {command}\b", read(ENGLISH)), f"README.md does not mention `recusa {command}`"


def test_reference_is_current() -> None:
    """A changed option, setting or result is documented in the same commit."""
    fresh = generator().page()
    assert fresh == read(ROOT / "docs" / "reference.md"), "stale: run python docs/make_reference.py"


@pytest.mark.parametrize("name", recusa.__all__)
def test_function_is_documented(name: str) -> None:
    """The Python API is part of the reference."""
    assert f"### recusa.{name}\n" in read(ROOT / "docs" / "reference.md")


def test_variables_of_the_reference_are_those_that_are_read() -> None:
    """What the package looks up in the environment is documented, and nothing else is."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    documented = set(generator().VARIABLES)
    named = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", code))
    assert {"RECUSA_CACHE", "OPENAI_BASE_URL"} <= named <= documented
    assert [variable for variable in documented if f'"{variable}"' not in code] == []


@pytest.mark.parametrize("page", READ, ids=relative)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Files and headings that a page points to exist."""
    assert [found for link in links(page) if (found := problem(page, link))] == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """The check above sees links, pictures, HTML and headings, and leaves addresses and code alone."""
    page = tmp_path / "page.md"
    page.write_text(
        '# One: two\n[a](gone.md) ![b](gone.svg) <img src="gone.png"> [c](#one-two) [d](#three)\n'
        "[e](https://example.org/x) `[f](x)`\n```text\n[g](gone)\n```\n"
    )
    broken = [found.partition(":")[0] for link in links(page) if (found := problem(page, link))]
    assert broken == ["gone.md", "gone.svg", "gone.png", "#three"]


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")), ids=relative)
def test_experiment_file_loads(path: Path) -> None:
    """What is offered to copy resolves with every component's settings."""
    experiment = config.load_experiment(path)
    assert experiment.resolved()["arms"][0]["name"] == experiment.arms[0].name


def toml_blocks() -> list[Block]:
    """Blocks that show an experiment, or a table of one."""
    parts = tuple(f"[{name}]" for name in config.Experiment.model_fields)
    return [b for page in READ for b in blocks(page) if b.language == "toml" and ("[[arms]]" in b.text
            or b.text.startswith(parts))]  # fmt: skip


@pytest.mark.parametrize("block", toml_blocks(), ids=relative)
def test_experiment_in_a_page_is_valid(block: Block) -> None:
    """A reader may copy it; a table alone gets the arm that every experiment needs."""
    whole = block.text if "[[arms]]" in block.text else f'{block.text}\n[[arms]]\nname = "only"\n'
    assert config.parse_experiment(whole, block.page.name).arms


def command_lines() -> list[tuple[Path, str]]:
    """Every command of ours that a page shows in a shell block, and those in the reference's examples."""
    shown = [(page, line) for page in READ for b in blocks(page) if b.language in SHELL for line in shell_lines(b)]
    helps = [(ENGLISH, found) for command in GROUP.commands.values()
             for found in re.findall(r"Example: (recusa .+)", command.help or "")]  # fmt: skip
    return [(page, line) for page, line in [*shown, *helps] if re.match(r"(?:\S*/)?recusa(?: |$)", line)]


@pytest.mark.parametrize(("page", "line"), command_lines(), ids=relative)
def test_shown_command_parses(page: Path, line: str) -> None:
    """Command and options exist and what they need is given; nothing is run."""
    arguments = re.split(r"\s(?:\||>|&&|2>)", line)[0].split()[1:]
    if arguments in ([], ["--help"]):
        return
    assert arguments[0] in COMMANDS, f"{page.name}: there is no command {arguments[0]}"
    rest = [argument for argument in arguments[1:] if argument != "--help"]
    GROUP.commands[arguments[0]].make_context(arguments[0], rest, resilient_parsing="--help" in arguments)


def test_translation_has_the_same_shape() -> None:
    """The Portuguese page has the same headings, level by level, and the same commands."""
    levels = [[heading.split()[0] for heading in headings(page)] for page in (ENGLISH, PORTUGUESE)]
    commands = [[shell_lines(b) for b in blocks(page) if b.language in SHELL] for page in (ENGLISH, PORTUGUESE)]
    assert levels[0] == levels[1]
    assert commands[0] == commands[1]
    assert any(commands[0]), "README.md shows no command"


def text_files() -> list[Path]:
    """Everything of the project that people read, built and hidden folders aside."""
    folders = ("src", "docs", "experiments", "benchmarks", ".ci", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*"))
    built = {"__pycache__", "node_modules", ".git"}  # in a worktree, .git is a file that names a path
    return sorted(p for p in found if p.is_file() and p.suffix in TEXTS and not built & set(p.parts))


def test_no_file_names_a_private_path() -> None:
    """What is written holds on every machine."""
    assert [f"{relative(path)}: {name}" for path in text_files() for name in PRIVATE if name in read(path)] == []


def test_changelog_is_at_this_version() -> None:
    """The newest entry is the version that the package states, and so does pyproject.toml."""
    versions = re.findall(r"^##\s+\[?v?(\d+\.\d+\.\d+)", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == recusa.__version__
    assert f'\nversion = "{recusa.__version__}"\n' in read(ROOT / "pyproject.toml")
