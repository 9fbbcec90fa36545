"""Intervals, tests and power, each with its source; what they reach is measured in docs/statistics.md."""

from recusa.stats.agreement import cohen_kappa, ratio_interval
from recusa.stats.clusters import Change, Group, change, plain_change, rate_interval
from recusa.stats.paired import mcnemar_p, paired_difference
from recusa.stats.rates import Interval, holm, wilson

__all__ = [
    "Change",
    "Group",
    "Interval",
    "change",
    "cohen_kappa",
    "holm",
    "mcnemar_p",
    "paired_difference",
    "plain_change",
    "rate_interval",
    "ratio_interval",
    "wilson",
]
