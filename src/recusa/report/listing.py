"""The list of answers a page carries: as many as fit, those that moved first, as data in small pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from recusa.report.answers import FAILED, OUTCOMES, REASON, WITHHELD, Asked, Told, differ, read_answers, verdict
from recusa.report.clean import clip
from recusa.report.format import Locale
from recusa.report.rows import ChangeRow, View
from recusa.report.told import retell
from recusa.results import ANSWERS

BUDGET = 2_300_000  # bytes of the list; a page with it and its pictures stays under 3 MB
TRIES_BUDGET = 250_000
PIECE = 40_000  # characters a browser reads at one go
# longest text of answers that moved, and of others: the first pair with which everything fits
RUNGS = ((4000, 4000), (4000, 1500), (2000, 700), (1200, 400), (800, 200), (400, 160))
ROW, ANSWER = 90, 60  # bytes a prompt and an answer need beside their texts, about
TRY_TEXT = 600
CODES = {**{outcome: outcome[0] for outcome in OUTCOMES}, FAILED: "f"}
Ways = Mapping[str, Mapping[str, int]]  # per prompt and arm: 1 for a refusal gained, -1 for one lost


@dataclass(frozen=True, slots=True)
class Listing:
    """What the page embeds: `pieces` are JSON lists of prompts with their answers; `longest` and `shorter` where texts
    are cut, `clipped` whether any was; `tried` of `tried_of` answers come with the tries of a defence."""

    pieces: tuple[str, ...]
    shown: int
    prompts: int
    answers: int
    longest: int
    shorter: int
    clipped: bool
    kinds: tuple[str, ...]
    categories: tuple[str, ...]
    languages: tuple[str, ...]
    differ: bool
    tried: int
    tried_of: int
    redacted: bool


def list_answers(
    folder: Path,
    told: Told,
    changes: Sequence[ChangeRow],
    view: View,
    arms: Sequence[str],
    baseline: str,
    locale: Locale,
    *,
    redact: bool = False,
    budget: int = BUDGET,
) -> Listing:
    """Read the texts of as many prompts as fit the budget in bytes: those that moved, then a sample by hash."""
    moved = _moved(changes)
    order = sorted(told.asked.values(), key=lambda one: (one.prompt_id not in moved, _lot(one.prompt_id)))
    room = budget - TRIES_BUDGET * any(one.tried for one in order)
    rungs = [_Rung(moved, baseline, *rung) for rung in RUNGS]
    rung = next((rung for rung in rungs if sum(map(rung.size, order)) <= room), rungs[-1])
    wanted = set(_wanted(order, rung, 1.2 * budget))
    reader = _Reader(view.judge, arms, told.asked, rung, locale, redact=redact)
    for row in read_answers(folder / ANSWERS):
        if row.get("attack", "direct") == view.attack and str(row.get("prompt_id")) in wanted:
            reader.take(row)
    written = _written((one.prompt_id for one in order), reader.items, moved, arms, budget)
    shown = [told.asked[prompt_id] for prompt_id in written]
    return Listing(
        pieces=tuple(_pieces(list(written.values()))),
        shown=len(written),
        prompts=len(told.asked),
        answers=sum(len(one.outcomes) for one in told.asked.values()),
        longest=rung.longest,
        shorter=rung.shorter,
        clipped=reader.clipped,
        kinds=tuple(dict.fromkeys(one.kind for one in shown)),
        categories=tuple(sorted({one.category for one in shown if one.category})),
        languages=tuple(sorted({one.language for one in shown if one.language})),
        differ=reader.differ,
        tried=reader.tried,
        tried_of=sum(one.tried for one in told.asked.values()),
        redacted=redact,
    )


def _moved(changes: Sequence[ChangeRow]) -> Ways:
    """Which prompts moved to or from a refusal, under which arms."""
    moved: dict[str, dict[str, int]] = {}
    for change in changes:
        for ids, way in ((change.raw.gained, 1), (change.raw.lost, -1)):
            for prompt_id in ids:
                moved.setdefault(prompt_id, {})[change.raw.arm] = way
    return moved


@dataclass(frozen=True, slots=True)
class _Rung:
    """How long texts may be: prompts and answers that moved, and others."""

    moved: Ways
    baseline: str
    longest: int
    shorter: int

    def most(self, prompt_id: str, arm: str) -> int:
        """The longest text of one answer; the baseline's counts as moved where any arm's did."""
        ways = self.moved.get(prompt_id, {})
        return self.longest if arm in ways or (ways and arm == self.baseline) else self.shorter

    def size(self, one: Asked) -> int:
        """About how many bytes a prompt takes with its answers."""
        texts = sum(ANSWER + min(long, self.most(one.prompt_id, arm)) for (_, arm), long in one.lengths.items())
        return ROW + min(one.text, self.longest) + one.reasons + texts


def _wanted(order: Sequence[Asked], rung: _Rung, room: float) -> Iterator[str]:
    """Prompts while there is room."""
    for one in order:
        room -= rung.size(one)
        if room < 0:
            return
        yield one.prompt_id


def _written(
    ids: Iterator[str], items: Mapping[str, dict[str, Any]], moved: Ways, arms: Sequence[str], budget: int
) -> dict[str, str]:
    """Prompts as JSON until the budget is spent; `<` is escaped, so that no text can end the element it stands in."""
    places = {arm: place for place, arm in enumerate(arms)}
    written: dict[str, str] = {}
    for prompt_id in ids:
        if prompt_id not in items:
            continue
        ways = {str(places[arm]): way for arm, way in moved.get(prompt_id, {}).items() if arm in places}
        item = items[prompt_id] | ({"m": ways} if ways else {})
        text = json.dumps(item, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        budget -= len(text.encode()) + 1
        if budget < 0:
            break
        written[prompt_id] = text
    return written


class _Reader:
    """Collects the prompts that are wanted, each with one answer of every arm."""

    def __init__(
        self,
        judge: str,
        arms: Sequence[str],
        asked: Mapping[str, Asked],
        rung: _Rung,
        locale: Locale,
        *,
        redact: bool,
    ) -> None:
        self.judge, self.asked, self.rung, self.locale, self.redact = judge, asked, rung, locale, redact
        self.places = {arm: place for place, arm in enumerate(arms)}
        self.items: dict[str, dict[str, Any]] = {}
        self.clipped = self.differ = False
        self.tried = 0
        self.room = TRIES_BUDGET

    def take(self, row: Mapping[str, Any]) -> None:
        """Keep an answer of an arm's first sample."""
        prompt_id, arm = str(row.get("prompt_id")), str(row.get("arm"))
        one = self.asked[prompt_id]
        if arm not in self.places or (row.get("sample") or 0) != one.first(arm):
            return
        if prompt_id not in self.items:
            text, cut = clip(str(row.get("prompt", prompt_id)), self.rung.longest)
            self.clipped |= cut > 0
            self.items[prompt_id] = {"i": clip(prompt_id, 80)[0], "k": one.kind, "c": one.category, "l": one.language,
                                     "p": text, "a": [None] * len(self.places)}  # fmt: skip
        self.items[prompt_id]["a"][self.places[arm]] = self._answer(row, self.rung.most(prompt_id, arm))

    def _answer(self, row: Mapping[str, Any], longest: int) -> dict[str, Any]:
        """What one arm said, with nothing that is empty."""
        outcome, reason = verdict(row, self.judge)
        apart = differ(row, self.judge)
        self.differ |= apart
        said: dict[str, Any] = {"o": CODES.get(FAILED if row.get("error") else outcome, ""), "d": int(apart),
                                "f": int(row.get("finish_reason") == "length")}  # fmt: skip
        if self.redact and row.get("kind") == WITHHELD:
            said["h"] = 1
        else:
            said["t"], said["x"] = clip(str(row.get("response") or ""), longest)
            self.clipped |= said["x"] > 0
            said["y"] = clip(retell(reason, self.locale), REASON)[0]
            said["e"] = clip(str(row.get("error") or ""), 300)[0]
            said["s"] = self._tries(row)
        return {name: value for name, value in said.items() if value}

    def _tries(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every try of a defence, while there is room for them."""
        tries = [_try(one, self.locale) for one in row.get("tries") or () if isinstance(one, dict)]
        size = len(json.dumps(tries, ensure_ascii=False).encode()) if tries else 0
        if not tries or size > self.room:
            return []
        self.room -= size
        self.tried += 1
        return tries


def _try(one: Mapping[str, Any], locale: Locale) -> dict[str, Any]:
    score, rejected, writing = one.get("score"), one.get("rejected"), one.get("writing")
    counts = rejected.items() if isinstance(rejected, dict) else ()
    spent = writing if isinstance(writing, dict) else {}
    found = {
        "n": int(one.get("attempt") or 0),
        "q": clip(str(one.get("asked") or ""), TRY_TEXT)[0],
        "t": clip(str(one.get("response") or ""), TRY_TEXT)[0],
        "e": clip(str(one.get("error") or ""), 300)[0],
        "k": int(bool(one.get("chosen"))),
        "r": clip(", ".join(f"{count} {retell(str(name), locale)}" for name, count in counts), 300)[0],
        "w": int(spent.get("calls", 0)),
        "v": int(spent.get("prompt_tokens", 0)) + int(spent.get("answer_tokens", 0)),
    }
    kept = {name: value for name, value in found.items() if value}
    return kept | ({"c": round(float(score), 3)} if isinstance(score, int | float) else {})


def _lot(prompt_id: str) -> bytes:
    """A place in an order that has nothing to do with the prompt, and is the same every time."""
    return sha256(prompt_id.encode(errors="replace")).digest()


def _pieces(written: Sequence[str]) -> Iterator[str]:
    """JSON lists of about the same size."""
    piece: list[str] = []
    size = 0
    for text in written:
        if piece and size + len(text) > PIECE:
            yield f"[{','.join(piece)}]"
            piece, size = [], 0
        piece.append(text)
        size += len(text) + 1
    if piece:
        yield f"[{','.join(piece)}]"
