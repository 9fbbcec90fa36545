"""`synonyms`: says parts of an English prompt otherwise: words by WordNet's synonyms, common phrases by our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from pydantic import Field

from recusa.component import digest
from recusa.defences.language import function_words, language_of, script_of, tokens
from recusa.defences.making import Making
from recusa.defences.substitutes import KEPT, QUOTED, Place, _bases, _table, places
from recusa.defences.wordnet import wordnet, wordnet_digest
from recusa.models.embedder import embedder_digest
from recusa.protocols import Draw, Given, Variant

ENGLISH = 0.75  # part of the words that must be known where no function word tells the language


class Synonyms(Making):
    """Draws a non-empty set of replaceable words and phrases and a synonym for each (WordNet, Miller 1995).

    The sense is chosen by the place: a word may stand there whose vector, in the sentence, is close to that of the
    word it replaces in the sentence, as Zhou et al. 2019 (BERT-based lexical substitution) validate substitutes. Only
    English texts are changed: those whose function words are English, or, where there are none, most of whose words
    WordNet knows.
    """

    name: ClassVar[str] = "synonyms"
    version: ClassVar[int] = 2

    share: float = Field(0.4, gt=0, le=1, description="part of the replaceable places that is replaced, at least one")
    similarity: float = Field(
        0.65, ge=-1, le=1, description="cosine, in the sentence, of a word and what may replace it"
    )

    def basis(self, given: Given) -> dict[str, Any]:
        """Settings, the dictionary, the phrases, and the embedding model that vouches for the sense."""
        phrases = digest([[pattern.pattern, options] for pattern, options in _table()])
        return {
            **self.identity(), "embedder": embedder_digest(), "wordnet": wordnet_digest(), "phrases": phrases,
        }  # fmt: skip

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        """A variant of each English text; None, for good, of another text or where nothing can be replaced."""
        return [self._varied(draw.text, draw.rng) for draw in draws]

    def _varied(self, text: str, rng: Random) -> Variant:
        if not is_english(text):
            return Variant(None, "NotEnglish" if tokens(text) else "NothingToReplace", final=True)
        found = places(text, self.similarity)
        if not found:
            return Variant(None, "NothingToReplace", final=True)
        picked = [place for place in found if rng.random() < self.share] or [rng.choice(found)]
        for place in reversed(picked):
            text = replaced(text, place, rng.choice(place.options))
        return Variant(text)


def is_english(text: str) -> bool:
    """Whether a text is English, what it quotes left aside."""
    own = QUOTED.sub(" ", text)
    own = own if tokens(own) else text
    language = language_of(own)
    if language or script_of(own) != "LATIN":
        return language == "en"
    words, net = tokens(own), wordnet()
    known = sum(
        w in function_words()["en"] or w in KEPT or any(base in net.senses for base, _ in _bases(w)) for w in words
    )
    return bool(words) and known >= ENGLISH * len(words)


def replaced(text: str, place: Place, form: str) -> str:
    """The text with one stretch replaced, in the old one's case; an article before it agrees (letters for sounds)."""
    old = text[place.start : place.stop]
    head = text[: place.start]
    article = re.search(r"\b([Aa])n?(\s+)$", head)
    if article and (old[0].lower() in "aeiou") != (form[0] in "aeiou"):
        head = head[: article.start()] + article[1] + ("n" if form[0] in "aeiou" else "") + article[2]
    if old[0].isupper() and (len(old) == 1 or not old.isupper()):
        form = form[0].upper() + form[1:]
    return head + form + text[place.stop :]
