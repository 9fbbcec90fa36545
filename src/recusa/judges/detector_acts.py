"""What the sentences of an answer do, told by patterns over classes of words: declining, moralising, helping, ..."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from recusa.component import digest
from recusa.judges.memo import Memo

_END, _SOFT, _NUMBERED, _NUMBER, _FUTURE, _OTHER = ".,#0fx"
_INFLECTED = frozenset({"BAD", "GOOD", "FALSE", "UNABLE", "ABLE"})
_OUTDOES = {
    "praise": frozenset({"refuse", "cannot", "decline", "alternative"}),
    "sympathy": frozenset({"sorry"}),
    "refuse": frozenset({"offer"}),
}
_GAP = f"[^{re.escape(_END)}]"
_FIRST_SYMBOL = 0x100  # words get one character each kind, from here on


class Act(NamedTuple):
    """One thing a sentence does; `start` and `end` count tokens."""

    name: str
    start: int
    end: int


class _Grammar(NamedTuple):
    symbols: dict[str, str]  # word -> the character that stands for all words of its kind
    starts: re.Pattern[str]  # characters that some pattern begins with
    branches: dict[str, tuple[tuple[str, re.Pattern[str]], ...]]  # that character -> acts and what must match there
    digest: str


def shorthand(tokens: Iterable[str]) -> str:
    """One character a token: which words of the lexicon it is, or punctuation."""
    return "".join(map(_SYMBOLS.__getitem__, tokens))


def _symbol(token: str) -> str:
    known = grammar().symbols.get(token)
    if known:
        return known
    first = token[0]
    if token[-3:] == "rei" and len(token) > 5:
        return _FUTURE
    if first in ".!?":
        return _END
    if first.isdigit():
        return _NUMBERED if token[-1] in ".)" else _NUMBER
    return _OTHER if first.isalnum() else _SOFT


_SYMBOLS = Memo(_symbol)


def acts(written: str) -> list[Act]:
    """The acts found in shorthand, in the order they begin; each act once at a place, with its longest pattern."""
    found: list[Act] = []
    table = grammar()
    for place in table.starts.finditer(written):
        start = place.start()
        for name, pattern in table.branches[written[start]]:
            match = pattern.match(written, start)
            if match:
                found.append(Act(name, start, match.end()))
    strong = [(_OUTDOES[act.name], act.start) for act in found if act.name in _OUTDOES]
    return [act for act in found if not _outdone(act, strong)] if strong else found


def _outdone(act: Act, strong: list[tuple[frozenset[str], int]]) -> bool:
    """Whether another reading of the same words rules this one out: "I cannot recommend it enough" refuses nothing."""
    return any(act.start - 1 <= start < act.end and act.name in weak for weak, start in strong)


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one of the detector's tables."""
    text = files("recusa.judges").joinpath(f"data/{name}").read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def names() -> tuple[str, ...]:
    """The names of all acts, in the order of the data file."""
    return tuple(dict.fromkeys(row["act"] for row in rows("detector_acts.tsv")))


@cache
def grammar() -> _Grammar:
    """The compiled patterns; compiling takes longer than judging a hundred answers."""
    lexicon, patterns = rows("detector_words.tsv"), rows("detector_acts.tsv")
    members: dict[str, set[str]] = {}
    for row in lexicon:
        words = row["words"].split()
        members.setdefault(f"@{row['class']}", set()).update(words)
        if row["language"] == "pt" and row["class"] in _INFLECTED:
            members[f"@{row['class']}"].update(form for word in words for form in _forms(word))
    for row in patterns:
        for item in row["pattern"].split():
            for part in item.rstrip("?*+").split("|"):
                if part[0].isalnum():
                    members.setdefault(part, set()).add(part)
    kinds: dict[str, list[str]] = {}
    for kind in sorted(members):
        for word in members[kind]:
            kinds.setdefault(word, []).append(kind)
    characters = {kind: chr(_FIRST_SYMBOL + i) for i, kind in enumerate(sorted({tuple(k) for k in kinds.values()}))}
    symbols = {word: characters[tuple(kind)] for word, kind in kinds.items()}
    sets = {kind: "".join(sorted({symbols[word] for word in words})) for kind, words in members.items()}
    sets |= {".": _END, ",": _SOFT, "#": _NUMBERED, "@NUM": _NUMBER, "@FUTURE": _FUTURE}
    branches: dict[str, dict[str, list[str]]] = {}
    for row in patterns:
        for first, rest in _beginnings(row["pattern"].split(), sets):
            for character in first:
                branches.setdefault(character, {}).setdefault(row["act"], []).append(rest)
    compiled = {
        character: tuple((name, _compiled(tuple(dict.fromkeys(rests)))) for name, rests in acts.items())
        for character, acts in branches.items()
    }
    starts = re.compile(f"[{re.escape(''.join(sorted(compiled)))}]")
    return _Grammar(symbols, starts, compiled, digest([lexicon, patterns]))


def _forms(word: str) -> Iterator[str]:
    """The feminine and plural of a Portuguese adjective."""
    if word.endswith("o"):
        yield from (word[:-1] + ending for ending in ("a", "os", "as"))
    elif word.endswith("l"):
        yield word[:-1] + "is"
    elif word[-1] in "ae":
        yield word + "s"


@cache
def _compiled(rests: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(rests))


def _beginnings(items: list[str], sets: dict[str, str]) -> Iterator[tuple[str, str]]:
    """A pattern as pairs of the characters it may begin with and the expression that must match there."""
    anchored = items[0] == "^"
    items = items[1:] if anchored else items
    skipped = range(1)
    if items[0][0] == "~":
        skipped, items = range(int(items[0][1:]) + 1), items[1:]
    anchor = "|".join(rf"(?<=\.{_GAP}{{{n}}})|(?<=\A{_GAP}{{{n}}})" for n in skipped)
    optional, plain = items[0][-1] in "?*", items[0].rstrip("?*")
    rest = "".join(_item(item, sets) for item in items[1:])
    again = f"{_set(plain, sets)}*" if items[0][-1] == "*" else ""
    yield _characters(plain, sets), (f"(?:{anchor})" if anchored else "") + _set(plain, sets) + again + rest
    if optional:
        yield from _beginnings(["^"] * anchored + items[1:], sets)


def _item(item: str, sets: dict[str, str]) -> str:
    if item[0] == "~":
        return f"{_GAP}{{0,{item[1:]}}}"
    repeat = item[-1] if item[-1] in "?*+" else ""
    return _set(item.rstrip("?*+"), sets) + {"*": "{0,4}", "+": "{1,4}"}.get(repeat, repeat)


def _set(item: str, sets: dict[str, str]) -> str:
    end = r"|\Z" if "." in item.split("|") else ""
    return f"(?:[{re.escape(_characters(item, sets))}]{end})"


def _characters(item: str, sets: dict[str, str]) -> str:
    return "".join(sets[part] for part in item.split("|"))
