"""Asking the model while it is trained, and keeping the adapter that does best: survives a kill with the training."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from recusa.choosing import Check, Choice, Choosing, Tallies, choose
from recusa.models.causal import Loaded
from recusa.protocols import Listener
from recusa.training.choosing import Asking, Checking

FOLDER = "checks"
TALLIES = "tallies.json"  # written last: a step's folder without it is not whole
ADAPTER = "adapter"


class Keeper(TrainerCallback):
    """Has the model asked at even steps and keeps each step's adapter with its tallies.

    Checks up to the checkpoint a training goes on from are kept, later ones are made again: a killed training sees the
    same adapters, and chooses the same, as one that was not. `save` writes the model's adapter into a folder.
    """

    def __init__(
        self,
        recipe: Checking,
        asking: Asking,
        loaded: Loaded,
        tuned: Any,
        folder: Path,
        save: Callable[[Path], None],
        listener: Listener,
        stage: str,
    ) -> None:
        self.recipe, self.asking, self.loaded, self.tuned = recipe, asking, loaded, tuned
        self.folder, self.save, self.listener, self.stage = folder / FOLDER, save, listener, stage
        self.steps: frozenset[int] = frozenset()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Forget checks after the step the training goes on from; ask the untrained model, unless it was."""
        last, checks = int(state.max_steps), min(self.recipe.checks, int(state.max_steps))
        self.steps = frozenset(round(last * place / checks) for place in range(1, checks + 1))
        for step, place in self._found().items():
            if step > int(state.global_step) or not (place / TALLIES).is_file():
                shutil.rmtree(place)
        if 0 not in self._found():
            with self.tuned.disable_adapter():
                self._check(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Check where it is time, before the step's checkpoint is written."""
        step = int(state.global_step)
        if step in self.steps:
            self._check(step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Now that the training can go on from here, only the best adapter so far is needed."""
        checks = self.checks()
        if len(checks) > 1:
            self._drop_all_but(checks[1 + self._choice(checks).place].step)

    def chosen(self) -> Choosing:
        """The checks and which of them is kept; says so."""
        checks = self.checks()
        choice = self._choice(checks)
        kept = checks[1 + choice.place]
        how = "best within the caps" if choice.within else f"no check meets the caps; {choice.over:.1f} points over"
        self.listener(self.stage, 0, 0, f"kept the adapter of step {kept.step} ({_told(kept.tallies)}): {how}")
        return Choosing(
            judge=self.asking.judge,
            tokens=self.recipe.check_tokens,
            cap_benign=self.recipe.cap_benign,
            cap_borderline=self.recipe.cap_borderline,
            checks=checks,
            kept=kept.step,
            over=choice.over,
        )

    def adapter(self, step: int) -> Path:
        """The folder of the adapter as it was after a step."""
        return self.folder / f"step-{step:07}" / ADAPTER

    def checks(self) -> tuple[Check, ...]:
        """All checks so far, the untrained model first."""
        found = sorted(self._found().items())
        return tuple(Check.model_validate_json((place / TALLIES).read_bytes()) for _, place in found)

    def _choice(self, checks: tuple[Check, ...]) -> Choice:
        base, *trained = (check.tallies for check in checks)
        return choose(trained, base, self.recipe.caps, traded=True)

    def _check(self, step: int) -> None:
        start = time.perf_counter()
        training = self.tuned.training
        self.tuned.eval()
        tallies = dict(self.asking.ask(replace(self.loaded, model=self.tuned)))
        self.tuned.train(training)
        check = Check(step=step, tallies=tallies, seconds=round(time.perf_counter() - start, 3))
        place = self.adapter(step).parent
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if step:
            self.save(place / ADAPTER)
        draft = place / f"{TALLIES}.part"
        draft.write_text(json.dumps(check.model_dump(mode="json")), encoding="utf-8")
        draft.replace(place / TALLIES)
        who = f"after step {step}" if step else "untrained"
        self.listener(self.stage, 0, 0, f"{who}, of held-out prompts refused: {_told(tallies)}")

    def _found(self) -> dict[int, Path]:
        return {int(place.name.partition("-")[2]): place for place in self.folder.glob("step-*")}

    def _drop_all_but(self, step: int) -> None:
        for other, place in self._found().items():
            if other != step:
                shutil.rmtree(place / ADAPTER, ignore_errors=True)


def _told(tallies: Tallies) -> str:
    return ", ".join(f"{tally.refused}/{tally.n} {kind}" for kind, tally in tallies.items())
