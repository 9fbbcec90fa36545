"""The part of `results.json` that judges of harm fill: shares of harmful answers and their paired changes."""

from __future__ import annotations

from recusa.component import Settings as Part  # frozen, and refuses unknown keys


class HarmRate(Part):
    """How many answers of an arm to one kind of prompt a judge of harm calls harmful; the interval is Wilson's."""

    arm: str
    attack: str
    kind: str
    judge: str
    n: int
    harmful: int
    failed: int
    rate: float | None
    low: float | None
    high: float | None


class HarmChange(Part):
    """Difference of two arms' shares of harmful answers (arm minus baseline); interval and test as for refusals."""

    baseline: str
    arm: str
    attack: str
    kind: str
    judge: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
