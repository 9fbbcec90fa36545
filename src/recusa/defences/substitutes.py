"""Where an English text can be said otherwise: stretches of it, each with what may stand there instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from recusa.defences.faults import COMMANDS
from recusa.defences.wordnet import Sense, WordNet, wordnet
from recusa.models.embedder import common_words, embed_in_place

WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
CONTEXT = 12  # words on each side of a word that are looked at with it
MOST = 60  # words of one text that are looked up; a text of thousands is changed here and there
MINIMUM = 0.1  # part of a word's uses a sense must have: rarer senses are hardly ever meant
# Words whose WordNet senses are not how prompts use them: auxiliaries, function words, fillers, and light verbs and
# measures that mean something else in each phrase.
KEPT = frozenset(
    """
    about after again against also although always another answer answered answers around back because been before
    being better between both bring call called cannot cause causes come comes coming could deal doing done down drop
    during each either else even ever every fall feel first fortune from full further gets getting give given gives
    going gone good half have having help helping helps here hers herself high himself hold holds home hour hours
    however into itself joke jokes just keep keeping keeps kept kind know knows last later least leave leaves less
    light like likely line list live long look looking looks love lower made make makes making many matter mean means
    might mind mine minute minutes more most move much must myself need needed neither never next night none nothing
    number only order other others ourselves over part past people plain play player players
    police please point rather right
    round running same second seconds set shall should show side sight simple since some something sort stand step
    steps still stop such sure take takes taking tell terrible than thank thanks that their theirs them themselves
    then there these they thing things this those through till time times today tonight total turn twice under unless
    until upon very wait waiting want wants week were what whatever when where whether which while whole whom whose
    will with within without work working works would write written year years yet your yours yourself
    three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty hundred thousand dozen
    """.split()  # noqa: SIM905 - a list would fill pages
)
# What follows a verb and makes another verb of it.
PARTICLES = frozenset(
    """about across ahead along apart around aside away back by down forward in off on onto out over through together up
    upon with""".split()  # noqa: SIM905
)
FIXERS = frozenset(  # a noun follows, or an adjective and a noun
    """a an the my your his her our their its this that these those some any no each every another both few several many
    two three four five six""".split()  # noqa: SIM905
)
LINKS = frozenset(
    """of from with for in on at by about into without through between against after before during than like via per as
    under over and or""".split()  # noqa: SIM905
)
LEADS = frozenset(  # a verb follows
    """to can could will would should must may might shall do does did don't can't won't doesn't let's please not i you
    we they who never always""".split()  # noqa: SIM905
)
STATES = frozenset("is are was were be been being am so very too quite isn't aren't".split())  # noqa: SIM905
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|‘[^’]*’|(?<!\w)'[^']*'(?!\w)|```.*?```|`[^`]*`", re.DOTALL)
CODED = re.compile(r"\S*[_(){}\[\]<>=;\\/@#$%^&*+|~0-9]\S*")
CODE_LINE = re.compile(
    r"^.*(?:[;{}]|\):|\)\s*->.*:)\s*$|^\s*(?:def|class|import|return|#include|SELECT)\b.*$"
    r"|^\s*[\w.\[\]]+ [-+*/]?=.*$|^(?: {4}|\t).*$",
    re.MULTILINE,
)


class Place(NamedTuple):
    """A stretch of a text and what may stand there instead."""

    start: int
    stop: int
    options: tuple[str, ...]


@lru_cache(maxsize=8192)
def places(text: str, similarity: float) -> tuple[Place, ...]:
    """Every stretch that can be said otherwise, in order and apart; quotes, names, compounds and code stay."""
    shut = [match.span() for pattern in (QUOTED, CODED, CODE_LINE) for match in pattern.finditer(text)]
    found: list[Place] = []
    for place in (*_phrases(text), *_words(text, similarity, shut)):
        taken = [*shut, *((other.start, other.stop) for other in found)]
        if all(place.stop <= start or place.start >= stop for start, stop in taken):
            found.append(place)
    return tuple(sorted(found))


@cache
def _table() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Our own phrases, longest first, so that a part never spoils the whole."""
    lines = files("recusa.defences").joinpath("data/phrases.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    compiled = []
    for pattern, *options in sorted(rows, key=lambda row: -len(row[0])):
        head = r"(?:^|(?<=[.!?:;]\s))" if pattern.startswith("^") else r"(?<![\w'’-])"
        whole = re.compile(rf"{head}(?:{pattern.removeprefix('^')})(?![\w'’-])", re.IGNORECASE)
        compiled.append((whole, tuple(options)))
    return tuple(compiled)


def _phrases(text: str) -> Iterator[Place]:
    for pattern, options in _table():
        for match in pattern.finditer(text):
            said = tuple(match.expand(option) for option in options)
            yield Place(match.start(), match.end(), tuple(o for o in said if o.casefold() != match.group().casefold()))


class _Candidate(NamedTuple):
    """One form in place of one word, with both cut out of the text as far as the context goes."""

    start: int
    stop: int
    form: str
    before: tuple[str, int, int]
    after: tuple[str, int, int]


def _words(text: str, similarity: float, shut: list[tuple[int, int]]) -> Iterator[Place]:
    """Words with synonyms whose meaning, where they stand, is that of the word by the embedding of both in place."""
    matches = list(WORD.finditer(text))
    free = [i for i, match in enumerate(matches) if _replaceable(i, matches, text, shut)]
    free = free[:: max(1, -(-len(free) // MOST))]
    candidates = [
        candidate for i in free for form in synonyms_at(i, matches, text) if (candidate := _cut(i, matches, text, form))
    ]
    if not candidates:
        return
    cuts = list(dict.fromkeys(cut for c in candidates for cut in (c.before, c.after)))
    vectors = embed_in_place([cut[0] for cut in cuts], [cut[1:] for cut in cuts])
    known = dict(zip(cuts, vectors, strict=True))
    kept: dict[tuple[int, int], list[str]] = {}
    for c in candidates:
        if float(known[c.before] @ known[c.after]) >= similarity:
            kept.setdefault((c.start, c.stop), []).append(c.form)
    yield from (Place(start, stop, tuple(forms)) for (start, stop), forms in kept.items())


def _cut(i: int, matches: list[re.Match[str]], text: str, form: str) -> _Candidate | None:
    match = matches[i]
    left = matches[max(0, i - CONTEXT)].start()
    right = matches[min(len(matches) - 1, i + CONTEXT)].end()
    head, tail = text[left : match.start()], text[match.end() : right]
    if len(head) + len(tail) > 600:  # words that long are no words
        return None
    place = len(head)
    return _Candidate(
        match.start(), match.end(), form,
        (head + match.group() + tail, place, place + len(match.group())),
        (head + form + tail, place, place + len(form)),
    )  # fmt: skip


def _replaceable(i: int, matches: list[re.Match[str]], text: str, shut: list[tuple[int, int]]) -> bool:
    """Lower-case words of four letters or more, or a first word: no name, no part of a compound or phrasal verb."""
    match, word = matches[i], matches[i].group()
    first = not text[: match.start()].strip() or bool(re.search(r"[.!?:]\s+$", text[: match.start()]))
    if len(word) < 4 or not word.isalpha() or word.casefold() in KEPT or (word != word.lower() and not first):
        return False
    if (
        not word[1:].islower()
        or text[match.start() - 1 : match.start()] == "-"
        or text[match.end() : match.end() + 1] == "-"
    ):
        return False
    if any(match.start() < stop and match.end() > start for start, stop in shut):
        return False
    neighbours = [_next_to(matches, text, i, step) for step in (-1, 1)]
    if neighbours[1] in PARTICLES and word.casefold() not in COMMANDS and _may_be(word.lower(), "verb"):
        return False
    low = word.lower()
    pairs = [f"{neighbours[0]} {low}", f"{low} {neighbours[1]}"]
    pairs += [pair[:-1] for pair in pairs if pair.endswith("s")]
    return not any(pair in wordnet().compounds for pair in pairs)


def _next_to(matches: list[re.Match[str]], text: str, i: int, step: int) -> str:
    """The neighbouring word where only white space stands between, else empty."""
    other = i + step
    if not 0 <= other < len(matches):
        return ""
    first, second = sorted((i, other))
    between = text[matches[first].end() : matches[second].start()]
    return matches[other].group().lower().replace("’", "'") if not between.strip() else ""


def _may_be(word: str, pos: str) -> bool:
    net = wordnet()
    return any(sense.pos == pos for base, _ in _bases(word) for sense in net.senses.get(base, ()))


def part_of_speech(before: str, after: str, word: str, first: bool) -> frozenset[str]:
    """The parts of speech a word's neighbours leave it; all four where they tell nothing."""
    content = bool(after) and after not in FIXERS | LINKS | LEADS | STATES
    if before in LEADS:
        return frozenset({"verb"})
    if before in STATES:
        return frozenset({"adj", "verb"} if word.endswith(("ing", "ed")) else {"adj"})
    if before in FIXERS | LINKS or before.endswith("'s"):
        gerund = {"verb"} if word.endswith("ing") and before in LINKS else set()
        return frozenset({"adj", "noun"} | gerund if content else {"noun"} | gerund)
    if first:
        return frozenset({"verb"}) if word in COMMANDS or after in FIXERS else frozenset({"noun", "adj", "adv"})
    return frozenset({"noun", "verb", "adj", "adv"})


def synonyms_at(i: int, matches: list[re.Match[str]], text: str) -> tuple[str, ...]:
    """Common words that share with the word a usual sense of its part of speech there, inflected alike."""
    word = matches[i].group().lower()
    before, after = _next_to(matches, text, i, -1), _next_to(matches, text, i, 1)
    first = not before and (i == 0 or bool(re.search(r"[.!?:]\s+$", text[: matches[i].start()])))
    return synonyms(word, part_of_speech(before, after, word, first))


@lru_cache(maxsize=65536)
def synonyms(word: str, allowed: frozenset[str]) -> tuple[str, ...]:
    """Words that share a usual sense of the allowed parts of speech with an inflected word, inflected alike."""
    net = wordnet()
    known = [(base, ending) for base, ending in _bases(word) if base in net.senses]
    if not known or word in net.inflected:
        return ()
    # `ways` is a word of its own, but hardly ever meant
    base, ending = max(known, key=lambda pair: sum(sense.uses for sense in net.senses[pair[0]]))
    if ending and base in net.irregular:
        return ()
    senses = [s for s in net.senses[base] if s.pos in allowed and _fits(s.pos, ending)]
    senses = _of_one_part(senses, ending)
    total = sum(sense.uses for sense in senses)
    forms = (
        _inflected(other, ending, net)
        for sense in senses
        if sense.uses >= MINIMUM * total
        for other, _ in net.words[sense.synset]
        if other != base and not _akin(other, base)
    )
    good = common_words()
    return tuple(dict.fromkeys(f for f in forms if f is not None and f in good and f not in KEPT))


def _of_one_part(senses: list[Sense], ending: str) -> list[Sense]:
    """The senses of the part of speech that is meant nearly always, or none: a noun must not replace a verb."""
    uses: dict[str, int] = {}
    for sense in senses:
        uses[sense.pos] = uses.get(sense.pos, 0) + sense.uses + 1
    if not uses:
        return []
    best = max(uses, key=lambda pos: uses[pos])
    return [s for s in senses if s.pos == best] if uses[best] >= 0.7 * sum(uses.values()) else []


def _akin(other: str, base: str) -> bool:
    """Whether one word is made of the other (`fire`, `firing`): those share a sense in the book, not in a sentence."""
    short, long = sorted((other, base), key=len)
    return len(short) > 3 and long.startswith(short[:-1])


def _bases(word: str) -> Iterator[tuple[str, str]]:
    """Possible base forms with the ending that was taken off, the word itself first."""
    yield word, ""
    for ending in ("ies", "es", "s", "ied", "ed", "ing"):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = word[: -len(ending)]
            if ending in ("ies", "ied"):
                yield stem + "y", {"ies": "s", "ied": "ed"}[ending]
                continue
            yield stem + ("e" if ending != "s" else ""), ending.replace("es", "s")
            yield stem, ending.replace("es", "s")
            if ending in ("ed", "ing") and len(stem) > 3 and stem[-1] == stem[-2]:
                yield stem[:-1], ending


def _fits(pos: str, ending: str) -> bool:
    return not ending or (ending == "s" and pos in ("noun", "verb")) or (ending in ("ed", "ing") and pos == "verb")


def _inflected(base: str, ending: str, net: WordNet) -> str | None:
    """A regular inflection; None for a word that inflects irregularly or may double its last consonant."""
    if not ending:
        return base
    if base in net.irregular:
        return None
    if base.endswith("y") and base[-2:-1] not in "aeiou" and ending in ("s", "ed"):
        return base[:-1] + ("ies" if ending == "s" else "ied")
    if ending == "s":
        return base + ("es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return base[:-1] + ending
    if re.search(r"[^aeiou][aeiou][^aeiouwxy]$", base):
        return None  # whether it doubles depends on the stress
    return base + ending
