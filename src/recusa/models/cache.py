"""Where things that are made once per user lie, and how a file is replaced whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def cache_dir() -> Path:
    """The user's cache folder: `$RECUSA_CACHE`, else `$XDG_CACHE_HOME/recusa`, else `~/.cache/recusa`."""
    named = os.environ.get("RECUSA_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(named) if named else (Path(base) if base else Path.home() / ".cache") / "recusa"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remembered(file: str) -> dict[str, Any]:
    """What an earlier process noted in one cache file; empty when there is none or it cannot be read."""
    try:
        content = json.loads((cache_dir() / file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a cache, not data: what is lost is measured again
    return content if isinstance(content, dict) else {}


def remember(file: str, key: str, value: object) -> None:
    """Note one value in a cache file, replacing the file whole."""
    notes = remembered(file)
    notes[key] = value
    draft = cache_dir() / f"{file}.{os.getpid()}.part"
    draft.write_text(json.dumps(notes, indent=1), encoding="utf-8")
    draft.replace(cache_dir() / file)
