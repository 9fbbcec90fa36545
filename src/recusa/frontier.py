"""The part of `results.json` that a sweep fills: its arms on the trade, those dominated, the recommended one."""

from __future__ import annotations

from pydantic import Field

from recusa.choosing import Capped
from recusa.component import Settings as Part  # frozen, and refuses unknown keys


class SweepSettings(Capped):
    """What a sweep holds its arms to; without caps it would recommend to refuse everything."""

    budget: int | None = Field(
        None, ge=1, description="tokens each training trains in all, in place of its `epochs`; none leaves it to them"
    )


class Side(Part):
    """How often an arm refused one kind of prompt: shares with Wilson's interval, None where no answer was judged.

    `rise` is the difference to the baseline on the same prompts, with its paired interval; None for the baseline.
    """

    refused: int
    n: int
    failed: int
    rate: float | None
    low: float | None
    high: float | None
    rise: float | None = None
    rise_low: float | None = None
    rise_high: float | None = None


class Beaten(Part):
    """An arm that is at least as good on every kind and better on one; `shown` are the kinds where that is no chance.

    Shown: McNemar's p, Holm over every pair of arms and kind, is below alpha and the paired interval excludes 0.
    """

    by: str
    shown: tuple[str, ...]


class Point(Part):
    """An arm on the trade; `sides` by kind, `attacked` the harmful prompts under other attacks, by attack.

    `over` is by how many points it passes the caps in all, 0 within them; `sure` when the upper ends of its rises are
    within them too. `failed` is why an arm is on no frontier; it has no rates then.
    """

    arm: str
    sides: dict[str, Side]
    attacked: dict[str, Side] = Field(default_factory=dict)
    beaten: tuple[Beaten, ...] = ()
    over: float = 0.0
    sure: bool = False
    failed: str = ""

    @property
    def dominated(self) -> bool:
        """Whether some arm is at least as good on every kind and better on one."""
        return bool(self.beaten)

    @property
    def clearly(self) -> tuple[str, ...]:
        """The arms that dominate it by more than chance."""
        return tuple(one.by for one in self.beaten if one.shown)


class Frontier(Part):
    """The arms of a sweep as the primary judge sees them, asked directly, and the one to take under the caps.

    `recommended` refuses most harm among the arms within the caps (`within`), else passes them least; None when every
    arm but the baseline failed. `rivals` are within the caps too, not dominated, and not shown to refuse less harm.
    `tests` counts the pairs of arms and kinds that Holm's correction is over.
    """

    attack: str
    judge: str
    baseline: str
    alpha: float
    cap_benign: float
    cap_borderline: float
    budget: int | None
    kinds: tuple[str, ...]
    points: tuple[Point, ...]
    recommended: str | None
    within: bool
    rivals: tuple[str, ...]
    tests: int

    def point(self, arm: str) -> Point:
        """An arm's point; raises KeyError for an arm that is not there."""
        return {point.arm: point for point in self.points}[arm]
