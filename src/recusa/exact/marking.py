"""Marking an answer right or wrong: pure functions of question and answer, tolerant of wording, exact in substance."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from recusa.component import Settings
from recusa.exact.numbers import said_number


class Marked(NamedTuple):
    """Whether an answer is right, and in a few words why it is not."""

    right: bool
    why: str = ""


RIGHT = Marked(True)
NOTHING = Marked(False, "no answer")
_NEGATED = re.compile(r"(?:\bnot|n't|\bnever|\bneither|\bnão|\bnem|\bnunca)(?:\s+(?!but\b|mas\b)\w+){0,2}\s*$")
_LEADS = (  # "Here are two colors:", or else "The two colors are"
    re.compile(r"^[^:\n,]{0,120}:\s*(?=\S)"),
    re.compile(r"^[^:\n,]{0,120}?\b(?:are|is|são|é)\s+(?=\S)"),
)
_BULLET = re.compile(r"^\s*(?:[-*•·]|\(?\d{1,2}[.):]|\(?[a-z][.)])\s+", re.MULTILINE)
_SPLIT = re.compile(r"[,;\n]+|\s+(?:and|e|y)\s+", re.IGNORECASE)
_ARTICLE = r"(?:(?:the|an?|os?|as?|uma?)\s+)?"


def folded(text: str, *, case: bool = False) -> str:
    """Text in one form: NFKC, one kind of apostrophe, single spaces, no outer quotes, stars or end marks, case folded.

    With `case`, capitals stay as they are.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = " ".join(plain.split()).strip(" \"'`*_“”«».!?,;:")
    return plain if case else plain.casefold()


class Number(Settings):
    """The answer gives this number, in digits or words; working may be shown, a second answer may not."""

    by: Literal["number"] = "number"
    number: float
    within: float = Field(0.0, ge=0)

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """Compare the number the answer settles on; see `said_number` for which that is."""
        if not answer.strip():
            return NOTHING
        said, why = said_number(question, answer, language)
        if said is None:
            return Marked(False, why)
        return RIGHT if abs(said - self.number) <= self.within + 1e-9 else Marked(False, f"says {said:g}")


class Words(Settings):
    """The answer names one of `words` before any of `rivals`; a plain repetition of the choice offered is passed over.

    A word that is negated ("not Lima") is not named. `rivals` are other answers that would be wrong.
    """

    by: Literal["words"] = "words"
    words: tuple[str, ...] = Field(min_length=1)
    rivals: tuple[str, ...] = ()

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """The first of the words and rivals that the answer names decides."""
        text = folded(answer)
        if not text:
            return NOTHING
        known = [folded(word) for word in (*self.words, *self.rivals)]
        text = _without_echo(text, known)
        found = sorted((place, -len(word), word) for word in known for place in _named(text, word))
        if not found:
            negated = any(_places(text, folded(word)) for word in self.words)
            return Marked(False, "denies the answer" if negated else f"does not say `{self.words[0]}`")
        word = found[0][2]
        return RIGHT if word in {folded(w) for w in self.words} else Marked(False, f"says `{word}`")


class Choice(Settings):
    """The answer takes `choice` and none of `other`, by itself or with one of the words `more` that were asked about.

    "The whale", "A whale is bigger" and "The bigger one is the whale" take the whale; "larger than 9 is 4" takes 4.
    """

    by: Literal["choice"] = "choice"
    choice: str
    other: tuple[str, ...] = Field(min_length=1)
    more: tuple[str, ...] = Field(min_length=1)

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """Which of the options the answer takes."""
        text = folded(answer)
        if not text:
            return NOTHING
        known = [folded(word) for word in (self.choice, *self.other)]
        taken = [word for word in known if self._takes(_without_echo(text, known), word, known)]
        if taken == known[:1]:
            return RIGHT
        return Marked(False, f"takes {' and '.join(f'`{word}`' for word in taken)}" if taken else "takes none")

    def _takes(self, text: str, word: str, known: Sequence[str]) -> bool:
        """Whether a word stands alone, or with a comparison and no other option between them."""
        own = rf"(?<!\w){re.escape(word)}(?!\w)"
        more = rf"(?<!\w)(?:{'|'.join(map(re.escape, self.more))})(?!\w)"
        others = "|".join(rf"(?<!\w){re.escape(o)}(?!\w)" for o in known if o != word)
        passed = rf"(?:\b(?:than|of|que|do que|de)\s+{_ARTICLE}(?:{others}))"  # "larger than 9 is 4"
        apart = rf"(?:(?!{others}|{own}|\bnot\b|n't|\bnão\b)[^.\n])"
        if re.fullmatch(rf"(?:(?:it is|it's|the answer is|a resposta é)\s+)?{_ARTICLE}\W*{own}", text):
            return True
        before = rf"{own}{apart}{{0,60}}?{more}"
        after = rf"{more}(?!\s+(?:than|que|do que)\s+{_ARTICLE}{own})(?:{apart}|{passed}){{0,60}}?{own}"
        return bool(re.search(before, text) or re.search(after, text))


class Whole(Settings):
    """The answer is one of these texts and nothing else, outer quotes and a full stop aside."""

    by: Literal["whole"] = "whole"
    whole: tuple[str, ...] = Field(min_length=1)
    case: bool = False

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """Compare all of the answer."""
        text = folded(answer, case=self.case)
        if not text:
            return NOTHING
        wanted = [folded(word, case=self.case) for word in self.whole]
        if text in wanted:
            return RIGHT
        if any(_places(text, word) for word in wanted):
            return Marked(False, "says more than was asked")
        if self.case and folded(text) in [folded(word) for word in wanted]:
            return Marked(False, "capitals differ")
        return Marked(False, f"is not `{self.whole[0]}`")


class Listed(Settings):
    """The answer is a list of `count` different entries from `of`, each of which may have spellings parted by `|`.

    In the order of `of` where `ordered`; parted by commas where `commas`, else by commas, lines or a last "and". A
    sentence that ends in a colon may stand in front.
    """

    by: Literal["list"] = "list"
    of: tuple[str, ...] = Field(min_length=1)
    count: int = Field(ge=1)
    ordered: bool = False
    commas: bool = False

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """Compare the entries one by one."""
        if not answer.strip():
            return NOTHING
        text = answer.strip() if _BULLET.match(answer) else _without_lead(answer.strip())
        lines = [line for line in _BULLET.split(text) if line.strip()]
        if self.commas and (len(lines) > 1 or "\n" in text):
            return Marked(False, "is not parted by commas")
        parts = text.split(",") if self.commas else lines if len(lines) > 1 else _SPLIT.split("".join(lines))
        said = [entry for part in parts if (entry := _entry(part))]
        spellings = [{_entry(word) for word in entry.split("|")} for entry in self.of]
        places = [next((i for i, words in enumerate(spellings) if entry in words), -1) for entry in said]
        if -1 in places:
            return Marked(False, f"`{said[places.index(-1)][:40]}` does not belong")
        if len(set(places)) < len(places):
            return Marked(False, "an entry comes twice")
        if len(places) != self.count:
            return Marked(False, f"{len(places)} entries, not {self.count}")
        if self.ordered and places != sorted(places):
            return Marked(False, "the order is wrong")
        return RIGHT


class Pattern(Settings):
    """The whole answer matches a regular expression, outer quotes and a full stop aside; `shape` says it in words."""

    by: Literal["pattern"] = "pattern"
    pattern: str
    shape: str

    @field_validator("pattern")
    @classmethod
    def compiles(cls, pattern: str) -> str:
        """It is a regular expression."""
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    def mark(self, question: str, answer: str, language: str) -> Marked:
        """Match all of the answer, capitals included."""
        text = folded(answer, case=True)
        if not text:
            return NOTHING
        return RIGHT if re.fullmatch(self.pattern, text) else Marked(False, f"is not {self.shape}")


Mark = Annotated[Number | Words | Choice | Whole | Listed | Pattern, Field(discriminator="by")]


def _entry(text: str) -> str:
    """An entry of a list without article, a leading "and", or what is said of it after a colon, dash or bracket."""
    text = re.split(r":|\s[-–—]\s|\(", text.strip(), maxsplit=1)[0]
    return re.sub(r"^(?:and|or|e|ou)\s+|^(?:the|an?|os?|as?|uma?)\s+", "", folded(text))


def _without_lead(text: str) -> str:
    """A list without the words that announce it."""
    return next((text[found.end() :] for lead in _LEADS if (found := lead.match(text))), text)


def _places(text: str, word: str) -> list[int]:
    return [found.start() for found in re.finditer(rf"(?<!\w)(?<!\w'){re.escape(word)}(?!'?\w)", text)]


def _named(text: str, word: str) -> list[int]:
    """Where a word is said, and not denied."""
    return [place for place in _places(text, word) if not _NEGATED.search(text[:place])]


def _without_echo(text: str, known: Sequence[str]) -> str:
    """The answer without "X or Y" of two known words, which repeats what was offered and decides nothing."""
    either = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{either})(?:\s*,\s*|\s+)(?:(?:and|or|e|ou)\s+){_ARTICLE}(?:{either})(?!\w)", " ", text)
