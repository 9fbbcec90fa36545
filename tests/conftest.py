"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.study import Study, Tap, make_study
from tests.tiny import tiny_mistral


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Mistral."""
    return tiny_mistral(tmp_path_factory.mktemp("tiny") / "mistral")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A fresh study."""
    return make_study(tmp_path)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    """A tap on the scripted engine."""
    return Tap(monkeypatch)
