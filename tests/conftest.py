"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny import tiny_mistral


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Mistral."""
    return tiny_mistral(tmp_path_factory.mktemp("tiny") / "mistral")
