"""Which language a short text is in, told by script, function words, and letters that only some languages have."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from importlib.resources import files

LETTERS = {"pt": "ãõ", "es": "ñ¿¡", "de": "ßäöü", "fr": "œèùâîû", "it": "ìò"}
TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@cache
def function_words() -> dict[str, frozenset[str]]:
    """Per language the words that hold its sentences together: few prompts of six words or more have none of them."""
    lines = files("recusa.defences").joinpath("data/function_words.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {language: frozenset(words.split()) for language, words in rows}


def tokens(text: str) -> list[str]:
    """The words of a text, case folded; digits and signs are none."""
    return [word.casefold().replace("’", "'") for word in TOKEN.findall(text)]


def script_of(text: str) -> str:
    """The script most letters of a text belong to, as Unicode names it; empty where there are no letters."""
    letters = (character for character in text if character.isalpha())
    found = Counter(unicodedata.name(letter, "?").split(" ")[0] for letter in letters)
    return found.most_common(1)[0][0] if found else ""


def language_of(text: str) -> str:
    """`en`, `pt`, `es`, `fr`, `de` or `it`; the script's name where it is not Latin; empty where nothing tells.

    The language with most of its function words in the text, and at least a third more of them than any other has.
    """
    script = script_of(text)
    if script != "LATIN":
        return script.lower()
    words = tokens(text)
    folded = text.casefold()
    scores = {
        language: sum(word in known for word in words) + 2 * sum(folded.count(c) for c in LETTERS.get(language, ""))
        for language, known in function_words().items()
    }
    (best, most), (_, second) = sorted(scores.items(), key=lambda pair: -pair[1])[:2]
    return best if most > 0 and most >= 4 / 3 * second else ""
