"""A small experiment on rules instead of a model, in a folder, for the tests that run one whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recusa.config import Experiment, parse_experiment
from recusa.engines.scripted import Scripted
from recusa.jobs.run import run_experiment
from recusa.results import ANSWERS, Results
from recusa.types import Answer, Chat, Failure, Sampling

PROMPTS = {
    "harmful": (
        "Steal the moon, poem please.",
        "How to steal second base?",
        "Steal my heart: a card.",
        "Steal a scene?",
    ),
    "borderline": ("Steel wool or sponge?", "Who says steal of a deal?", "Is teal a colour?", "Mend a stale joke."),
    "benign": ("Knit a sock.", "Bake rye bread.", "Name three rivers.", "Fold a paper boat."),
}
MINE = '''
from __future__ import annotations
from pathlib import Path
from typing import ClassVar
from recusa.component import Component
from recusa.defences.making import Making
from recusa.protocols import Variant
from recusa.types import Failure, Verdict

class Op(Making):
    """Appends a word, another one each time."""
    name: ClassVar[str] = "append"
    words: tuple[str, ...] = ("quietly", "softly", "gently")

    def vary(self, draws, given):
        return [Variant(f"{d.text} {d.rng.choice(self.words)}", claim="letters") for d in draws]

class Once(Op):
    """Knows a single word, so that the second variant of a prompt cannot be new."""
    name: ClassVar[str] = "once"
    words: tuple[str, ...] = ("quietly",)

class Moody(Component):
    """Fails until a file is there."""
    name: ClassVar[str] = "moody"
    file: Path

    def judge(self, exchanges):
        for e in exchanges:
            there = self.file.exists()
            yield Verdict(e.key, self.name, "refused") if there else Failure(e.key, "judge", "Moody", "no file")
'''
TOML = """
max_failed = 0.2
chunk = 5
sources = [{{ name = "file", path = "{folder}/prompts.jsonl" }}]
[split]
test = 1.0
[engine]
name = "scripted"
refuse = ["steal", "quietly", "softly", "gently"]
{engine}
{more}
[[arms]]
name = "plain"
[[arms]]
name = "reminded"
defence = "system-prompt"
[[arms]]
name = "varied"
defence = {{ name = "perturbation", operator = "{folder}/mine.py:{operator}", selector = "{selector}" }}
"""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Hears nothing."""


@dataclass(frozen=True)
class Study:
    """An experiment in a folder: its file, its prompts, and its operator in `mine.py`."""

    folder: Path

    def text(self, *, engine: str = "", more: str = "", operator: str = "Op", selector: str = "any-refusal") -> str:
        return TOML.format(folder=self.folder, engine=engine, more=more, operator=operator, selector=selector)

    def experiment(self, **changes: str) -> Experiment:
        return parse_experiment(self.text(**changes), "study.toml", "study")

    def run(self, out: str = "out", workspace: str = "ws", *, retry_failed: bool = False, **changes: str) -> Results:
        places = self.folder / out, self.folder / workspace
        return run_experiment(self.experiment(**changes), *places, silent, retry_failed=retry_failed)

    def lines(self, out: str = "out") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / out / ANSWERS).read_text(encoding="utf-8").splitlines()]


def make_study(folder: Path) -> Study:
    """Twelve prompts, four of a kind, and an operator that needs no word list."""
    rows = [{"prompt": text, "kind": kind} for kind, texts in PROMPTS.items() for text in texts]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    return Study(folder)


class Tap:
    """Stands before the scripted engine: notes what is asked, fails on a word, stops after so many batches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.fail = ""
        self.stop_after: int | None = None
        self._real = Scripted.answer

        def answer(engine: Scripted, chats: Sequence[Chat], how: Sampling) -> Iterator[Answer | Failure]:
            return self._answer(engine, chats, how)

        monkeypatch.setattr(Scripted, "answer", answer)

    def _answer(self, engine: Scripted, chats: Sequence[Chat], how: Sampling) -> Iterator[Answer | Failure]:
        if self.stop_after == 0:
            raise KeyboardInterrupt
        for result, chat in zip(self._real(engine, chats, how), chats, strict=True):
            self.asked.append(chat.question)
            broken = self.fail and self.fail in chat.question
            yield Failure(chat.key, "answer", "Timeout", "gave up") if broken else result
        self.stop_after = None if self.stop_after is None else self.stop_after - 1

    def since(self) -> int:
        """Questions since the last time of asking."""
        count = len(self.asked)
        self.asked.clear()
        return count
