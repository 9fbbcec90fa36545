"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import resvg_py
from tests.study import Study, Tap, make_study
from tests.tiny import tiny_mistral

REAL = resvg_py.svg_to_bytes


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Mistral."""
    return tiny_mistral(tmp_path_factory.mktemp("tiny") / "mistral")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skips files of nothing but model tests where none is wanted: importing them loads torch, for several seconds."""
    wanted = "not model" not in str(config.option.markexpr)
    if wanted or collection_path.suffix != ".py":
        return None
    return True if "\npytestmark = pytest.mark.model\n" in collection_path.read_text(encoding="utf-8") else None


@pytest.hookimpl(tryfirst=True)  # before -m picks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses the tiny model, so that no test of it is forgotten."""
    for item in items:
        if "tiny" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="session", autouse=True)
def _no_pixels() -> Iterator[None]:
    """Stands in for drawing PNG files, which is most of a report's time; what is no XML is still an error."""

    def drawn(svg_string: str, **settings: Any) -> bytes:
        ElementTree.fromstring(svg_string)
        return b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resvg_py, "svg_to_bytes", drawn)
        yield


@pytest.fixture
def pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """PNG files as users get them, for the tests that look at them."""
    monkeypatch.setattr(resvg_py, "svg_to_bytes", REAL)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A fresh study."""
    return make_study(tmp_path)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    """A tap on the scripted engine."""
    return Tap(monkeypatch)
