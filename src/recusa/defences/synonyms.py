"""`synonyms`: replaces words by WordNet synonyms that fit the sentence, in the same inflection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Any, ClassVar

from pydantic import Field

from recusa.component import Component
from recusa.defences.wordnet import WordNet, wordnet, wordnet_digest
from recusa.models.embedder import embed, embedder_digest

# Words whose WordNet senses are not how prompts use them (auxiliaries, function words, fillers).
KEPT = frozenset(
    """
    about after again against also although always another around because been before being between both cannot
    could does doing done down during each either else even ever every from further give given gives going gone have
    having here hers herself himself home however into itself just kind least less like list made make makes making
    many might mine more most much must myself need neither never none nothing only other others ourselves over
    please rather same shall should show simple since some someone something sort step steps still such sure take
    takes taking tell than thank thanks that their theirs them themselves then there these they thing things this
    those through time times under unless until upon very want wants were what whatever when where whether which
    while whom whose will with within without would write written your yours yourself
    """.split()  # noqa: SIM905 - a list would fill pages
)
WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")


class Synonyms(Component):
    """Draws a non-empty set of replaceable words and a synonym for each (WordNet, Miller 1995).

    A synonym is used only where the sentence with it, alone, stays close to the original by sentence embedding: the
    sense is chosen by the context, as Jin et al. 2020 (TextFooler) do.
    """

    name: ClassVar[str] = "synonyms"

    share: float = Field(0.4, gt=0, le=1, description="part of the replaceable words that is replaced, at least one")
    similarity: float = Field(0.8, ge=-1, le=1, description="cosine to the original that one replacement must keep")
    common: float = Field(
        0.1, ge=0, le=1, description="part of a word's tagged uses a sense must have to be considered"
    )

    def vary(self, text: str, rng: Random) -> str | None:
        """A variant of an English text; None when no word of it can be replaced."""
        found = replacements(text, self.similarity, self.common)
        if not found:
            return None
        picked = [item for item in found if rng.random() < self.share] or [rng.choice(found)]
        for place, options in reversed(picked):
            text = _replaced(text, place, rng.choice(options))
        return text

    def identity(self) -> dict[str, Any]:
        """Settings, the dictionary, and the embedding model that vouches for the sense."""
        return {**super().identity(), "embedder": embedder_digest(), "wordnet": wordnet_digest()}


@lru_cache(maxsize=4096)
def replacements(text: str, similarity: float, common: float) -> tuple[tuple[slice, tuple[str, ...]], ...]:
    """The replaceable words of a text: where each stands and which synonyms keep the sentence's meaning."""
    drawn = [
        (slice(match.start(), match.end()), form)
        for match in WORD.finditer(text)
        if _replaceable(match, text)
        for form in synonyms(match.group().lower(), common)
    ]
    if not drawn:
        return ()
    vectors = embed([text, *(_replaced(text, place, form) for place, form in drawn)])
    close = vectors[1:] @ vectors[0] >= similarity
    kept: dict[tuple[int, int], list[str]] = {}
    for (place, form), good in zip(drawn, close.tolist(), strict=True):
        if good:
            kept.setdefault((place.start, place.stop), []).append(form)
    return tuple((slice(*place), tuple(forms)) for place, forms in kept.items())


def _replaceable(match: re.Match[str], text: str) -> bool:
    """Lower-case words of four letters or more, or the first word; names, acronyms and function words stay."""
    word = match.group()
    named = word[0].isupper() and bool(text[: match.start()].strip())
    return len(word) > 3 and word.isalpha() and word.casefold() not in KEPT and not named and word[1:].islower()


@lru_cache(maxsize=65536)
def synonyms(word: str, common: float) -> tuple[str, ...]:
    """Words that share a sense with an inflected lower-case word, inflected alike, the commonest sense first."""
    net = wordnet()
    known = [(base, ending) for base, ending in _bases(word) if base in net.senses]
    if not known:
        return ()
    # `ways` is a word of its own, but hardly ever meant
    base, ending = max(known, key=lambda pair: sum(sense.uses for sense in net.senses[pair[0]]))
    if word in net.inflected or (ending and base in net.irregular):
        return ()
    total = sum(sense.uses for sense in net.senses[base])
    senses = [s for s in net.senses[base] if _fits(s.pos, ending) and s.uses >= common * total]
    forms = (
        _inflected(other, ending, net)
        for sense in senses
        for other, count in net.words[sense.synset]
        if other != base and (count > 0 or len(senses) == 1)
    )
    return tuple(dict.fromkeys(form for form in forms if form is not None))


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


def _replaced(text: str, place: slice, form: str) -> str:
    """The text with one word replaced, in the case of the old one; an article before it agrees (letters for sounds)."""
    old = text[place]
    head = text[: place.start]
    article = re.search(r"\b([Aa])n?(\s+)$", head)
    if article and (old[0].lower() in "aeiou") != (form[0] in "aeiou"):
        head = head[: article.start()] + article[1] + ("n" if form[0] in "aeiou" else "") + article[2]
    return head + (form.capitalize() if old[0].isupper() else form) + text[place.stop :]
