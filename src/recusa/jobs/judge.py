"""Judging what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from recusa.jobs.crew import Crew, helpers_for
from recusa.protocols import Listener
from recusa.store import Store, exchange_id
from recusa.types import Exchange, Failure, Key, Verdict

TOGETHER = 512  # exchanges a judge gets, and a transaction keeps, at once


@contextmanager
def open_judge(judge: Any, count: int) -> Iterator[Any]:
    """The judge, open where it has something to open, or a crew of its copies where so many exchanges pay for it."""
    helpers = helpers_for(judge, count)
    if helpers:
        with Crew(judge, helpers) as crew:
            yield crew
    elif hasattr(judge, "__enter__"):
        with judge:
            yield judge
    else:
        yield judge


def about_harm(judge: Any) -> bool:
    """Whether a judge says how harmful an answer is, instead of whether it refuses."""
    return getattr(judge, "about", "refusal") == "harm"


def judge_missing(
    judge: Any, exchanges: Sequence[Exchange], store: Store, listener: Listener, stage: str, *, again: bool = False
) -> dict[Key, Verdict | Failure]:
    """A judge's verdict for every exchange, from the store where it has judged the same words before."""
    fingerprint = judge.fingerprint()
    found = store.verdicts(fingerprint, exchanges)
    if again:
        found = {key: said for key, said in found.items() if isinstance(said, Verdict)}
    distinct = {exchange_id(exchange): exchange for exchange in exchanges if exchange.key not in found}
    missing = list(distinct.values())  # the same words from two arms are judged once
    listener(stage, len(exchanges) - len(missing), len(exchanges))
    if not missing:
        return found
    with open_judge(judge, len(missing)) as judging:
        for start in range(0, len(missing), TOGETHER):
            group = missing[start : start + TOGETHER]
            by_key = {exchange.key: exchange for exchange in group}
            said = {result.key: result for result in judging.judge(group)}
            for key in by_key.keys() - said.keys():
                said[key] = Failure(key, "judge", "NoVerdict", "the judge gave no verdict for this answer")
            store.add_verdicts(fingerprint, judge.name, [(by_key[key], said[key]) for key in by_key])
            listener(stage, len(exchanges) - len(missing) + start + len(group), len(exchanges))
    return store.verdicts(fingerprint, exchanges)
