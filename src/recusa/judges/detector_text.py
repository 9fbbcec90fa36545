"""What the detector reads of an answer: its own words, without thoughts, code and quotations, as tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from recusa.judges.normalise import has_words, normalise, spelled_out, without_accents, without_thought

_CHARACTERS = 3000  # of the plain form; what comes later than that does not decide
_SLACK = 4  # raw characters that are read for each of them: markup and invisible characters take room
_OWN_WORDS = 2  # an answer that is all quotation is read as if it were none
_FENCE = re.compile(r"(`{3,}|~{3,}).*?(?:\1|\Z)", re.DOTALL)
_QUOTED = re.compile(r'"[^"]{1,600}"')
_TOKEN = re.compile(r"(?<!\S)\d{1,2}[.)](?=\s)|[^\W_]+(?:['-][^\W_]+)*|[.!?]+|[,;:()\"]")
_SPECIAL = re.compile(r"</?s>|<\|[a-z_]{2,40}\|>|\[/?INST\]", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[^\W_]")
_MOJIBAKE = re.compile("[\ufffd\u00a2\u00a4\u00a6\u00ac\u00bf\u00f0\u20ac]")  # what remains of text decoded wrongly
_BROKEN = 3  # this many broken letters, and half as many as there are words, make an answer unreadable
_VERBS = "is are was were do does did would could should have has had"
_BARE = frozenset(verb + "nt" for verb in _VERBS.split())  # typed without the apostrophe
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_MIXED = re.compile(r"\w*[a-z]\w*[\u0400-\u04ff]\w*|\w*[\u0400-\u04ff]\w*[a-z]\w*")
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u043d\u043a\u0442\u043c", "aeopcyxijshktm"
)


class Text(NamedTuple):
    """An answer as it is read; `code`, `quoted` and `thought` say what was left out, `broken` that it is unreadable."""

    tokens: list[str]
    code: bool
    quoted: int
    thought: bool
    broken: bool


def read(answer: str) -> Text:
    """An answer's tokens, in one plain form whatever its typography, case, accents and layout."""
    spoken = without_thought(answer)
    thought = len(spoken) != len(answer)
    head = _from_first_word(spoken)[: _CHARACTERS * _SLACK]
    if "<" in head or "[" in head:
        head = _SPECIAL.sub(" ", head)
    rest = _FENCE.sub(" . ", head) if "```" in head or "~~~" in head else head
    if not has_words(rest):
        rest = head
    text = plain(rest)[:_CHARACTERS]
    unquoted, quoted = _QUOTED.subn(" quotation ", text) if '"' in text else (text, 0)
    if quoted and sum(word[0].isalnum() and word != "quotation" for word in unquoted.split()) >= _OWN_WORDS:
        text = unquoted
    else:
        quoted = 0
    tokens = _TOKEN.findall(text)
    if not _BARE.isdisjoint(tokens):
        tokens = [part for token in tokens for part in ((token[:-2], "not") if token in _BARE else (token,))]
    odd = 0 if text.isascii() else len(_MOJIBAKE.findall(text))
    broken = odd >= _BROKEN and odd >= sum(token[0].isascii() for token in tokens) / 2
    return Text(tokens, rest != head, quoted, thought, broken)


def plain(text: str) -> str:
    """Lower case, no accents, no contractions, ASCII punctuation, single spaces."""
    text = without_accents(normalise(text))
    if not text.isascii() and _CYRILLIC.search(text):
        text = _MIXED.sub(lambda match: match[0].translate(_LOOKALIKES), text)
    return spelled_out(text)


def _from_first_word(text: str) -> str:
    """The text from where its words begin, when much that says nothing stands before them."""
    text = text.lstrip()
    if len(text) <= _CHARACTERS:
        return text
    first = _FIRST_WORD.search(text)
    return text[first.start() :] if first and first.start() > _CHARACTERS else text
