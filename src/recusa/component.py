"""What every named part of an experiment is: checked settings that print, compare and fingerprint themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest(value: object) -> str:
    """Sixteen hex digits that are equal when two JSON-like values are."""
    return sha256(_CANONICAL.encode(value).encode()).hexdigest()[:16]


def digest_each(values: Iterable[object]) -> str:
    """The digest of a list of these, of which one at a time is in memory."""
    found = sha256(b"[")
    for place, value in enumerate(values):
        found.update(("," * bool(place) + _CANONICAL.encode(value)).encode())
    found.update(b"]")
    return found.hexdigest()[:16]


class Settings(BaseModel):
    """Frozen settings that refuse unknown keys; constructing them does no work."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(Settings):
    """A named part with settings; `version` is raised when the same settings would give other results."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    cosmetic: ClassVar[frozenset[str]] = frozenset()  # settings that change speed or plumbing, never a result
    code: ClassVar[str] = ""  # digest of the file a user's own class was read from: edited, it is another component

    def identity(self) -> dict[str, Any]:
        """What makes two components the same: name, version and every setting that can change a result."""
        settings = self.model_dump(mode="json", exclude=set(self.cosmetic))
        own = {"code": self.code} if self.code else {}
        return {"name": self.name, "version": self.version, **own, **settings}

    def fingerprint(self) -> str:
        """Digest of the identity."""
        return digest(self.identity())
