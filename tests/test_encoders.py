"""Encoders that packages carry in pieces: put together once, checked, never half there."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from recusa.errors import ModelError
from recusa.models import encoders

WEIGHTS = b"not really weights" * 50


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An archive cut in five, with a file that nobody asked for and one that would leave its folder."""
    monkeypatch.setenv("RECUSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(encoders, "WEIGHTS_SHA256", sha256(WEIGHTS).hexdigest())
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as whole:
        for name, content in {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}"}.items():
            whole.writestr(f"all-mpnet-base-v2/{name}", content)
        whole.writestr("all-mpnet-base-v2/1_Pooling/config.json", b"other")
        whole.writestr("all-mpnet-base-v2/run_me.py", b"x")
        whole.writestr("../../evil/config.json", b"evil")
    packed = (tmp_path / "whole.zip").read_bytes()
    step = len(packed) // 5 + 1
    found = [tmp_path / f"part.zip.{number}" for number in range(5)]
    for number, file in enumerate(found):
        file.write_bytes(packed[number * step : (number + 1) * step])
    return found


def test_pieces_become_the_files_that_are_needed_and_no_others(
    parts: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The folder is made once; afterwards the packages may go."""
    monkeypatch.setattr(encoders, "_parts", lambda: parts)
    folder = encoders._folder("mpnet-base-v2")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}",
    }  # fmt: skip
    monkeypatch.setattr(encoders, "_parts", list)
    assert encoders._folder("mpnet-base-v2", fetch=False) == folder
    assert not (tmp_path / "evil").exists()
    assert [file.name for file in folder.parent.iterdir()] == ["mpnet-base-v2"]


@pytest.mark.parametrize("harm", ["other weights", "a piece cut short"])
def test_pieces_that_are_not_what_was_published_are_refused(
    parts: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, harm: str
) -> None:
    """One line that says what to do, and nothing is left that looks complete."""
    monkeypatch.setattr(encoders, "_parts", lambda: parts)
    if harm == "other weights":
        monkeypatch.setattr(encoders, "WEIGHTS_SHA256", "0" * 64)
    else:
        parts[4].write_bytes(parts[4].read_bytes()[:-30])
    with pytest.raises(ModelError, match="mpnet-base-v2") as refused:
        encoders._folder("mpnet-base-v2")
    assert refused.value.hint == "reinstall them"
    assert list((tmp_path / "cache" / "models").iterdir()) == []


def test_what_would_have_to_be_fetched_is_not_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asking what is at hand asks no network."""
    monkeypatch.setenv("RECUSA_CACHE", str(tmp_path))
    monkeypatch.setattr(encoders, "_parts", list)
    asked = []

    def locate(name: str, *, fetch: bool = True) -> None:
        asked.append(fetch)
        raise ModelError("not here")

    monkeypatch.setattr(encoders, "locate", locate)
    assert not encoders.encoder_at_hand("mpnet-base-v2")
    assert asked in ([False], [])  # not even that without sentence-transformers
