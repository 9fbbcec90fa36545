"""Sentences and names that results carry in English, said in the report's language."""

from __future__ import annotations

import re
from functools import cache

from recusa.report.format import Locale

_FIELD = re.compile(r"\{(\w+)\}")
_SENTENCES = frozenset(("first", "rest", "reason", "kind"))  # fields that are told themselves; others are names


def retell(text: str, locale: Locale) -> str:
    """A sentence of the results in the report's language; one that no table knows stays as it is.

    The English sentence is matched against the table's patterns, its fields are read out of it and said anew.
    """
    for pattern, said in locale.told:
        found = _matcher(pattern).fullmatch(text)
        if found:
            fields = {
                name: retell(value, locale) if name in _SENTENCES else value
                for name, value in found.groupdict().items()
            }
            return said.format_map(fields)
    return text


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    parts = _FIELD.split(pattern)
    return re.compile("".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>.+?)" for i, part in enumerate(parts)))
