"""A sweep's frontier for the page: sentences and rows with every number written out."""

from __future__ import annotations

from dataclasses import dataclass

from recusa.frontier import Frontier, Point, Side
from recusa.report.format import ABSENT, Locale


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm: its number, rates by kind and by other attack, points over the caps, who is ahead (and surely so)."""

    number: int
    arm: str
    cells: tuple[str, ...]
    over: str
    behind: tuple[tuple[str, bool], ...]
    standing: str
    recommended: bool


@dataclass(frozen=True, slots=True)
class FrontierView:
    """What the section says; `columns` are the kinds, then the other attacks."""

    raw: Frontier
    lead: str
    sentences: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[ArmRow, ...]
    note: str


def frontier_view(frontier: Frontier | None, locale: Locale) -> FrontierView | None:
    """The section of a sweep; None for other runs."""
    if frontier is None:
        return None
    attacks = tuple(dict.fromkeys(attack for point in frontier.points for attack in point.attacked))
    kinds = [locale.kind_title(kind) for kind in frontier.kinds]
    budget = (
        locale.say("frontier_budget", count=locale.number(frontier.budget))
        if frontier.budget
        else locale.say("frontier_no_budget")
    )
    return FrontierView(
        raw=frontier,
        lead=_lead(frontier, locale),
        sentences=tuple(_sentences(frontier, locale)),
        columns=(*kinds, *(locale.say("attacked_column", attack=attack) for attack in attacks)),
        rows=tuple(_row(number, point, attacks, frontier, locale) for number, point in enumerate(frontier.points, 1)),
        note=locale.say(
            "table_frontier_note",
            tests=locale.number(frontier.tests),
            alpha=locale.plain(frontier.alpha),
            budget=budget,
        ),
    )


def _lead(frontier: Frontier, locale: Locale) -> str:
    if frontier.recommended is None:
        return locale.say("frontier_none")
    point = frontier.point(frontier.recommended)
    caps = locale.listed(
        locale.say(
            "frontier_cap",
            kind=locale.kind(kind),
            points=locale.plain(cap),
            baseline=frontier.baseline,
        )
        for kind, cap in (("benign", frontier.cap_benign), ("borderline", frontier.cap_borderline))
        if kind in frontier.kinds
    )
    rates = locale.listed(_told(kind, point.sides[kind], frontier, locale) for kind in frontier.kinds)
    if not frontier.within:
        over = locale.number(point.over, 1)
        return locale.say("frontier_over", arm=point.arm, caps=caps, over=over, rates=rates)
    count = sum(not one.over and not one.failed and one.arm != frontier.baseline for one in frontier.points)
    return locale.say("frontier_taken", arm=point.arm, count=locale.number(count), caps=caps, rates=rates)


def _told(kind: str, side: Side, frontier: Frontier, locale: Locale) -> str:
    said = {
        "kind": locale.kind(kind),
        "count": locale.count(side.refused, side.n),
        "percent": locale.percent(side.rate),
    }
    if kind == "harmful" or side.rise is None:
        return locale.say("frontier_rate", **said, interval=locale.interval(side.low, side.high))
    spread = locale.spread(side.rise_low, side.rise_high)
    return locale.say(
        "frontier_rise", **said, points=locale.points(side.rise), baseline=frontier.baseline, spread=spread
    )


def _sentences(frontier: Frontier, locale: Locale) -> list[str]:
    if frontier.recommended is None:
        return []
    said = []
    if frontier.within:
        sure = frontier.point(frontier.recommended).sure
        said.append(locale.say("frontier_sure" if sure else "frontier_unsure"))
    if frontier.rivals:
        said.append(locale.say("frontier_rivals", arms=locale.listed(frontier.rivals)))
    behind = [
        locale.say(
            "frontier_by" if point.clearly else "frontier_by_chance",
            arm=point.arm,
            others=locale.listed(point.clearly or [one.by for one in point.beaten]),
        )
        for point in frontier.points
        if point.beaten and point.arm != frontier.baseline
    ]
    if behind:
        said.append(locale.say("frontier_dominated", arms="; ".join(behind)))
    return [*said, locale.say("frontier_chosen_here")]


def _row(number: int, point: Point, attacks: tuple[str, ...], frontier: Frontier, locale: Locale) -> ArmRow:
    sides = [point.sides.get(kind) for kind in frontier.kinds] + [point.attacked.get(attack) for attack in attacks]
    numbers = {one.arm: place for place, one in enumerate(frontier.points, 1)}
    return ArmRow(
        number=number,
        arm=point.arm,
        cells=tuple(_cell(side, locale) for side in sides),
        over=ABSENT if point.failed or point.arm == frontier.baseline else locale.number(point.over, 1),
        behind=tuple((locale.number(numbers[one.by]), bool(one.shown)) for one in point.beaten),
        standing=locale.say(f"standing_{_standing(point, frontier)}"),
        recommended=point.arm == frontier.recommended,
    )


def _cell(side: Side | None, locale: Locale) -> str:
    if side is None or side.rate is None:
        return ABSENT
    return f"{locale.percent(side.rate).rstrip('%')} ({locale.interval(side.low, side.high)})"


def _standing(point: Point, frontier: Frontier) -> str:
    if point.failed:
        return "failed"
    if point.arm == frontier.recommended:
        return "recommended" if frontier.within else "least"
    if point.arm == frontier.baseline:
        return "baseline"
    if point.arm in frontier.rivals:
        return "rival"
    return "dominated" if point.dominated else "frontier"
