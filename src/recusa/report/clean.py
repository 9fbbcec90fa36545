"""Text a model or a file gave, made safe to look at: nothing invisible acts, everything hidden shows."""

from __future__ import annotations

import re

LONGEST = 4000  # characters of one text that a page shows

# Controls (tab and newline excepted), zero-width characters, bidi overrides and isolates, line separators, lone
# surrogates, interlinear and tag characters: a reader would not see them, or would see something else than is there.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_COMBINING = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_STACKED = re.compile(f"({_COMBINING}{{4}}){_COMBINING}+")


def clean(text: str) -> str:
    """The text with hidden characters spelled out as their code point; piles of combining marks are cut to four."""
    lines = text.replace("\r\n", "\n")
    return _STACKED.sub(r"\1", _HIDDEN.sub(_spell, lines))


def clip(text: str, longest: int = LONGEST) -> tuple[str, int]:
    """The start of a cleaned text, and how many characters were left off."""
    shown = clean(text)
    return shown[:longest], max(0, len(shown) - longest)


def _spell(found: re.Match[str]) -> str:
    return f"\u27e8U+{ord(found.group()):04X}\u27e9"
