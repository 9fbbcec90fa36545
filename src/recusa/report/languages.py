"""The languages a report can be written in."""

from __future__ import annotations

from collections.abc import Mapping

from recusa.errors import ConfigError
from recusa.report.format import Locale
from recusa.report.text import ENGLISH
from recusa.report.text_pt import PORTUGUESE
from recusa.report.text_pt_told import TOLD_PT

DEFAULT = "en"
LOCALES: Mapping[str, Locale] = {
    "en": Locale(ENGLISH),
    "pt-BR": Locale(PORTUGUESE, "pt-BR", ",", ".", TOLD_PT),
}
ALIASES = {"pt": "pt-BR"}


def locale_of(language: str) -> Locale:
    """The words and number formats of a language by its BCP 47 code, in any case; ConfigError for one without any."""
    known = {code.lower(): code for code in LOCALES} | ALIASES
    code = known.get(language.replace("_", "-").lower())
    if code is None:
        raise ConfigError(f"no report language `{language}`", f"languages: {', '.join(LOCALES)}")
    return LOCALES[code]
