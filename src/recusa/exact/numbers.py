"""Which number an answer settles on: digits or words, English or Portuguese, working shown or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SMALL = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
    "dezoito dezenove",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
}
_FURTHER = {
    "en": {"hundred": 100, "thousand": 1000, "half": 0.5},
    "pt": {"uma": 1, "duas": 2, "quatorze": 14, "cem": 100, "cento": 100, "duzentos": 200, "mil": 1000, "meio": 0.5,
           "metade": 0.5},
}  # fmt: skip
_TIMES = frozenset({"hundred", "thousand", "mil"})
_AND = frozenset({"and", "e"})
_DIGITS = re.compile(
    r"(?<![\w.,])(?:(?<!\d)[-\N{MINUS SIGN}])?\d+(?:[.,]\d+)*(?:/\d+)?(?!\d)|(?<=[$€£])\d+(?:[.,]\d+)*"
)
_WORD = re.compile(r"[^\W\d_]+")
_FINAL = re.compile(r"\b(?:answer|result|resposta|resultado)\b[^.\n]*$", re.IGNORECASE)
_SETTLES = re.compile(
    r"\b(?:total|sum|difference|product|so|therefore|thus|equals?|makes?|gives?|is|are|was|leaves?|"
    r"soma|diferença|produto|portanto|logo|é|são|igual a|dá|fica|sobram?)\b[^.\n]*$",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """A number in a text: its value, where it stands, and where it ends."""

    value: float
    start: int
    end: int


def numbers_in(text: str, language: str = "en") -> list[Said]:
    """Every number in a text in its order; number words count where there is no digit at all."""
    found = [Said(value, m.start(), m.end()) for m in _DIGITS.finditer(text) for value in _value(m[0], language)]
    return found or list(_spelled(text, language.partition("-")[0]))


def said_number(question: str, answer: str, language: str = "en") -> tuple[float | None, str]:
    """The number an answer settles on, or None and why there is none.

    In this order: what stands after the last "the answer is"; after the last "="; after words such as "makes" or "is",
    unless the question has it; the only number that the question does not have; the only number at all. Several others
    are no answer: a model that lists numbers until the right one is among them does not know it.
    """
    found = numbers_in(answer, language)
    if not found:
        return None, "no number"
    final = [said for said in found if _FINAL.search(_before(answer, said, found))]
    if final:
        return final[-1].value, ""
    equal = [said for said in found if answer[: said.start].rstrip(" *`$€£R").endswith("=")]
    if equal:
        return equal[-1].value, ""
    given = {said.value for said in numbers_in(question, language)}
    settled = [said for said in found if said.value not in given and _SETTLES.search(_before(answer, said, found))]
    if settled and len({said.value for said in settled}) == 1:
        return settled[0].value, ""
    new = list(dict.fromkeys(said.value for said in found if said.value not in given))
    if len(new) == 1:
        return new[0], ""
    every = list(dict.fromkeys(said.value for said in found))
    if len(every) == 1:
        return every[0], ""
    if not new:
        return _opening(answer, found)
    if settled:
        return settled[-1].value, ""
    return _opening(answer, found)


def _opening(answer: str, found: Sequence[Said]) -> tuple[float | None, str]:
    """A number that stands at the head of an answer, before what explains it."""
    first = found[0]
    alone = not answer[: first.start].strip(" $€£R*`\"'-") and re.match(r"\D{0,25}(?:[.\n(]|$)", answer[first.end :])
    if alone:
        return first.value, ""
    return None, f"several numbers: {', '.join(f'{said.value:g}' for said in found[:4])}"


def _before(answer: str, said: Said, found: Sequence[Said]) -> str:
    """The text between a number and the one before it, or the sentence's start."""
    start = max((other.end for other in found if other.end <= said.start), default=0)
    return answer[start : said.start]


def _value(text: str, language: str) -> Iterator[float]:
    whole, _, below = text.replace("\N{MINUS SIGN}", "-").partition("/")
    thousands, point = (".", ",") if language.startswith("pt") else (",", ".")
    mark = re.escape(thousands)
    if re.fullmatch(rf"-?\d{{1,3}}(?:{mark}\d{{3}})+(?:{re.escape(point)}\d+)?", whole):
        whole = whole.replace(thousands, "").replace(point, ".")
    else:
        whole = whole.replace(",", ".")
    try:
        yield float(whole) / float(below) if below else float(whole)
    except (ValueError, ZeroDivisionError):  # 1.2.3 is a version, 4/0 is nothing
        return


def _spelled(text: str, language: str) -> Iterator[Said]:
    """Runs of number words: `twenty-five`, `two hundred and ten`, `vinte e cinco`."""
    values = _values(language)
    run: list[tuple[str, int, int]] = []
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        near = not run or not text[run[-1][2] : match.start()].strip(" -")
        if near and (_goes_on(run[-1][0], word, values) if run else word in values):
            run.append((word, match.start(), match.end()))
            continue
        yield from _sum(run, values)
        run = [(word, match.start(), match.end())] if word in values else []
    yield from _sum(run, values)


def _goes_on(last: str, word: str, values: dict[str, float]) -> bool:
    """Whether a word continues a number: `twenty five` is one number, `five five` is two."""
    if word in _AND:
        return last not in _AND
    if word not in values:
        return False
    return last in _AND or word in _TIMES or values[last] >= 20 > values[word] or values[last] >= 100 > values[word]


def _sum(run: Sequence[tuple[str, int, int]], values: dict[str, float]) -> Iterator[Said]:
    if not run:
        return
    total = 0.0
    for word, _, _ in run:
        if word not in values:
            continue
        total = total * values[word] if word in _TIMES and total else total + values[word]
    yield Said(total, run[0][1], run[-1][2])


def _values(language: str) -> dict[str, float]:
    language = language if language in _SMALL else "en"
    small = {word: float(i) for i, word in enumerate(_SMALL[language].split())}
    tens = {word: 10.0 * i for i, word in enumerate(_TENS[language].split(), start=2)}
    return {**small, **tens, **_FURTHER[language]}
