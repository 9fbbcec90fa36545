"""The part of `results.json` that says whether a tuned model stayed whole: drift, length, output, exact answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from recusa.component import Settings
from recusa.component import Settings as Part  # frozen, and refuses unknown keys


class WholeSettings(Settings):
    """How tuned arms are checked for what they may have lost."""

    measure: bool = Field(True, description="compare each tuned arm that computes here with its own base")
    limit: int = Field(64, ge=1, description="benign prompts of the test on which drift and answers are compared")
    items: int | None = Field(None, ge=0, description="exact-answer items of each language; default all")
    tasks: tuple[str, ...] = Field((), description="lm-eval tasks to run too; needs the package lm-eval")
    task_limit: int | None = Field(None, ge=1, description="documents of each lm-eval task; default all")
    task_folder: Path | None = Field(None, description="folder of lm-eval task files of your own")


class Drift(Part):
    """How far the tuned model's next-token distributions are from the base's, on the base's own answers.

    `kl` is the mean over the answers' tokens of KL(base || tuned), in nats, teacher forced. `before` and `after` are
    the perplexities of the two models on these answers, `ratio` the second over the first. Intervals are percentile
    bootstraps over groups of prompts; None with fewer than two groups.
    """

    rows: int
    tokens: int
    kl: float
    kl_low: float | None
    kl_high: float | None
    before: float
    after: float
    ratio: float
    ratio_low: float | None
    ratio_high: float | None


class Lengths(Part):
    """Tokens an answer to a benign prompt has, before and after; `change` is the mean of the paired differences.

    `cut` counts answers that the token limit ended: where there are many, a change can be larger than it shows.
    """

    mean_before: float
    mean_after: float
    median_before: float
    median_after: float
    change: float
    low: float | None
    high: float | None
    cut_before: int
    cut_after: int


class Paired(Part):
    """How many of `n` pairs have a property before and after, the difference of the shares, its interval and test.

    The interval is Tango's for paired proportions, `p` McNemar's mid-p, exact when few pairs changed.
    """

    n: int
    before: int
    after: int
    gained: int
    lost: int
    difference: float
    low: float
    high: float
    p: float


class Exact(Part):
    """Exact-answer items of a language, `all` or one category: right answers before and after.

    `refused` counts wrong answers that are refusals; `failed` counts items left out because a row failed.
    """

    language: str
    category: str
    right: Paired
    refused_before: int
    refused_after: int
    failed: int


class Slip(Part):
    """An item the base answered right and the tuned model wrong, with both answers and why the second is wrong."""

    language: str
    category: str
    prompt: str
    before: str
    after: str
    why: str
    refused: bool


class TaskScore(Part):
    """One metric of an lm-eval task before and after, with the standard errors lm-eval gives."""

    task: str
    metric: str
    version: str
    n: int | None
    before: float
    after: float
    before_error: float | None
    after_error: float | None


class Wholeness(Part):
    """A tuned arm against its own base, without defence and system prompt.

    Of the `rows` benign prompts that both answered, `unchanged` got the same answer word for word; `failed` are left
    out. `broken` counts answers the detector calls unclear (empty, repeating, no language, off the subject), with the
    tuned model's reasons in `why_broken`. `drift` is None where there is nothing to compute it from; `no_drift` says
    why. Of the items that were lost, `slips` shows some.
    """

    arm: str
    base: str
    rows: int
    failed: int
    tokens_at_most: int
    unchanged: int
    drift: Drift | None
    no_drift: str = ""
    lengths: Lengths | None
    broken: Paired | None
    why_broken: dict[str, int] = Field(default_factory=dict)
    exact: tuple[Exact, ...] = ()
    slips: tuple[Slip, ...] = ()
    tasks: tuple[TaskScore, ...] = ()
    seconds: float = 0.0


def lasting(content: dict[str, Any]) -> dict[str, Any]:
    """A Wholeness as JSON less what differs between machines in its last digits, for a digest: times and drift."""
    return {name: value for name, value in content.items() if name not in ("drift", "seconds", "tasks")}
