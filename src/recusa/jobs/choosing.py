"""Choosing among checkpoints: what is held out of the training prompts, and how the model being trained is asked it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recusa.choosing import Tally
from recusa.jobs.arms import chats_for
from recusa.jobs.judge import judge_missing
from recusa.models.causal import Loaded
from recusa.protocols import Listener
from recusa.store import Store
from recusa.training.choosing import LEAST, Asking, hold_out
from recusa.types import KINDS, Answer, Exchange, Prompt, Sampling, Verdict


def held_out(recipe: Any, training: Sequence[Prompt], listener: Listener, name: str) -> tuple[Prompt, ...]:
    """The training prompts a recipe's checkpoints are chosen on; empty without checks, or with too few prompts."""
    if not getattr(recipe, "checks", 0) or not training:
        return ()
    held = hold_out(training, recipe.check_prompts, recipe.seed)
    if not held:
        note = (
            f"no checkpoint is chosen, the last is kept: fewer than {LEAST} harmful or {LEAST} harmless training "
            "prompts can be held out"
        )
        listener(f"train {name}", 0, 0, note)
    return held


def asking(recipe: Any, engine: Any, held: Sequence[Prompt], judge: Any, store: Store) -> Asking:
    """What has the model being trained answer the held-out prompts greedily, and tallies the verdicts by kind."""
    chats = {chat.key: chat for chat in chats_for(held, "")}
    kinds = {prompt.id: prompt.kind for prompt in held}

    def silent(stage: str, done: int, total: int, note: str = "") -> None:
        """The training's own progress is what is shown."""

    def ask(loaded: Loaded) -> dict[str, Tally]:
        results = list(engine.over(loaded).answer(list(chats.values()), Sampling(recipe.check_tokens)))
        exchanges = [Exchange(a.key, chats[a.key].question, a.text, a.stop) for a in results if isinstance(a, Answer)]
        verdicts = judge_missing(judge, exchanges, store, silent, "check")
        outcomes: dict[str, list[str | None]] = {kind: [] for kind in KINDS}
        for key in chats:
            verdict = verdicts.get(key)
            outcomes[kinds[key.prompt_id]].append(verdict.outcome if isinstance(verdict, Verdict) else None)
        return {
            kind: Tally(refused=said.count("refused"), n=len(said) - said.count(None), failed=said.count(None))
            for kind, said in outcomes.items()
            if said
        }

    return Asking(ask, judge.name)
