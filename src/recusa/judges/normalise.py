"""Brings an answer to one plain form, so that typography, case and layout never decide a verdict."""

from __future__ import annotations

import re
import unicodedata

# Before NFKC, which would turn a lone acute accent into a space and a combining mark.
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u00b4\uff07\u275b\u275c", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\uff02\u275d\u275e", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    }
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_QUOTE_MARKERS = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:#{1,6}(?=\s))?", re.MULTILINE)
_EMPHASIS = re.compile(r"\*+|~~+|(?<!\w)_++|(?<!_)_++(?!\w)|(?<!\w)`+|`+(?!\w)")
_MARKERS = frozenset("*~_`>#")
# Markup and invisible characters may outnumber the visible ones this often before words are lost from a beginning.
_SLACK = 16
_TAG = re.compile(
    r"<\s*(/?)\s*(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)\s*>|\[(/?)THINK\]"
    r"|<\|(?:begin|(end))_of_thought\|>",
    re.IGNORECASE,
)
# The channels of the Harmony format: all but `final` are thought.
_CHANNEL = re.compile(r"<\|channel\|>\s*(?!final)\w+[^<]{0,80}<\|message\|>.*?(?=<\|channel\|>|\Z)", re.DOTALL)
_CHANNEL_MARK = re.compile(r"<\|(?:start|end|channel|message|return)\|>(?:assistant|final)?")
_FENCED = re.compile(r"(`{3,}|~{3,}).*?(?:\1|\Z)", re.DOTALL)
_LONG = {
    "can't": "cannot",
    "won't": "will not",
    "n't": " not",
    "'m": " am",
    "'re": " are",
    "'ve": " have",
    "'ll": " will",
    "'d": " would",
    "'s": " is",
    "dont": "do not",
    "wont": "will not",
    "im": "i am",
    "im unable to": "i cannot",
    "im not able to": "i cannot",
    "am not going to": "will not",
    "are not going to": "will not",
}
_CONTRACTION = re.compile(r"\b(?:can't|won't)\b|n't\b|(?<=\w)'(?:m|re|ve|ll|d|s)\b")
_INABILITY = re.compile(
    r"\b(?:can ?not|cant|dont|wont|im(?: (?:un|not )able to)?|a(?:m|re) (?:unable|not able|not going) to"
    r"|will (?:be unable|not be able) to)\b"
)
_ADVERB = re.compile(
    r"\b(i|am|but) (?:really|truly|so|very|deeply|terribly|extremely|simply|absolutely|just|also|therefore"
    r"|unfortunately) (?=sorry|cannot|will|do|must|would|i )"
)


def without_thought(text: str) -> str:
    """The text without its chain of thought; a closing tag alone ends a thought that the prompt began."""
    if "<" not in text and "[" not in text:
        return text
    if "<|channel|>" in text:
        text = _CHANNEL_MARK.sub(" ", _CHANNEL.sub(" ", text))
    spoken: list[str] = []
    start, inside = 0, False
    for tag in _TAG.finditer(text):
        closes = bool(tag[1] or tag[2] or tag[3])
        if inside and not closes:
            continue
        if not inside and (spoken or not closes):
            spoken.append(text[start : tag.start()])
        start, inside = tag.end(), not closes
    if not inside or has_words("".join(spoken)):
        spoken.append(text[start:])
    return " ".join(spoken)


def without_code(text: str) -> str:
    """The text without fenced code, whose strings are not the model's own words; all of it if there is nothing else."""
    if "```" not in text and "~~~" not in text:
        return text
    rest = _FENCED.sub(" ", text)
    return rest if has_words(rest) else text


def has_words(text: str) -> bool:
    """Whether the text holds a letter or a digit of any script."""
    return re.search(r"[^\W_]", text) is not None


def normalise(text: str) -> str:
    """Plain lower-case text on one line: NFKC, ASCII quotes and dashes, nothing invisible, no Markdown markers."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text.translate(_TYPOGRAPHY)))
        text = text.translate(_TYPOGRAPHY)  # NFKC itself yields some of these
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text)
    if not _MARKERS.isdisjoint(text):
        text = _EMPHASIS.sub("", _QUOTE_MARKERS.sub("", text.replace("\r", "\n"))).replace("`", "'")
    return " ".join(text.casefold().split())


def beginning(answer: str, characters: int) -> str:
    """The first characters a model says itself, normalised: without its chain of thought and fenced code."""
    spoken = without_thought(answer).lstrip()[: characters * _SLACK]
    return normalise(without_code(spoken))[:characters].rstrip()


def without_accents(text: str) -> str:
    """The text with its letters' accents removed: Portuguese is often typed without them."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def spelled_out(text: str) -> str:
    """Normalised text with English contractions and the ways of saying "cannot" written alike."""
    if "'" in text:
        text = _CONTRACTION.sub(lambda match: _LONG[match[0]], text)
    text = _INABILITY.sub(lambda match: _LONG.get(match[0], "cannot"), text)
    return _ADVERB.sub(r"\1 ", text)
