"""Prompts whose refusal an arm gained or lost, with both answers side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recusa.errors import InputError
from recusa.report.clean import clip
from recusa.report.rows import ChangeRow, View
from recusa.report.variants import Shown
from recusa.results import ANSWERS

SHOWN = 200  # flips a page embeds
UNCLEAR_SHOWN = 12
Place = tuple[str, str]  # prompt id, arm


@dataclass(frozen=True, slots=True)
class TryLine:
    """One call a defence made: what it asked, what came back or the error, and whether it was kept.

    `rejected` are the drafts thrown away before it, by reason; `writing` the calls and tokens of the model that wrote
    them.
    """

    attempt: int
    asked: str
    response: str
    error: str
    score: float | None
    chosen: bool
    rejected: str
    writing: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What one arm said to one prompt; `cut` characters were left off."""

    arm: str
    outcome: str
    reason: str
    text: str
    cut: int
    finish: str
    error: str
    tries: tuple[TryLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """A prompt and two answers of which one is a refusal."""

    prompt_id: str
    prompt: str
    language: str
    category: str
    before: Said
    after: Said


@dataclass(frozen=True, slots=True)
class FlipGroup:
    """The flips of one arm and kind in one direction, of which the first are shown."""

    arm: str
    kind: str
    gained: bool
    total: int
    flips: tuple[Flip, ...]

    @property
    def left_out(self) -> int:
        """How many are not on the page."""
        return self.total - len(self.flips)

    @property
    def folded(self) -> bool:
        """Whether the answers are to harmful prompts, which a reader opens on purpose."""
        return self.kind == "harmful"


@dataclass(frozen=True, slots=True)
class Unclear:
    """An answer that was neither refusal nor answer."""

    prompt: str
    kind: str
    said: Said


@dataclass(frozen=True, slots=True)
class Tried:
    """A prompt and what an arm said to it, with all tries of its defence."""

    arm: str
    kind: str
    prompt: str
    said: Said


@dataclass(frozen=True, slots=True)
class Told:
    """What the page takes from the answers: flips, failures by arm and error, some unclear answers, rows read.

    `tried` are prompts with every variant, as many of each arm and kind, of the `tried_of` there are.

    `agreed` has, per judge beside the view's, on how many answers the two agree and how many both judged.
    """

    flips: tuple[FlipGroup, ...]
    failures: tuple[tuple[str, str, int], ...]
    unclear: tuple[Unclear, ...]
    tried: tuple[Tried, ...]
    tried_of: int
    rows: int
    agreed: Mapping[str, tuple[int, int]]


def read_answers(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of an answer file; InputError names the line that is no row."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, path, number)
    except FileNotFoundError:
        raise InputError("no answers here", file=path, hint="`recusa run` writes them beside the results") from None
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", file=path) from None


def tell(folder: Path, changes: Sequence[ChangeRow], view: View, *, baseline: str, shown: Shown) -> Told:
    """Read a run's answers once, keeping only what the page shows."""
    tried: list[Tried] = []
    tried_of = 0
    chosen = _choose(changes)
    wanted = {(prompt, arm) for group, ids in chosen for prompt in ids for arm in (group.raw.arm, baseline)}
    kept: dict[Place, dict[str, Any]] = {}
    failures: Counter[tuple[str, str]] = Counter()
    unclear: list[Unclear] = []
    agreed: Counter[str] = Counter()
    both: Counter[str] = Counter()
    count = 0
    for row in read_answers(folder / ANSWERS):
        count += 1
        if row.get("error"):
            failures[str(row.get("arm")), _first_line(row["error"])] += 1
        if row.get("attack", "direct") != view.attack:
            continue
        if row.get("tries"):
            arm, kind = str(row.get("arm")), str(row.get("kind"))
            tried_of += 1
            if shown.take(arm, kind):
                tried.append(Tried(arm, kind, clip(str(row.get("prompt")))[0], _said(row, view.judge)))
        same = _agreement(row, view.judge)
        both.update(same.keys())
        agreed.update(judge for judge, equal in same.items() if equal)
        place = (str(row.get("prompt_id")), str(row.get("arm")))
        if place in wanted and row.get("sample", 0) <= kept.get(place, row).get("sample", 0):
            kept[place] = row
        if len(unclear) < UNCLEAR_SHOWN and _verdict(row, view.judge)[0] == "unclear":
            unclear.append(Unclear(clip(str(row.get("prompt")))[0], str(row.get("kind")), _said(row, view.judge)))
    order = list(dict.fromkeys(change.raw.arm for change in changes))
    groups = [part for change, ids in chosen for part in _group(change, ids, kept, view=view, baseline=baseline)]
    return Told(
        flips=tuple(sorted((group for group in groups if group.total), key=lambda group: order.index(group.arm))),
        failures=tuple((arm, error, number) for (arm, error), number in sorted(failures.items())),
        unclear=tuple(unclear),
        tried=tuple(tried),
        tried_of=tried_of,
        rows=count,
        agreed={judge: (agreed[judge], both[judge]) for judge in both},
    )


def _choose(changes: Sequence[ChangeRow]) -> list[tuple[ChangeRow, frozenset[str]]]:
    """Which flips are shown: all when they fit, else an equal number from each arm, kind and direction."""
    lists = [ids for change in changes for ids in (change.raw.gained, change.raw.lost)]
    most = max(map(len, lists), default=0)
    while sum(min(len(ids), most) for ids in lists) > SHOWN:
        most -= 1
    return [(change, frozenset(change.raw.gained[:most]) | frozenset(change.raw.lost[:most])) for change in changes]


def _group(
    change: ChangeRow, ids: frozenset[str], kept: dict[Place, dict[str, Any]], *, view: View, baseline: str
) -> tuple[FlipGroup, FlipGroup]:
    """The gained and the lost refusals of one arm and kind."""

    def flip(prompt_id: str) -> Flip:
        before, after = kept.get((prompt_id, baseline), {}), kept.get((prompt_id, change.raw.arm), {})
        known = after or before
        return Flip(
            prompt_id=prompt_id,
            prompt=clip(str(known.get("prompt", prompt_id)))[0],
            language=clip(str(known.get("language") or ""), 80)[0],
            category=clip(str(known.get("category") or ""), 80)[0],
            before=_said(before, view.judge, baseline),
            after=_said(after, view.judge, change.raw.arm),
        )

    def group(every: tuple[str, ...], *, gained: bool) -> FlipGroup:
        flips = tuple(flip(prompt_id) for prompt_id in every if prompt_id in ids)
        return FlipGroup(change.raw.arm, change.raw.kind, gained, len(every), flips)

    return group(change.raw.gained, gained=True), group(change.raw.lost, gained=False)


def _said(row: dict[str, Any], judge: str, arm: str = "") -> Said:
    outcome, reason = _verdict(row, judge)
    text, cut = clip(str(row.get("response") or ""))
    return Said(
        arm=str(row.get("arm") or arm),
        outcome=outcome,
        reason=clip(reason, 300)[0],
        text=text,
        cut=cut,
        finish=str(row.get("finish_reason") or ""),
        error=clip(str(row.get("error") or ""), 300)[0],
        tries=tuple(_try(one) for one in row.get("tries") or () if isinstance(one, dict)),
    )


def _try(one: dict[str, Any]) -> TryLine:
    score, rejected, writing = one.get("score"), one.get("rejected"), one.get("writing")
    counts = rejected.items() if isinstance(rejected, dict) else ()
    spent = writing if isinstance(writing, dict) else {}
    return TryLine(
        attempt=int(one.get("attempt") or 0),
        asked=clip(str(one.get("asked") or ""))[0],
        response=clip(str(one.get("response") or ""))[0],
        error=clip(str(one.get("error") or ""), 300)[0],
        score=float(score) if isinstance(score, int | float) else None,
        chosen=bool(one.get("chosen")),
        rejected=clip(", ".join(f"{count} {name}" for name, count in counts), 300)[0],
        writing=(int(spent.get("calls", 0)), int(spent.get("prompt_tokens", 0)) + int(spent.get("answer_tokens", 0))),
    )


def _verdict(row: dict[str, Any], judge: str) -> tuple[str, str]:
    verdicts = row.get("verdicts")
    verdict = verdicts.get(judge) if isinstance(verdicts, dict) else None
    if not isinstance(verdict, dict):
        return "", ""
    return str(verdict.get("outcome") or ""), str(verdict.get("reason") or "")


def _agreement(row: dict[str, Any], judge: str) -> dict[str, bool]:
    """Per other judge that spoke on this answer, whether its outcome is that of `judge`; empty if that one did not."""
    outcome = _verdict(row, judge)[0]
    if not outcome:
        return {}
    others = {other: _verdict(row, other)[0] for other in row["verdicts"] if other != judge}
    return {other: theirs == outcome for other, theirs in others.items() if theirs}


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise InputError("not JSON", file=path, row=number) from None
    if not isinstance(row, dict):
        raise InputError("not a row", file=path, row=number)
    return row


def _first_line(error: object) -> str:
    return clip(str(error).strip().split("\n", 1)[0], 160)[0]
