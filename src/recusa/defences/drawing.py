"""Drawing variants in rounds: every prompt of a chunk gets its first variant, then its second, and so on.

A round depends on the prompts, the operator, the seed and the rounds before it, never on k or on the selector, so
arms that differ in those share their rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from recusa.component import digest
from recusa.defences.faults import Draft, faults
from recusa.protocols import Draw, Given, Operator
from recusa.types import NOTHING_SPENT, Chat, Spent


@dataclass(frozen=True, slots=True)
class Drawn:
    """One variant that passed, or None: what was rejected on the way by reason, and what a writer was asked."""

    text: str | None
    temperature: float | None = None
    rejected: tuple[tuple[str, int], ...] = ()
    writing: Spent = NOTHING_SPENT


@dataclass(slots=True)
class _Search:
    """One variant that is still looked for."""

    chat: Chat
    taken: tuple[str, ...]
    rejected: Counter[str] = field(default_factory=Counter)
    writing: Spent = NOTHING_SPENT
    found: Drawn | None = None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """How variants are drawn: at most `drafts` a variant; `similarity` is the cosine that keeps the meaning."""

    operator: Operator
    given: Given
    seed: int
    drafts: int
    similarity: float

    def rounds(self, chats: Sequence[Chat], k: int) -> list[list[Drawn]]:
        """`k` rounds of one variant a chat, in the chats' order; rounds drawn before in this process are not redone."""
        asked = [[chat.key._replace(arm=""), chat.question] for chat in chats]
        name = digest(["rounds", self.operator.basis(self.given), self.seed, self.drafts, self.similarity, asked])
        done: list[list[Drawn]] = self.given.notes.setdefault(name, [])
        while len(done) < k:
            done.append(self._round(chats, done))
        return done[:k]

    def _round(self, chats: Sequence[Chat], before: Sequence[Sequence[Drawn]]) -> list[Drawn]:
        attempt = len(before) + 2
        searches = [
            _Search(
                chat.asking(chat.question, attempt),
                tuple(r[place].text or "" for r in before if r[place].text is not None),
            )
            for place, chat in enumerate(chats)
        ]
        for redraw in range(self.drafts):
            open_ = [search for search in searches if search.found is None and not search.given_up]
            if not open_:
                break
            self._try(open_, redraw)
        return [s.found or Drawn(None, None, _counted(s.rejected), s.writing) for s in searches]

    def _try(self, searches: Sequence[_Search], redraw: int) -> None:
        """One draft for each: those without a fault are found, the others are counted."""
        draws = [Draw(s.chat.key, s.chat.question, redraw, self.seed) for s in searches]
        made = self.operator.vary(draws, self.given)
        assert len(made) == len(draws), "an operator gives one variant a draw"
        drafts = [Draft(s.chat.question, variant, s.taken) for s, variant in zip(searches, made, strict=True)]
        for search, variant, fault in zip(searches, made, faults(drafts, self.similarity), strict=True):
            search.writing = search.writing.plus(variant.writing)
            if fault:
                search.rejected[fault] += 1
                search.given_up = variant.final
            else:
                search.found = Drawn(variant.text, variant.temperature, _counted(search.rejected), search.writing)


def _counted(rejected: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(rejected.items()))
