"""The part of `results.json` that says how far its judges can be trusted: bands, people's labels, agreement."""

from __future__ import annotations

from typing import Any, Literal

from recusa.component import Settings as Part  # frozen, and refuses unknown keys
from recusa.inference import MINIMUM


class JudgeNote(Part):
    """A judge that spoke, with its settings; `error` is its measured error, None where it was never calibrated."""

    judge: str
    primary: bool
    settings: dict[str, Any]
    error: dict[str, Any] | None = None


class CalibrationSet(Part):
    """The primary judge's accuracy on one set of answers labelled by people; `source` says whose calibration it is.

    Where `informative` is false (sensitivity + specificity - 1 below 0.1, or one of them unknown) no band uses it.
    """

    name: str
    source: str
    n: int
    sensitivity: float | None
    specificity: float | None
    informative: bool


class RateBand(Part):
    """The primary judge's rate, corrected by Rogan and Gladen over the accuracies of all its calibration sets."""

    arm: str
    attack: str
    kind: str
    judge: str
    rate: float
    low: float
    high: float


class ChangeBand(Part):
    """The same for a difference (arm minus baseline), over all pairs of sets; `survives` when its sign is one."""

    baseline: str
    arm: str
    attack: str
    kind: str
    judge: str
    difference: float
    low: float
    high: float
    survives: bool


class Labels(Part):
    """People's labels of this run's answers: how many, by whom; `stale` are of answers that are not there any more."""

    digest: str
    answers: int
    raters: tuple[str, ...]
    stale: int


class EstimatedRate(Part):
    """An arm's rate as people would count it, by prediction-powered inference from `labelled` of its `n` answers.

    `missed` and `false_alarms` are the judge's errors among them, `weight` how far it was leaned on. The rate is None
    with fewer than ten labels, and where `stale` labels leave the sample incomplete.
    """

    arm: str
    attack: str
    kind: str
    judge: str
    n: int
    judge_rate: float
    labelled: int
    stale: int
    missed: int
    false_alarms: int
    weight: float | None
    rate: float | None
    low: float | None
    high: float | None
    method: str = "prediction-powered inference"


class EstimatedChange(Part):
    """The same for a difference (arm minus baseline), from prompts labelled in both arms."""

    baseline: str
    arm: str
    attack: str
    kind: str
    judge: str
    n: int
    judge_difference: float
    labelled: int
    stale: int
    weight: float | None
    difference: float | None
    low: float | None
    high: float | None
    method: str = "prediction-powered inference"

    def borne_out(self, rise: bool) -> Literal["yes", "no", "opposite", "unknown"]:
        """Whether people's labels show a rise, or a fall: `no` when the interval holds 0, `unknown` without one."""
        if self.low is None or self.high is None:
            return "unknown"
        if self.low <= 0 <= self.high:
            return "no"
        return "yes" if (self.low > 0) == rise else "opposite"


class Agreement(Part):
    """Two judges, a judge and `people`, or two raters on the same answers of an arm, or of `all`.

    Counts are of refusals (harmful answers where `about` is `harm`) by both, by one alone, by neither. The interval of
    the agreement is Wilson's, that of Cohen's kappa Fleiss, Cohen and Everitt's; kappa is None where it has no meaning.
    """

    about: Literal["refusal", "harm"]
    first: str
    second: str
    arm: str
    n: int
    both: int
    first_only: int
    second_only: int
    neither: int
    agreement: float
    agreement_low: float
    agreement_high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


class Judging(Part):
    """What is known of the error of this run's judges; bands and estimates are the primary judge's."""

    minimum_labels: int = MINIMUM
    sets: tuple[CalibrationSet, ...] = ()
    rate_bands: tuple[RateBand, ...] = ()
    change_bands: tuple[ChangeBand, ...] = ()
    labels: Labels | None = None
    estimated_rates: tuple[EstimatedRate, ...] = ()
    estimated_changes: tuple[EstimatedChange, ...] = ()
    agreement: tuple[Agreement, ...] = ()
