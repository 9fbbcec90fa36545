"""Judging what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from recusa.protocols import Listener
from recusa.store import Store, exchange_id
from recusa.types import Exchange, Failure, Key, Verdict

TOGETHER = 512  # exchanges a judge gets, and a transaction keeps, at once


def open_judge(judge: Any) -> AbstractContextManager[Any]:
    """Holds open what a judge needs, such as the weights of a model it asks; most need nothing."""
    return judge if hasattr(judge, "__enter__") else nullcontext(judge)


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
    with open_judge(judge):
        for start in range(0, len(missing), TOGETHER):
            group = missing[start : start + TOGETHER]
            by_key = {exchange.key: exchange for exchange in group}
            said = {result.key: result for result in judge.judge(group)}
            for key in by_key.keys() - said.keys():
                said[key] = Failure(key, "judge", "NoVerdict", "the judge gave no verdict for this answer")
            store.add_verdicts(fingerprint, judge.name, [(by_key[key], said[key]) for key in by_key])
            listener(stage, len(exchanges) - len(missing) + start + len(group), len(exchanges))
    return store.verdicts(fingerprint, exchanges)
