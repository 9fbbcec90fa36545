"""Sentences and names that results carry in English, said in the report's language."""

from __future__ import annotations

import re
from functools import cache

from recusa.report.format import Locale

_FIELD = re.compile(r"\{(\w+)\}")
_SENTENCES = frozenset(("first", "rest", "reason", "kind"))  # fields that are told themselves; others are names
_LISTS = frozenset(("drafts",))  # fields that are told part by part
_LONGEST = 600  # characters; nothing of ours is longer, and matching hostile text must not take long


def retell(text: str, locale: Locale) -> str:
    """A sentence of the results in the report's language; one that no table knows stays as it is.

    The English sentence is matched against the table's patterns, its fields are read out of it and said anew.
    """
    if len(text) <= _LONGEST:
        for pattern, said in locale.told:
            found = _matcher(pattern).fullmatch(text)
            if found:
                return said.format_map({name: _field(name, value, locale) for name, value in found.groupdict().items()})
    return text


def _field(name: str, value: str, locale: Locale) -> str:
    if name in _LISTS:
        return ", ".join(retell(part, locale) for part in value.split(", "))
    return retell(value, locale) if name in _SENTENCES else value


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    parts = _FIELD.split(pattern)
    return re.compile("".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>.+?)" for i, part in enumerate(parts)))
